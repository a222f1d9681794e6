"""公示: what was approved in a township in a month, for the notice board, printed or as a file.

Invariant: names leave masked, those of minors not at all.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from flask import Blueprint, Response, render_template, request, send_file
from flask_babel import gettext
from flask_login import current_user

from fieldapp.aid.rules import write_amount
from fieldapp.areas import queries as areas
from fieldapp.areas.models import Area
from fieldapp.core import audit, clock, scope, wording
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import READERS, require
from fieldapp.core.workbook import BOLD, NUMBER, PLAIN, Cell, write_workbook
from fieldapp.relief import queries
from fieldapp.relief.queries import PublicRow

bp = Blueprint("relief_public", __name__, url_prefix="/relief/public")


@dataclass(frozen=True)
class Notice:
    """The list of a township and a month."""

    township: Area
    month: str
    rows: list[PublicRow]


@bp.get("")
@require(*READERS)
def page() -> str:
    """The list of the township and month in the address; without them of the reader's first one and this month."""
    townships = _list_townships()
    return render_template(
        "relief/public.html",
        notice=_read_notice(townships),
        townships=townships,
        this_month=f"{clock.local_date(clock.now()):%Y-%m}",
        causes=wording.get_words("cause")["cause"],
    )


@bp.get("/workbook")
@require(*READERS)
def workbook() -> Response:
    """The same as an Excel file; who took it is noted."""
    notice = _read_notice(_list_townships())
    if notice is None:
        raise AppError("not_found")
    with transaction():
        audit.record(
            current_user,
            "relief.export",
            "area",
            notice.township.code,
            month=notice.month,
            rows=len(notice.rows),
        )
    name = f"{gettext('Temporary relief, public notice')} {notice.township.name} {notice.month}.xlsx"
    return send_file(
        io.BytesIO(write_workbook(_sheet(notice))),
        mimetype="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        as_attachment=True,
        download_name=name,
    )


def _list_townships() -> list[Area]:
    codes = current_user.area_codes()
    above = {code[:9] for code in codes}
    return [
        area
        for area in areas.list_of_levels(["township"])
        if scope.covers(codes, area.code) or area.code in above
    ]


def _read_notice(townships: list[Area]) -> Notice | None:
    asked = request.args.get("township", "")
    township = next((area for area in townships if area.code == asked), townships[0] if townships else None)
    if township is None:
        return None
    first = _read_month()
    until = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    rows = queries.list_public(township.code, first, until)
    return Notice(township, f"{first:%Y-%m}", rows)


def _read_month() -> date:
    try:
        first = date.fromisoformat(request.args.get("month", "") + "-01")
    except ValueError:
        first = clock.local_date(clock.now()).replace(day=1)
    return first if 2000 <= first.year <= 2100 else clock.local_date(clock.now()).replace(day=1)


def _sheet(notice: Notice) -> Iterator[list[Cell]]:
    causes = wording.get_words("cause")["cause"]
    heads = (
        gettext("No."),
        gettext("Applicant, masked"),
        gettext("Township or village"),
        gettext("Programme"),
        gettext("Cause"),
        gettext("People, number"),
        gettext("Amount, yuan"),
        gettext("Granted on"),
    )
    yield [(head, BOLD) for head in heads]
    for number, row in enumerate(notice.rows, start=1):
        yield [
            (number, NUMBER),
            (row.name, PLAIN),
            (row.place, PLAIN),
            (gettext("Temporary relief"), PLAIN),
            (causes.get(row.cause, ""), PLAIN),
            (row.people, NUMBER),
            (write_amount(row.cents, 2, 2), PLAIN),
            (row.on.isoformat(), PLAIN),
        ]
