"""The code tables every installation starts with."""

import json
from typing import Any

import pytest
from sqlalchemy import select

from fieldapp.core.codes import SEED_FILE, Code, seed_codes
from fieldapp.core.db import db, transaction
from fieldapp.core.feeds import COMMON, list_changes

# The codes phones, checklists and reports rely on.
PROMISED = {
    "class": "destitute_scattered destitute_institutional dibao_urban dibao_rural dibao_margin rigid_expense "
    "anti_relapse other_hardship none",
    "tag": "lonely_elder living_alone empty_nest left_behind_elder left_behind_child left_behind_woman child_in_need "
    "child_without_carer disabled severely_disabled serious_illness mental_disorder vagrant",
    "risk": "high middle low",
    "severity": "red orange yellow",
    "outcome": "reached not_reached refused",
    "method": "home phone wechat video patrol",
    "followup_type": "temporary_relief temporary_care medical education housing employment disaster judicial legal_aid "
    "heating charity service disability_subsidy home_adaptation assistive_device child_protection joint_visit "
    "complaint data_correction revisit random_revisit",
    "provider_kind": "institution station charity hospital",
    "abuse_question": "abuse child_abuse",
}


@pytest.fixture(scope="module")
def seed() -> dict[str, list[dict[str, Any]]]:
    return json.loads(SEED_FILE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("table", PROMISED)
def test_every_promised_code_is_seeded(seed, table):
    assert set(PROMISED[table].split()) <= {row["code"] for row in seed[table]}


def test_codes_are_unique_and_worded_in_both_languages(seed):
    for table, rows in seed.items():
        codes = [row["code"] for row in rows]
        assert len(set(codes)) == len(codes), table
        for row in rows:
            assert row["zh"], row
            assert row["en"], row
            assert row["en"].isascii(), row


def test_visits_are_more_frequent_in_a_special_period_and_at_higher_risk(seed):
    days = {
        row["code"]: (row["extra"]["interval_days"], row["extra"]["special_days"]) for row in seed["risk"]
    }

    assert days == {"high": (7, 3), "middle": (30, 15), "low": (90, 45)}


def test_every_followup_type_says_who_by_when_and_with_which_checklist(seed):
    for row in seed["followup_type"]:
        extra = row["extra"]
        assert extra["assignee_role"] in {"worker", "supervisor"}
        assert 0 < extra["due_hours"]["red"] < extra["due_hours"]["orange"] < extra["due_hours"]["yellow"]
        assert extra["checklist_key"] == ("revisit" if row["code"] == "random_revisit" else "followup_result")


def test_seeding_again_keeps_what_a_county_changed_and_what_phones_were_told(app):
    with app.app_context():
        told = len(list(list_changes(COMMON, 0, 1000)))
        with transaction():
            high = db.session.get_one(Code, ("risk", "high"))
            high.extra = {**high.extra, "interval_days": 5}
        with transaction():
            assert seed_codes() == 0

        assert db.session.get_one(Code, ("risk", "high")).extra["interval_days"] == 5
        assert len(list(list_changes(COMMON, 0, 1000))) == told


def test_a_missing_row_is_seeded_and_told_to_phones(app):
    with app.app_context():
        with transaction():
            db.session.delete(db.session.get_one(Code, ("tag", "vagrant")))
        read_to = max(entry.number for entry in list_changes(COMMON, 0, 1000))
        with transaction():
            assert seed_codes() == 1

        assert (
            db.session.scalar(select(Code.zh).where(Code.table == "tag", Code.code == "vagrant"))
            == "流浪乞讨人员"
        )
        assert [entry.uuid for entry in list_changes(COMMON, read_to, 10)] == ["tag/vagrant"]
