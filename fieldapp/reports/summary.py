"""The one sentence that says what a week was, from its figures.

Invariant: it says nothing that does not stand in the table.
"""

from __future__ import annotations

from flask_babel import gettext

from fieldapp.reports.rules import Report, write_figure


def say_week(report: Report) -> str:
    """What was done this week, as one sentence in the reader's language; what was not done is not in it."""
    week = report.sum.week
    if week is None:
        return ""
    if not any(week[name] for name in ("contacts", "found", "money", "relief_cases")):
        return gettext("Zero report: nobody was visited, nothing was found and nothing was given this week.")
    said = [
        gettext(
            "%(households)s households with %(persons)s people were visited (%(contacts)s contacts)",
            households=week["households"],
            persons=week["persons"],
            contacts=week["contacts"],
        )
    ]
    if week["found"] or week["solved"]:
        said.append(
            gettext(
                "%(found)s problems were found and %(solved)s solved",
                found=week["found"],
                solved=week["solved"],
            )
        )
    if week["relief_cases"]:
        said.append(gettext("temporary relief was given %(cases)s times", cases=week["relief_cases"]))
    if week["money"]:
        said.append(gettext("%(amount)s yuan were paid", amount=write_figure(week["money"], "yuan")))
    total = report.sum.total
    if total is not None and "open" in total:
        said.append(gettext("%(open)s problems are open", open=total["open"]))
    unreported = [row.name for row in report.rows if not row.is_reported]
    if unreported:
        said.append(gettext("not reported: %(names)s", names=gettext(", ").join(unreported)))
    return gettext("; ").join(said) + gettext(".")
