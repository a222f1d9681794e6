"""The server's own flag rules: tables of cases at and around each threshold."""

from __future__ import annotations

from typing import Any

import pytest

from fieldapp.reviews.rules import LikelyPair, VisitFacts, find_flags, worst

LIMITS: dict[str, dict[str, Any]] = {
    "far_from_home": {"enabled": True, "severity": "yellow", "distance_m": 500},
    "poor_accuracy": {"enabled": True, "severity": "yellow", "accuracy_m": 200},
    "clock_off": {"enabled": True, "severity": "yellow", "minutes": 10},
    "out_of_scope": {"enabled": True, "severity": "yellow"},
    "failed_contacts": {"enabled": True, "severity": "orange", "attempts": 2, "followup": "revisit"},
    "duplicate_person": {"enabled": True, "severity": "yellow"},
    "too_quick": {"enabled": True, "severity": "yellow", "seconds": 2},
    "same_answers": {"enabled": True, "severity": "yellow", "visits": 3, "days": 7},
}
PAIR = LikelyPair("a", "b", ("id",))
CLEAN: dict[str, Any] = {
    "distance_m": 35.0,
    "accuracy_m": 12.0,
    "clock_offset_s": 3,
    "ahead_s": -60.0,
    "out_of_scope": False,
    "failed_in_a_row": 0,
    "at_risk": True,
}


@pytest.mark.parametrize(
    ("change", "raised"),
    [
        ({}, []),
        ({"distance_m": None, "accuracy_m": None}, []),
        ({"distance_m": 512.0}, []),
        ({"distance_m": 512.1}, ["far_from_home"]),
        ({"distance_m": 700.0, "accuracy_m": 200.0}, []),
        ({"distance_m": 50_000.0, "accuracy_m": 12.0}, ["far_from_home"]),
        ({"accuracy_m": 200.0}, []),
        ({"accuracy_m": 201.0}, ["poor_accuracy"]),
        ({"clock_offset_s": 600}, []),
        ({"clock_offset_s": 601}, ["clock_off"]),
        ({"clock_offset_s": -601}, ["clock_off"]),
        ({"ahead_s": 600.0}, []),
        ({"ahead_s": 34_560_000.0}, ["clock_off"]),
        ({"out_of_scope": True}, ["out_of_scope"]),
        ({"failed_in_a_row": 1}, []),
        ({"failed_in_a_row": 2}, ["failed_contacts"]),
        ({"failed_in_a_row": 5, "at_risk": False}, []),
        ({"likely_pairs": (PAIR,)}, ["duplicate_person"]),
        ({"likely_pairs": (PAIR, LikelyPair("c", "d", ("phone",)))}, ["duplicate_person"]),
        ({"lasted_s": 24.0, "own_answers": 12}, []),
        ({"lasted_s": 23.9, "own_answers": 12}, ["too_quick"]),
        ({"lasted_s": 0.0, "own_answers": 3}, ["too_quick"]),
        # Of two answers nobody can say that they were given quickly; of none at all even less.
        ({"lasted_s": 0.0, "own_answers": 2}, []),
        ({"lasted_s": 1.0, "own_answers": 0}, []),
        ({"lasted_s": None, "own_answers": 12}, []),
        # A phone whose clock was set back on the way has no length to tell.
        ({"lasted_s": -600.0, "own_answers": 12}, []),
        ({"same_answers": ("1", "2")}, []),
        ({"same_answers": ("1", "2", "3")}, ["same_answers"]),
    ],
)
def test_rule_at_its_threshold(change, raised):
    found = find_flags(VisitFacts(**{**CLEAN, **change}), LIMITS)
    assert [flag.rule for flag in found] == raised
    for flag in found:
        assert flag.text["zh"]
        assert flag.text["en"]
        assert flag.severity == LIMITS[flag.rule]["severity"]
        assert flag.followup_type == LIMITS[flag.rule].get("followup")


def test_rule_switched_off_or_unknown_raises_nothing():
    facts = VisitFacts(**{**CLEAN, "out_of_scope": True})
    assert find_flags(facts, {"out_of_scope": {"enabled": False, "severity": "yellow"}}) == []
    assert find_flags(facts, {}) == []


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        (["yellow", "red", "orange"], "red"),
        (["yellow", "orange"], "orange"),
        (["yellow"], "yellow"),
        ([], None),
    ],
)
def test_worst_severity(severities, expected):
    assert worst(severities) == expected
