"""A workbook becomes an immutable version that phones are given; what they had stays known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fieldapp.checklists import actions, queries
from fieldapp.checklists.problems import ChecklistRefused
from fieldapp.core.db import transaction
from fieldapp.core.feeds import rev_of
from tests.checklists.vectors import workbook_of

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)


def greeting(label: str, **settings: str) -> bytes:
    survey = [{"type": "text", "name": "a", "label": label}]
    return workbook_of({"survey": survey, "settings": {"form_id": "greeting", **settings}})


def publish(content: bytes) -> str:
    with transaction():
        return actions.publish_workbook(None, "greeting.xlsx", content, NOW).version


def test_a_new_installation_has_the_library(app):
    with app.app_context():
        assert {version.key for version in queries.list_published()} >= {
            "routine",
            "elderly_alone",
            "followup_result",
        }


def test_each_workbook_is_a_new_version_and_the_old_one_stays(app):
    with app.app_context():
        assert publish(greeting("Hello", version="7")) == "1"
        assert publish(greeting("Good day")) == "2"
        assert queries.get_published("greeting").version == "2"
        old = queries.get_version("greeting", "1")
        assert old.document["nodes"][0]["label"] == {"default": "Hello"}
        assert old.document["version"] == "1"
        assert "<h:html" in old.xform
        assert old.workbook.startswith(b"PK")


def test_the_same_workbook_again_changes_nothing(app):
    content = greeting("Hello")
    with app.app_context():
        publish(content)
        rev = rev_of("common", "checklist", "greeting")
        assert publish(content) == "1"
        assert rev_of("common", "checklist", "greeting") == rev


def test_phones_are_told_of_a_new_version(app):
    with app.app_context():
        publish(greeting("Hello"))
        first = rev_of("common", "checklist", "greeting")
        publish(greeting("Good day"))
        second = rev_of("common", "checklist", "greeting")
        assert first is not None
        assert second is not None
        assert second > first


def test_a_refused_workbook_leaves_nothing_behind(app):
    content = workbook_of({"survey": [{"type": "text", "name": "a", "label": "x", "relevant": "("}]})
    with app.app_context():
        with pytest.raises(ChecklistRefused):
            publish(content)
        assert queries.find_version("test", "1") is None


def test_checking_files_says_ok_or_where_and_why(app, tmp_path):
    good, bad = tmp_path / "good.xlsx", tmp_path / "bad.xlsx"
    good.write_bytes(greeting("Hello"))
    bad.write_bytes(
        workbook_of({"survey": [{"type": "text", "name": "a", "label": "x", "relevant": "${a} == 1"}]})
    )
    lines, all_ok = actions.check_files([good, bad])
    assert not all_ok
    assert lines == [
        "ok good.xlsx: 1 questions, languages default",
        "refused bad.xlsx",
        "  survey, row 2, relevant: == is not an operator here; instead: write =",
    ]
    assert actions.check_files([good])[1]
