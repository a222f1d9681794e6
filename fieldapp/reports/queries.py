"""Reads of the weekly report: as it stands now, as it was confirmed, and the difference.

Invariant: what is shown as confirmed is the sheet that was confirmed, word for word; what stands now is added up anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from fieldapp.aid.counting import OTHER_GOODS
from fieldapp.aid.queries import sum_other_goods
from fieldapp.aid.rules import Goods
from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS, PROPER, Area
from fieldapp.core import clock, scope
from fieldapp.core.db import db, once
from fieldapp.core.errors import AppError
from fieldapp.core.weeks import Week, week_of_day
from fieldapp.people.models import SpecialPeriod
from fieldapp.reports import rules
from fieldapp.reports.models import ReportSheet
from fieldapp.reports.repeats import count_repeats
from fieldapp.reports.rules import Report, Row
from fieldapp.rollups import queries as rollups
from fieldapp.rollups.models import RunningCount
from fieldapp.rollups.rules import Basis
from fieldapp.visits.models import Visit

COUNTY, CITY, PROVINCE = ("county", PROPER), "city", "province"
# What a row of a city's report, or of the province's, is.
UNREPORTED, CONFIRMED, CHANGED, RETURNED, LOCKED = "unreported", "confirmed", "changed", "returned", "locked"
LEVEL_BELOW = {"province": "city", "city": "county", "county": "township", "township": "village"}
WEEKS_BACK, WEEKS_AHEAD = 12, 6


@dataclass(frozen=True)
class Late:
    """Visits that a week counts: how many ended in one that was confirmed before they came, and how many are returned."""

    from_before: int
    returned: int


def get_report_area(code: str, reader_codes: Sequence[str]) -> Area:
    """The area of a report, in the reader's scope; raises not_found."""
    path = areas.read_around(code)[0] if scope.covers(reader_codes, code) else []
    if not path or path[-1].code != code:
        raise AppError("not_found")
    return path[-1]


def list_report_areas(reader_codes: Sequence[str]) -> list[Area]:
    """The areas whose reports the reader may open, the widest first: their own."""
    return sorted(areas.list_areas(reader_codes), key=lambda area: (len(area.code), area.code))


def list_weeks(now: datetime, back: int = WEEKS_BACK) -> list[Week]:
    """The week that runs and those before it, the latest first."""
    weeks = [rollups.get_week(now)]
    for _ in range(back):
        before = rollups.find_week(clock.local_date(weeks[-1].begins_at))
        if before is None:
            break
        weeks.append(before)
    return weeks


def list_weeks_ahead(now: datetime) -> list[Week]:
    """The week that runs and those to come, as they are set now."""
    weeks = [rollups.get_week(now)]
    while len(weeks) < WEEKS_AHEAD:
        weeks.append(rollups.get_week(weeks[-1].ends_at))
    return weeks


def get_week(ends_on: date, now: datetime) -> Week:
    """The week that ends on that day, and has begun; raises not_found."""
    week = rollups.find_week(ends_on)
    if week is None or week.begins_at > now:
        raise AppError("not_found")
    return week


def get_since(area_code: str, week: Week) -> date:
    """The week with which the running figures of an area begin: that of a special period of the whole city, else the year's.

    A county's begin with its city's: else the city's row would not be what the county confirmed.
    """
    city = area_code[: LEVELS["city"]]
    for period, counted_from in _list_city_periods(city):
        if period.from_on <= week.ends_on and (period.until_on is None or period.until_on >= week.begins_on):
            since = week_of_day(period.from_on, rollups.get_cuts()).ends_on
            if since == counted_from:
                return since
    return rollups.first_week_of_year(week)


@once
def _list_city_periods(city: str) -> list[tuple[SpecialPeriod, date]]:
    """The special periods over a city, by their first day, each with the first weeks that are counted from in its area."""
    counted = RunningCount.area_code == SpecialPeriod.area_code
    over = select(SpecialPeriod, RunningCount.first_week_on).join(RunningCount, counted)
    codes = city, city[: LEVELS["province"]]
    periods = over.where(SpecialPeriod.area_code.in_(codes)).order_by(SpecialPeriod.from_on)
    return [(row[0], row[1]) for row in db.session.execute(periods)]


def list_uncounted_periods(now: datetime) -> list[tuple[str, date]]:
    """The special periods of cities and provinces since which nothing is counted yet: (area, first week)."""
    today = clock.local_date(now)
    periods = db.session.execute(
        select(SpecialPeriod.area_code, SpecialPeriod.from_on).where(
            func.length(SpecialPeriod.area_code) <= LEVELS["city"],
            SpecialPeriod.from_on <= today,
            (SpecialPeriod.until_on.is_(None)) | (SpecialPeriod.until_on >= today),
        )
    )
    wanted = {(code, week_of_day(from_on, rollups.get_cuts()).ends_on) for code, from_on in periods}
    return sorted(key for key in wanted if db.session.get(RunningCount, key) is None)


def read_live(area: Area, week: Week) -> Report:
    """The report of an area as it stands now: a row for each part, all that is counted."""
    since = get_since(area.code, week)
    basis = Basis(since, None)
    digits = _digits_below(area)
    weeks, running, open_before = rollups.sum_to_week([area.code], digits, str(since), since, week.ends_on)
    parts = {
        code: (
            rules.complete(weeks.get(code, {}), None),
            rules.complete(running.get(code, {}), open_before.get(code, 0)),
        )
        for code in weeks.keys() | running.keys() | open_before.keys()
    }
    goods = _list_goods(area, since, week, parts)
    rows = [
        Row(one.code, one.name, *parts.get(one.code, _nothing()), goods=goods.get(one.code, ()), basis=basis)
        for one in areas.read_around(area.code)[1]
        if not one.is_ended or one.code in parts
    ]
    whole = Row(
        area.code,
        area.name,
        rules.add_up([_nothing()[0], *(part[0] for part in parts.values())]),
        rules.add_up([_nothing()[1], *(part[1] for part in parts.values())]),
        goods=rules.add_goods(goods.values()),
        basis=basis,
    )
    return Report(whole, rows)


def _list_goods(
    area: Area, since: date, week: Week, parts: Mapping[str, tuple[rules.Figures, rules.Figures]]
) -> dict[str, tuple[Goods, ...]]:
    """What the goods were that have no column of their own, by part of an area; asked only where there are any."""
    if not any(figures[OTHER_GOODS] for part in parts.values() for figures in part):
        return {}
    found: dict[str, list[Goods]] = {}
    for code, goods in sum_other_goods(area.code, _digits_below(area), since, week.ends_on):
        found.setdefault(code, []).append(goods)
    return {code: tuple(goods) for code, goods in found.items()}


def _nothing() -> tuple[rules.Figures, rules.Figures]:
    return rules.complete({}, None), rules.complete({}, 0)


def _digits_below(area: Area) -> int:
    return LEVELS[LEVEL_BELOW[area.level]] if area.level in LEVEL_BELOW else LEVELS["grid"]


def find_sheet(area_code: str, week_on: date, number: int | None = None) -> ReportSheet | None:
    """The sheet of an area and week under that number, or the last one."""
    sheets = list_sheets(area_code, week_on)
    return next((sheet for sheet in sheets if number in (None, sheet.number)), None)


def list_sheets(area_code: str, week_on: date) -> list[ReportSheet]:
    """The sheets of an area and week, the last one first."""
    return _read_sheets(ReportSheet.area_code == area_code, ReportSheet.week_on == week_on)


def list_sheets_about(area_code: str, week_on: date) -> list[ReportSheet]:
    """The sheets of an area, of its city, and of those right below it, by area, the last one first."""
    return [sheet for sheet in _read_sheets_about(area_code, week_on) if sheet.week_on == week_on]


def find_last_foot(area_code: str, week_on: date) -> dict[str, str] | None:
    """Who answered for the last sheet of an area: of that week or, where there is none, of any."""
    own = [sheet for sheet in _read_sheets_about(area_code, week_on) if sheet.area_code == area_code]
    own.sort(key=lambda sheet: sheet.week_on == week_on, reverse=True)
    return own[0].foot if own else None


@once
def _read_sheets_about(area_code: str, week_on: date) -> list[ReportSheet]:
    """Those of the week, and the last one of the area of any week."""
    itself = ReportSheet.area_code.in_({area_code, area_code[: LEVELS["city"]]})
    below = ReportSheet.area_code.in_(select(Area.code).where(Area.parent_code == area_code))
    newest = ReportSheet.week_on.desc(), ReportSheet.number.desc()
    last = select(ReportSheet.id).where(ReportSheet.area_code == area_code).order_by(*newest).limit(1)
    return _read_sheets(
        ((itself | below) & (ReportSheet.week_on == week_on)) | (ReportSheet.id == last.scalar_subquery())
    )


def _read_sheets(*which: ColumnElement[bool]) -> list[ReportSheet]:
    wanted = select(ReportSheet).where(*which)
    return list(db.session.scalars(wanted.order_by(ReportSheet.area_code, ReportSheet.number.desc())))


def find_sent(area_code: str, week_on: date) -> ReportSheet | None:
    """The last sheet of the city of an area for that week, once it has sent it."""
    return find_sheet(area_code[: LEVELS["city"]], week_on)


def may_confirm_now(county_code: str, sent: ReportSheet | None) -> bool:
    """Whether a county may confirm: until the city has `sent` its sheet, and after that when it went as 未报."""
    row = rules.pick(read_sheet(sent).rows, county_code) if sent else None
    return row is None or not row.is_reported


def is_standing(sheet: ReportSheet | None) -> bool:
    """Whether a county's figures stand as it confirmed them: it did, and the city did not give them back."""
    return sheet is not None and sheet.returned_at is None


def read_sheet(sheet: ReportSheet) -> Report:
    """The report as it was confirmed."""
    # Sheets from before anything was said of it stand upon all that has not been amended since.
    basis = Basis(sheet.since_on, 0)
    rows = [_as_row(kept, basis) for kept in (sheet.figures["sum"], *sheet.figures["rows"])]
    return Report(rows[0], rows[1:])


def write_figures(report: Report) -> dict[str, Any]:
    """A report as a sheet keeps it; nothing is amended of what it counts now until the transaction ends."""
    last_amended = rollups.get_last_amended()
    whole, *rows = (_as_json(row, last_amended) for row in (report.sum, *report.rows))
    return {"sum": whole, "rows": rows}


def _as_row(kept: dict[str, Any], basis: Basis) -> Row:
    goods = tuple(Goods(*each) for each in kept.get("goods", ()))
    if "basis" in kept:
        basis = Basis(date.fromisoformat(kept["basis"][0]), kept["basis"][1])
    return Row(kept["code"], kept["name"], kept["week"], kept["total"], kept.get("state", ""), goods, basis)


def _as_json(row: Row, last_amended: int) -> dict[str, Any]:
    said: dict[str, Any] = {
        "code": row.code,
        "name": row.name,
        "week": row.week,
        "total": row.total,
        "state": row.state,
    }
    if row.goods:
        said["goods"] = [[one.item, one.unit, one.week_milli, one.total_milli] for one in row.goods]
    if row.basis:
        known = last_amended if row.basis.known is None else row.basis.known
        said["basis"] = [str(row.basis.since), known]
    return said


def gather(area: Area, week: Week) -> Report:
    """The report of a city, or the province, as those below have confirmed it; who has not is there without figures.

    What it comes to counts everybody once whom a row counts that has figures, as that row counts them.
    """
    last = _last_sheets(area, week)
    if area.level == CITY:
        rows = [_gather_row(row, last.get(row.code)) for row in read_live(area, week).rows]
    else:
        below = [one for one in areas.read_around(area.code)[1] if not one.is_ended or one.code in last]
        rows = [_gather_row(Row(one.code, one.name, None, None), last.get(one.code)) for one in below]
    sheets = [read_sheet(last[row.code]) for row in rows if row.is_reported]
    return _put_together(area, week, rows, [one for sheet in sheets for one in _list_counties(sheet)])


def gather_now(city: Area, week: Week) -> Report:
    """A city's report of those who have confirmed, with the figures as they stand now: what a correction says."""
    last = _last_sheets(city, week)
    rows = [
        row if is_standing(last.get(row.code)) else Row(row.code, row.name, None, None, UNREPORTED)
        for row in read_live(city, week).rows
    ]
    return _put_together(city, week, rows, rows)


def _last_sheets(area: Area, week: Week) -> dict[str, ReportSheet]:
    sheets = list_sheets_about(area.code, week.ends_on)
    return {sheet.area_code: sheet for sheet in reversed(sheets)}


def _gather_row(live: Row, sheet: ReportSheet | None) -> Row:
    if sheet is None or not is_standing(sheet):
        return Row(live.code, live.name, None, None, RETURNED if sheet else UNREPORTED)
    kept = read_sheet(sheet).sum
    is_city = len(live.code) == LEVELS["city"]
    state = LOCKED if is_city else CHANGED if rules.list_changes(kept, live) else CONFIRMED
    return replace(kept, name=live.name, state=state)


def _list_counties(sheet: Report) -> list[Row]:
    """The rows of the counties whose figures a sheet has: a city's has one for each."""
    return sheet.rows if len(sheet.sum.code) == LEVELS["city"] else [sheet.sum]


def _put_together(area: Area, week: Week, rows: list[Row], counties: Iterable[Row]) -> Report:
    reported = [row for row in rows if row.is_reported]
    parts = list(counties)
    bases = {row.code: row.basis for row in parts if row.is_reported and row.basis}
    digits, since = _digits_below(area), get_since(area.code, week)
    whole = {row.code for row in reported} - {row.code[:digits] for row in parts if not row.is_reported}
    of_week, in_all = count_repeats(area.code, digits, week.ends_on, since, bases, whole)
    week_sum = rules.add_up([_nothing()[0], *(row.week for row in reported if row.week), of_week])
    total_sum = rules.add_up([_nothing()[1], *(row.total for row in reported if row.total), in_all])
    goods = rules.add_goods(row.goods for row in reported)
    return Report(Row(area.code, area.name, week_sum, total_sum, goods=goods), rows)


def list_differences(before: Report, after: Report) -> list[tuple[Row, rules.Change]]:
    """What differs between two readings of a report, by row."""
    held = {row.code: row for row in [before.sum, *before.rows]}
    differences = []
    for row in [after.sum, *after.rows]:
        old = held.get(row.code, Row(row.code, row.name, None, None))
        differences += [(row, change) for change in rules.list_changes(old, row)]
    return differences


def digest(report: Report) -> str:
    """What tells whether a report still has the figures that somebody saw."""
    figures = [
        (
            row.code,
            row.week,
            row.total,
            *((one.item, one.unit, one.week_milli, one.total_milli) for one in row.goods),
        )
        for row in [report.sum, *report.rows]
    ]
    return hashlib.sha256(json.dumps(figures, sort_keys=True).encode()).hexdigest()


def count_late(area_code: str, week: Week) -> Late:
    """How many visits of a week ended in one that was confirmed before they came, and how many were returned."""
    there = Visit.week_on == week.ends_on, scope.within(Visit.area_code, [area_code])
    count = select(func.count()).select_from(Visit).where(*there)
    # Each by an index of its own: the week of a province is not gone through.
    late = count.where(Visit.finished_at < week.begins_at, Visit.state != "voided")
    returned = count.where(Visit.state == "returned")
    row = db.session.execute(select(late.scalar_subquery(), returned.scalar_subquery())).one()
    return Late(row[0], row[1])
