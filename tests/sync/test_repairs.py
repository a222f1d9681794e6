"""Bodies that cannot be read: what is left out, what a person has to choose, and that nothing else is touched."""

from __future__ import annotations

import copy
import uuid
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from fieldapp.followups.sync import RefuseBody, ReportBody
from fieldapp.sync.repairs import MAX_DEPTH, is_shallow, list_parts, repair
from fieldapp.visits.sync import VisitBody

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


def visit(**more: Any) -> dict[str, Any]:
    return {
        "visit_uuid": str(uuid.UUID(int=1)),
        "household_uuid": str(uuid.UUID(int=2)),
        "people": [],
        "outcome": "reached",
        "checklist": {"key": "routine", "version": "1"},
        "method": "home",
        "started_at": "2026-11-23T09:00:00Z",
        "finished_at": "2026-11-23T09:10:00Z",
        "answers": {"reached": "reached"},
        **more,
    }


def test_what_can_be_read_stays_as_it_is():
    done = repair(VisitBody, visit(), {})
    assert (done.body, done.left_out, done.faults) == (visit(), (), ())


@pytest.mark.parametrize(
    ("more", "left_out"),
    [
        ({"surprise": 1}, {"surprise"}),
        ({"checklist": {"key": "routine", "version": "1", "colour": "red"}}, {"checklist.colour"}),
        ({"location": {"lat": 1}}, {"location"}),
        ({"location": []}, {"location"}),
        ({"location_declined": 5}, {"location_declined"}),
        ({"attachments": [{}, {"sha256": "0" * 64, "question": "a"}, 3]}, {"attachments.0", "attachments.2"}),
        ({"attachments": "none"}, {"attachments"}),
        ({"urgent_calls": [{"to": "119", "at": "2026-11-23T09:00:00Z"}]}, {"urgent_calls.0"}),
        ({"people": [str(uuid.UUID(int=3))] * 60}, {"people"}),
        ({"location_declined": "x" * 999}, {"location_declined"}),
    ],
)
def test_what_the_server_can_do_without_is_left_out(more, left_out):
    done = repair(VisitBody, visit(**more), {})
    assert {fault.name for fault in done.left_out} == left_out
    assert done.faults == ()
    VisitBody.model_validate(done.body)


def test_what_is_too_long_is_cut():
    done = repair(RefuseBody, {"followup_id": str(uuid.UUID(int=1)), "reason": "x" * 1001}, {})
    assert done.body["reason"] == "x" * 1000


def test_a_character_no_database_takes_goes_alone():
    done = repair(VisitBody, visit(answers={"no\0te": ["a\0b"]}), {})
    assert done.body["answers"] == {"note": ["ab"]}


@pytest.mark.parametrize("name", ["outcome", "method", "started_at", "finished_at", "checklist", "people"])
def test_what_a_visit_needs_is_asked_for_and_taken_as_chosen(name):
    done = repair(VisitBody, visit(**{name: "?"}), {})
    assert {str(fault.path[0]) for fault in done.faults} == {name}
    assert repair(VisitBody, visit(**{name: "?"}), {name: visit()[name]}).faults == ()


@settings(max_examples=150, deadline=None)
@given(
    body=st.dictionaries(st.sampled_from([*VisitBody.model_fields, "followup_id", "reason", "x"]), JSON),
    model=st.sampled_from([VisitBody, ReportBody, RefuseBody]),
)
def test_anything_can_be_repaired_or_not_and_stays_as_it_was(body, model):
    before = copy.deepcopy(body)
    done = repair(model, {**visit(), **body}, {})
    assert repr(body) == repr(before)
    if not done.faults:
        model.model_validate(done.body)
    assert len(list_parts(body)) <= 50


def test_depth_is_measured_without_going_there():
    value: Any = "x"
    for _ in range(MAX_DEPTH):
        value = [value]
    assert is_shallow(value)
    for _ in range(100_000):
        value = {"a": value}
    assert not is_shallow(value)
