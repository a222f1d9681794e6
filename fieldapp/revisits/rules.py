"""What a re-visit says beside the visit it looks at again.

Invariant: two questions are the same when they stand in the same group under the same name, in whatever checklist; who
cannot remember contradicts nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# What is answered by somebody who cannot remember.
UNSURE = "unsure"
# Answers to `reached` under which nothing was asked.
NOBODY = frozenset({"not_reached", "refused"})
AGREE, DIFFER, NOT_DONE = "agree", "differ", "not_done"
FINDINGS = (DIFFER, NOT_DONE, AGREE)
DECISIONS = ("fine", "talked", "voided", "task")


@dataclass(frozen=True)
class Answer:
    """An answered question: its path, its words, and what was answered, raw and in words."""

    key: str
    label: str
    raw: str
    value: str


@dataclass(frozen=True)
class Pair:
    """A question with what was answered in the visit and in the re-visit."""

    label: str
    then: str
    again: str
    differs: bool


def pair_answers(visit: Iterable[Answer], again: Iterable[Answer]) -> list[Pair]:
    """The questions that both ask, in the order of the re-visit."""
    was = {answer.key: answer for answer in visit}
    return [
        Pair(answer.label, was[answer.key].value, answer.value, _differs(was[answer.key].raw, answer.raw))
        for answer in again
        if answer.key in was and answer.key != "reached"
    ]


def find(answers: Mapping[str, Any], pairs: Sequence[Pair], hints: Sequence[Any]) -> str:
    """agree, differ or not_done; `hints` are what the re-visit's own checklist calls a difference."""
    if answers.get("reached", "not_reached") in NOBODY:
        return NOT_DONE
    return DIFFER if hints or any(pair.differs for pair in pairs) else AGREE


def _differs(then: str, again: str) -> bool:
    # Several choices, in whatever order.
    return again != UNSURE and set(then.split()) != set(again.split())
