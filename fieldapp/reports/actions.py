"""Writes of the weekly report: a county confirms, the city gives back, sends and corrects; who reports is reminded.

Invariant: what was confirmed is added as a sheet and never changed; from a county's confirmation on nothing more counts in that
week but what changes records that count in it already.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete

from fieldapp.areas import queries as areas
from fieldapp.areas.models import Area
from fieldapp.core import audit, clock
from fieldapp.core.db import db, insert_if_absent, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER
from fieldapp.core.weeks import Week
from fieldapp.notices.actions import Matter, tell
from fieldapp.reports import queries, recount, rules
from fieldapp.reports.models import ReportReminder, ReportSheet
from fieldapp.reports.rules import Report
from fieldapp.rollups import actions as rollups, queries as rollup_queries
from fieldapp.rollups.models import ClosedWeek, RunningCount
from fieldapp.users import queries as users
from fieldapp.users.models import User
from fieldapp.workdays.queries import get_calendar

Foot = Mapping[str, str]
REMINDER_HOLDS = timedelta(hours=24)


def can_confirm(actor: User, area: Area) -> bool:
    """Whether the actor answers for a county's, or a city's, figures: an officer of that very area.

    市本级 has nobody above its units but the city, whose officer confirms it.
    """
    own = set(actor.area_codes())
    return actor.role == OFFICER and (
        area.code in own or (area.level == "proper" and area.parent_code in own)
    )


def confirm_county(
    actor: User, area: Area, week: Week, *, seen: str, foot: Foot, now: datetime
) -> ReportSheet:
    """Confirm a county's figures as they were `seen`; from now on what arrives counts in a later week.

    Raises wrong_role, week_not_over, report_locked once the city has sent, report_changed when the figures moved since.
    """
    _check(actor, area, week, queries.COUNTY, now)
    _lock(area.code, week)
    if not queries.may_confirm_now(area.code, queries.find_sent(area.code, week.ends_on)):
        raise AppError("report_locked")
    _close(area.code, week)
    live = queries.read_live(area, week)
    if queries.digest(live) != seen:
        raise AppError("report_changed")
    return _add_sheet(actor, area, week, live, foot, None, "report.confirm", now)


def return_county(actor: User, city: Area, county: Area, week: Week, *, reason: str, now: datetime) -> None:
    """Give a county's figures back to it, with why; what is recorded now counts in that week again.

    Raises wrong_role, report_locked, report_not_confirmed, reason_needed.
    """
    _check(actor, city, week, (queries.CITY,), now)
    _lock(county.code, week)
    if queries.find_sent(city.code, week.ends_on):
        raise AppError("report_locked")
    sheet = queries.find_sheet(county.code, week.ends_on)
    if sheet is None or not queries.is_standing(sheet) or county.parent_code != city.code:
        raise AppError("report_not_confirmed")
    sheet.returned_by_id, sheet.returned_at, sheet.returned_reason = actor.id, now, _reason(reason)
    db.session.execute(
        delete(ClosedWeek).where(ClosedWeek.county_code == county.code, ClosedWeek.week_on == week.ends_on)
    )
    audit.record(
        actor,
        "report.return",
        "report",
        str(sheet.id),
        at=now,
        area=county.code,
        week=str(week.ends_on),
        reason=reason,
    )
    tell(_list_officers(county, now), _matter("report.returned", county, week), now)


def send_city(actor: User, city: Area, week: Week, *, seen: str, foot: Foot, now: datetime) -> ReportSheet:
    """Confirm a city's report and send it to the province: it is locked. A county that has not confirmed goes as 未报.

    Raises wrong_role, week_not_over, report_locked, report_changed when a county confirmed anew since it was `seen`.
    """
    _check(actor, city, week, (queries.CITY,), now)
    _lock(city.code, week)
    if queries.find_sent(city.code, week.ends_on):
        raise AppError("report_locked")
    gathered = queries.gather(city, week)
    if queries.digest(gathered) != seen:
        raise AppError("report_changed")
    for row in gathered.rows:
        # Locked for all of them: also whoever has not reported counts what comes now in a later week.
        _close(row.code, week)
    sheet = _add_sheet(actor, city, week, gathered, foot, None, "report.send", now)
    tell(_list_officers_above(city, now), _matter("report.sent", city, week), now)
    return sheet


def correct_city(
    actor: User, city: Area, week: Week, *, seen: str, foot: Foot, reason: str, now: datetime
) -> ReportSheet:
    """Add a 更正表, under the next number, of all figures as they stand now, with why.

    Raises wrong_role, report_not_sent, nothing_to_correct, report_changed, reason_needed.
    """
    _check(actor, city, week, (queries.CITY,), now)
    _lock(city.code, week)
    last = queries.find_sheet(city.code, week.ends_on)
    if last is None:
        raise AppError("report_not_sent")
    for row in last.figures["rows"]:
        rollup_queries.lock_figures(row["code"], is_shared=False)
    live = queries.gather_now(city, week)
    if queries.digest(live) != seen:
        raise AppError("report_changed")
    if not queries.list_differences(queries.read_sheet(last), live):
        raise AppError("nothing_to_correct")
    sheet = _add_sheet(actor, city, week, live, foot, _reason(reason), "report.correct", now)
    tell(_list_officers_above(city, now), _matter("report.corrected", city, week), now)
    return sheet


def remind(now: datetime) -> int:
    """Remind officers of counties and cities of the week that is to be reported; returns how many reminders were due.

    Runs its own transaction; each goes out once, whichever server looks first.
    """
    sent = 0
    calendar = get_calendar()
    for week in queries.list_weeks(now)[:3]:
        for name, day, at in rules.list_reminders(week.ends_on, calendar):
            # One that was missed by more than a day reminds nobody of anything.
            due_at = datetime.combine(day, at, clock.LOCAL)
            if due_at <= now < due_at + REMINDER_HOLDS:
                with transaction():
                    if insert_if_absent(ReportReminder, week_on=week.ends_on, name=name, sent_at=now):
                        sent += 1
                        _remind(week, name, now)
    return sent


def _remind(week: Week, name: str, now: datetime) -> None:
    for area in areas.list_of_levels([*queries.COUNTY, queries.CITY]):
        if area.level == queries.CITY:
            is_done = queries.find_sent(area.code, week.ends_on) is not None
        else:
            is_done = queries.is_standing(queries.find_sheet(area.code, week.ends_on))
        if not is_done:
            tell(_list_officers(area, now), _matter(f"report.{name}", area, week), now)


def start_running_counts(now: datetime) -> int:
    """Count since the beginning of special periods of whole cities; returns how many were begun. Runs its own transactions."""
    wanted = queries.list_uncounted_periods(now)
    for area_code, first_week_on in wanted:
        with transaction():
            rollups.lock_changes()
            if insert_if_absent(RunningCount, area_code=area_code, first_week_on=first_week_on):
                rollups.add(recount.count_since(area_code, first_week_on))
    return len(wanted)


def _check(actor: User, area: Area, week: Week, levels: tuple[str, ...], now: datetime) -> None:
    if area.level not in levels or not can_confirm(actor, area):
        raise AppError("wrong_role")
    if week.ends_at > now:
        raise AppError("week_not_over")


def _close(county_code: str, week: Week) -> None:
    """From now on nothing counts in a county's week; what somebody is just counting in it is there when this returns."""
    rollup_queries.lock_week(county_code, week.ends_on, is_shared=False)
    rollup_queries.lock_figures(county_code, is_shared=False)
    insert_if_absent(ClosedWeek, county_code=county_code, week_on=week.ends_on)


def _lock(area_code: str, week: Week) -> None:
    """One after the other: who confirms, gives back and sends the same area's week."""
    rollups.lock_subject("report", f"{area_code[:4]} {week.ends_on}")


def _add_sheet(
    actor: User,
    area: Area,
    week: Week,
    report: Report,
    foot: Foot,
    reason: str | None,
    deed: str,
    now: datetime,
) -> ReportSheet:
    last = queries.find_sheet(area.code, week.ends_on)
    sheet = ReportSheet(
        area_code=area.code,
        week_on=week.ends_on,
        number=last.number + 1 if last else 0,
        since_on=queries.get_since(area.code, week),
        figures=queries.write_figures(report),
        foot=dict(foot),
        reason=reason,
        made_by_id=actor.id,
        made_at=now,
    )
    db.session.add(sheet)
    db.session.flush()
    audit.record(
        actor,
        deed,
        "report",
        str(sheet.id),
        at=now,
        area=area.code,
        week=str(week.ends_on),
        number=sheet.number,
        reason=reason,
    )
    return sheet


def _reason(text: str) -> str:
    if not text.strip():
        raise AppError("reason_needed")
    return text.strip()


def _list_officers(area: Area, now: datetime) -> list[User]:
    """The officers of that very area."""
    own = area.parent_code if area.level == "proper" else area.code
    return [
        user for user in users.list_users_covering(area.code, [OFFICER], now) if own in user.area_codes(now)
    ]


def _list_officers_above(city: Area, now: datetime) -> list[User]:
    return [
        user
        for user in users.list_users_covering(city.code, [OFFICER], now)
        if city.parent_code in user.area_codes(now)
    ]


def _matter(cause: str, area: Area, week: Week) -> Matter:
    return Matter(cause, "report", f"{area.code}-{week.ends_on}", area.code)
