"""What is said of a week in words, from its figures: the one sentence of summary, and what the other goods were.

Invariant: it says nothing that does not stand in the table.
"""

from __future__ import annotations

from flask_babel import gettext

from fieldapp.core import wording
from fieldapp.reports.rules import Report, Row, write_figure


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


def name_goods(item: str, unit: str) -> str:
    """What stands for goods that have no column of their own, in a list of columns."""
    names = wording.get_words("aid_goods", "aid_unit")
    return gettext(
        "Other goods: %(item)s (%(unit)s)",
        item=names["aid_goods"].get(item, item),
        unit=names["aid_unit"].get(unit, unit),
    )


def say_goods(report: Report) -> list[str]:
    """What the goods were that have no column of their own: a line for all areas, and one for each that gave any."""
    names = wording.get_words("aid_goods", "aid_unit")

    def say(row: Row, part: str) -> str:
        said = [
            gettext(
                "%(item)s %(number)s %(unit)s",
                item=names["aid_goods"].get(one.item, one.item),
                number=write_figure(getattr(one, f"{part}_milli"), "pieces"),
                unit=names["aid_unit"].get(one.unit, one.unit),
            )
            for one in row.goods
            if getattr(one, f"{part}_milli")
        ]
        return gettext(", ").join(said) or "0"

    lines = []
    for row in [report.sum, *report.rows]:
        if row.goods:
            lines.append(
                gettext(
                    "Other goods, %(area)s: this week %(week)s; in all so far %(total)s.",
                    area=gettext("in all") if row is report.sum else row.name,
                    week=say(row, "week"),
                    total=say(row, "total"),
                )
            )
    return lines
