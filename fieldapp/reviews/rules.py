"""Flags the server finds itself, each a pure rule over the facts of one visit.

Invariant: a rule says what it saw and against which threshold; it never judges a person. Thresholds are rows of
the code table `flag_rule`, which each county sets for itself or switches off (`flag_rule_actions`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from fieldapp.core.severity import SEVERITIES

# How long somebody who opened a visit has it to themselves.
CLAIM_LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class LikelyPair:
    """Somebody visited, whoever else they could be, and what of the two entries is alike."""

    person_uuid: str
    other_uuid: str
    why: tuple[str, ...]


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
    # Pairs of entries, one of somebody visited, that could be one person and of which no visit has told yet.
    likely_pairs: tuple[LikelyPair, ...] = ()
    # From beginning to end; None where that says nothing: a correction, one typed at the desk, nobody reached.
    lasted_s: float | None = None
    # Answers that the worker gave on this visit, none that was offered from the registry or from last time.
    own_answers: int = 0
    # Other visits of the worker with the very same of those answers, the latest first.
    same_answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Threshold:
    """What a rule is measured against: the name of its setting, its unit, and between what it may be set."""

    name: str
    unit: str
    least: int
    most: int


# Photos that differ in more bits are not looked for.
MOST_BITS = 3
# No more visits with the same answers are looked for; so many are named.
MOST_SAME, NAMED_SAME = 100, 5
# Of fewer answers nobody can say that they were given quickly, or are remarkably alike.
LEAST_ANSWERS = 3

# The rules by name, in the order in which they are shown, with what each is measured against.
THRESHOLDS: dict[str, tuple[Threshold, ...]] = {
    "failed_contacts": (Threshold("attempts", "attempts", 1, 10),),
    "far_from_home": (Threshold("distance_m", "m", 50, 100_000),),
    "poor_accuracy": (Threshold("accuracy_m", "m", 10, 5_000),),
    "same_photo": (Threshold("bits", "bits", 0, MOST_BITS),),
    "photo_time": (Threshold("minutes", "minutes", 10, 10_080),),
    "clock_off": (Threshold("minutes", "minutes", 1, 1_440),),
    "out_of_scope": (),
    "duplicate_person": (),
    "too_quick": (Threshold("seconds", "seconds", 1, 60),),
    "same_answers": (Threshold("visits", "visits", 2, MOST_SAME), Threshold("days", "days", 1, 90)),
}


@dataclass(frozen=True)
class AlikePhoto:
    """A photo of a visit, and one of another visit that looks like it; `bits`: in how many of 64 they differ."""

    sha256: str
    other_sha256: str
    other_visit: str
    other_at: datetime
    bits: int


@dataclass(frozen=True)
class PhotoFacts:
    """What is known of the photos of a visit; `gap_s`: the longest time between one of them and the visit, seconds."""

    alike: tuple[AlikePhoto, ...]
    gap_s: float | None


def count_different_bits(fingerprint: str, other: str) -> int:
    """In how many of their 64 bits two fingerprints (hex) differ."""
    return (int(fingerprint, 16) ^ int(other, 16)).bit_count()


def list_quarters(fingerprint: str) -> list[tuple[int, int]]:
    """(which, its 16 bits) of a fingerprint: of two that differ in three bits at most, one quarter is the same."""
    return [(place, int(fingerprint[4 * place : 4 * place + 4], 16)) for place in range(4)]


def gap_s(taken_at: datetime, began_at: datetime, ended_at: datetime) -> float:
    """Seconds between a photo and a visit; 0 for one taken during it."""
    return max((began_at - taken_at).total_seconds(), (taken_at - ended_at).total_seconds(), 0.0)


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


def find_flags(facts: VisitFacts, thresholds: Mapping[str, Mapping[str, Any]]) -> list[RaisedFlag]:
    """The flags of all rules that are switched on; `thresholds` are the `extra` values by rule."""
    checks = {
        "far_from_home": _far_from_home,
        "poor_accuracy": _poor_accuracy,
        "clock_off": _clock_off,
        "out_of_scope": _out_of_scope,
        "failed_contacts": _failed_contacts,
        "duplicate_person": _duplicate_person,
        "too_quick": _too_quick,
        "same_answers": _same_answers,
    }
    return _apply(checks, facts, thresholds)


def find_photo_flags(facts: PhotoFacts, thresholds: Mapping[str, Mapping[str, Any]]) -> list[RaisedFlag]:
    """The flags of the rules that look at photos: asked again whenever one arrives."""
    return _apply({"same_photo": _same_photo, "photo_time": _photo_time}, facts, thresholds)


Seen = tuple[dict[str, str], dict[str, Any]] | None
Facts = TypeVar("Facts", VisitFacts, PhotoFacts)


def _apply(
    checks: Mapping[str, Callable[[Facts, Mapping[str, Any]], Seen]],
    facts: Facts,
    thresholds: Mapping[str, Mapping[str, Any]],
) -> list[RaisedFlag]:
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


def _same_photo(facts: PhotoFacts, limits: Mapping[str, Any]) -> Seen:
    alike = [photo for photo in facts.alike if photo.bits <= limits["bits"]]
    if not alike:
        return None
    count = len({photo.sha256 for photo in alike})
    text = {
        "zh": f"{count} 张照片与其他走访的照片相同或几乎相同",
        "en": f"{count} photo{'s' if count > 1 else ''} the same as, or much like, one of another visit",
    }
    pairs = [
        {
            "sha256": photo.sha256,
            "other_sha256": photo.other_sha256,
            "other_visit": photo.other_visit,
            "other_at": photo.other_at.isoformat(),
            "bits": photo.bits,
        }
        for photo in alike
    ]
    return text, {"pairs": pairs, "limit_bits": limits["bits"]}


def _photo_time(facts: PhotoFacts, limits: Mapping[str, Any]) -> Seen:
    if facts.gap_s is None or facts.gap_s <= limits["minutes"] * 60:
        return None
    zh, en = _duration(facts.gap_s)
    text = {
        "zh": f"有照片的拍摄时间与走访相差{zh}",
        "en": f"A photo was taken {en} before or after the visit",
    }
    return text, {"gap_s": round(facts.gap_s), "limit_min": limits["minutes"]}


def _duration(seconds: float) -> tuple[str, str]:
    if seconds < 7_200:
        return f" {seconds / 60:.0f} 分钟", f"{seconds / 60:.0f} minutes"
    if seconds < 172_800:
        return f" {seconds / 3_600:.0f} 小时", f"{seconds / 3_600:.0f} hours"
    return f" {seconds / 86_400:.0f} 天", f"{seconds / 86_400:.0f} days"


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


def _duplicate_person(facts: VisitFacts, limits: Mapping[str, Any]) -> Seen:
    if not facts.likely_pairs:
        return None
    count = len({pair.person_uuid for pair in facts.likely_pairs})
    text = {
        "zh": "可能重复登记" if count == 1 else f"{count} 人可能重复登记",
        "en": "Perhaps registered twice" if count == 1 else f"{count} people perhaps registered twice",
    }
    pairs = [
        {"person": pair.person_uuid, "other": pair.other_uuid, "why": list(pair.why)}
        for pair in facts.likely_pairs
    ]
    return text, {"likely_pairs": pairs}


def _too_quick(facts: VisitFacts, limits: Mapping[str, Any]) -> Seen:
    if facts.lasted_s is None or facts.own_answers < LEAST_ANSWERS:
        return None
    # A clock that was set back on the way has no length to tell.
    if not 0 <= facts.lasted_s < limits["seconds"] * facts.own_answers:
        return None
    seconds = round(facts.lasted_s)
    text = {
        "zh": f"{facts.own_answers} 个问题用时 {seconds} 秒",
        "en": f"{facts.own_answers} questions in {seconds} seconds",
    }
    return text, {
        "lasted_s": seconds,
        "answers": facts.own_answers,
        "limit_s": limits["seconds"],
    }


def _same_answers(facts: VisitFacts, limits: Mapping[str, Any]) -> Seen:
    count = len(facts.same_answers)
    if count < limits["visits"]:
        return None
    text = {
        "zh": f"{facts.own_answers} 个回答与另外 {count} 次走访完全相同",
        "en": f"{facts.own_answers} answers the very same as on {count} other visits",
    }
    return text, {
        "visits": count,
        "named": list(facts.same_answers[:NAMED_SAME]),
        "limit_visits": limits["visits"],
        "limit_days": limits["days"],
    }


def _metres(value: float) -> tuple[str, str]:
    if value < 1000:
        return f" {value:.0f} 米", f"{value:.0f} m"
    return f" {value / 1000:.1f} 公里", f"{value / 1000:.1f} km"
