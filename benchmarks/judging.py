"""What the server spends on a checklist: compiling a workbook once, and judging each visit's answers.

Invariant: best of several turns on this machine, not slowed down; nothing is kept from one turn to the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.forms import answers_of, make_form
from fieldapp.checklists.compiler.compile import compile_workbook
from fieldapp.checklists.rules import evaluate

QUESTIONS = (30, 150, 1400)
CONTEXT = {"today": "2026-11-24", "now": "2026-11-24T09:00:00.000+08:00", "language": "zh"}


@dataclass(frozen=True)
class Judged:
    """One workbook: its size, and milliseconds to compile it and to judge one filled-in form."""

    questions: int
    rows: int
    compile_ms: float
    evaluate_ms: float


def measure() -> list[Judged]:
    """Each of the generated workbooks, all questions answered."""
    found = []
    for questions in QUESTIONS:
        form = make_form(questions)
        document, answers = form.compiled.document, answers_of(form)
        assert not evaluate(document, answers, CONTEXT).problems
        compile_ms = _best_ms(lambda: compile_workbook(form.workbook, ()), 3)  # noqa: B023
        evaluate_ms = _best_ms(lambda: evaluate(document, answers, CONTEXT), 20)  # noqa: B023
        found.append(Judged(questions, form.rows, compile_ms, evaluate_ms))
    return found


def table(found: list[Judged]) -> str:
    """One line a workbook."""
    rows = [f"{'questions':>9} {'rows':>6} {'compile':>12} {'judge one form':>16}"]
    rows += [
        f"{one.questions:>9,} {one.rows:>6,} {one.compile_ms:>9,.0f} ms {one.evaluate_ms:>13,.2f} ms"
        for one in found
    ]
    return "\n".join(["On the server: compiling a workbook, judging the answers to a whole form", *rows])


def _best_ms(work: Callable[[], object], turns: int) -> float:
    times = []
    for _ in range(turns):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times) * 1000
