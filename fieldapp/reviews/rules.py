"""Flags the server finds itself, each a pure rule over the facts of one visit; and the draw of clean visits.

Invariant: a rule says what it saw and against which threshold; it never judges a person. Thresholds are rows of
the code table `flag_rule`, so that a county can change them or switch a rule off. A draw can be done again by anybody who
has the seed, and guessed by nobody else.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fieldapp.core.severity import SEVERITIES

# How long somebody who opened a visit has it to themselves.
CLAIM_LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class VisitFacts:
    """What the rules look at."""

    distance_m: float | None
    accuracy_m: float | None
    clock_offset_s: int
    ahead_s: float
    out_of_scope: bool
    failed_in_a_row: int
    at_risk: bool


@dataclass(frozen=True)
class RaisedFlag:
    """A flag about to be stored."""

    rule: str
    severity: str
    text: dict[str, str]
    question: str = ""
    choice: str = ""
    evidence: dict[str, Any] | None = None
    followup_type: str | None = None


def worst(severities: list[str]) -> str | None:
    """The worst of `severities`, or None when there are none."""
    return min(severities, key=SEVERITIES.index, default=None)


def is_worse(severity: str, than: str) -> bool:
    """Whether one severity is worse than another."""
    return SEVERITIES.index(severity) < SEVERITIES.index(than)


def question_of(path: str) -> str:
    """A question's path without the place of its person: the same question about the same person may move."""
    return re.sub(r"^people\[\d+\]", "people", path)


def draw_number(seed: str, visit_uuid: str) -> float:
    """A visit's number in the draw, at least 0 and below 1: the first 8 bytes of HMAC-SHA-256 over its uuid, with the seed
    as the key, as a fraction.
    """
    digest = hmac.new(seed.encode(), visit_uuid.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def is_drawn(seed: str, visit_uuid: str, share_percent: int) -> bool:
    """Whether the draw picks a visit for review."""
    return draw_number(seed, visit_uuid) * 100 < share_percent


def find_flags(facts: VisitFacts, thresholds: Mapping[str, Mapping[str, Any]]) -> list[RaisedFlag]:
    """The flags of all rules that are switched on; `thresholds` are the `extra` values by rule."""
    checks = {
        "far_from_home": _far_from_home,
        "poor_accuracy": _poor_accuracy,
        "clock_off": _clock_off,
        "out_of_scope": _out_of_scope,
        "failed_contacts": _failed_contacts,
    }
    found = []
    for rule, check in checks.items():
        limits = thresholds.get(rule, {})
        if limits.get("enabled") and (seen := check(facts, limits)):
            text, evidence = seen
            found.append(
                RaisedFlag(
                    rule, limits["severity"], text, evidence=evidence, followup_type=limits.get("followup")
                )
            )
    return found


Seen = tuple[dict[str, str], dict[str, Any]] | None


def _far_from_home(facts: VisitFacts, limits: Mapping[str, Any]) -> Seen:
    # A measurement that is itself unsure by 300 m must not accuse anyone of standing 600 m away.
    if facts.distance_m is None or facts.distance_m - (facts.accuracy_m or 0) <= limits["distance_m"]:
        return None
    zh, en = _metres(facts.distance_m)
    text = {"zh": f"走访位置距登记住址{zh}", "en": f"Visited {en} from the registered home"}
    return text, {
        "distance_m": facts.distance_m,
        "accuracy_m": facts.accuracy_m,
        "limit_m": limits["distance_m"],
    }


def _poor_accuracy(facts: VisitFacts, limits: Mapping[str, Any]) -> Seen:
    if facts.accuracy_m is None or facts.accuracy_m <= limits["accuracy_m"]:
        return None
    zh, en = _metres(facts.accuracy_m)
    text = {"zh": f"定位误差约{zh}", "en": f"The location is only good to {en}"}
    return text, {"accuracy_m": facts.accuracy_m, "limit_m": limits["accuracy_m"]}


def _clock_off(facts: VisitFacts, limits: Mapping[str, Any]) -> Seen:
    # Off now, or set right since: then the visit seems to have ended after it arrived.
    off_s = max(abs(facts.clock_offset_s), facts.ahead_s)
    if off_s <= limits["minutes"] * 60:
        return None
    minutes = round(off_s / 60)
    text = {
        "zh": f"手机时间与标准时间相差 {minutes} 分钟,已校正",
        "en": f"The phone's clock is {minutes} minutes off; corrected",
    }
    return text, {"off_s": round(off_s), "limit_min": limits["minutes"]}


def _out_of_scope(facts: VisitFacts, limits: Mapping[str, Any]) -> Seen:
    if not facts.out_of_scope:
        return None
    text = {
        "zh": "走访时属该网格员负责,收到时已不在其网格",
        "en": "The grid was the worker's at the time of the visit, but no longer when it arrived",
    }
    return text, {}


def _failed_contacts(facts: VisitFacts, limits: Mapping[str, Any]) -> Seen:
    if not facts.at_risk or facts.failed_in_a_row < limits["attempts"]:
        return None
    text = {
        "zh": f"连续 {facts.failed_in_a_row} 次未联系上",
        "en": f"Not reached {facts.failed_in_a_row} times in a row",
    }
    return text, {"attempts": facts.failed_in_a_row, "limit": limits["attempts"]}


def _metres(value: float) -> tuple[str, str]:
    if value < 1000:
        return f" {value:.0f} 米", f"{value:.0f} m"
    return f" {value / 1000:.1f} 公里", f"{value / 1000:.1f} km"
