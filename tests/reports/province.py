"""Two cities of a province that report, and who counts in what they have sent, noted as they confirm it.

Invariant: nothing here knows how anything is counted: who is in a sheet is read from the visits and screenings as it is made.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from fieldapp.areas.actions import add_grid, load_areas
from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.weeks import Week
from fieldapp.people.period_actions import start_period
from fieldapp.reports import actions, queries
from fieldapp.reports.actions import start_running_counts
from fieldapp.reports.rules import Report
from fieldapp.rollups.columns import DISTINCT
from fieldapp.rollups.queries import find_week
from fieldapp.screenings.actions import discard_screening, keep_screening
from fieldapp.screenings.models import Screening, ScreeningRow
from fieldapp.sweeps.lists import Row as ListRow
from fieldapp.users.actions import add_user
from fieldapp.visits.models import Visit
from tests.factories import PASSWORD
from tests.reports.city import CITY, COUNTIES, PROPER, SINCE, City

PROVINCE, OTHER_CITY = "23", "2302"
A, B, C = COUNTIES
D, E = "230221", "230223"
COUNTIES_OF = {CITY: (*COUNTIES, PROPER), OTHER_CITY: (D, E)}
# Whoever counts once: the last contact of theirs, and the columns they count in with it.
People = dict[tuple[str, str], tuple[datetime, tuple[str, ...]]]


@dataclass
class Seen:
    """Who counts in a county: in its week, and in all so far."""

    week: People
    total: People


class Province:
    """The city of the reports, another one beside it, and those who work in both."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.grids = {county: next(grid for grid in city.grids if grid[:6] == county) for county in COUNTIES}
        # What the last sheet of a county, and of a city, counts.
        self.confirmed: dict[tuple[str, date], Seen] = {}
        self.sent: dict[tuple[str, date], dict[str, Seen]] = {}
        with city.app.app_context(), transaction():
            load_areas([f"{county}100" for county in COUNTIES_OF[OTHER_CITY]])
            for county in COUNTIES_OF[OTHER_CITY]:
                village = db.session.scalars(
                    select(Area.code).where(Area.parent_code == f"{county}100").order_by(Area.code)
                ).first()
                self.grids[county] = f"{village}700"
                add_grid(self.grids[county], "第700网格")
            for name, role, area in (
                ("w1", "worker", PROVINCE),
                ("w2", "worker", PROVINCE),
                ("desk", "supervisor", PROVINCE),
                *((f"county_{county}", "officer", county) for county in COUNTIES_OF[OTHER_CITY]),
                (OTHER_CITY, "officer", OTHER_CITY),
            ):
                known = add_user(f"{name}_too", PASSWORD, name, role, [area], actor=None, now=SINCE)
                city.users[name] = known.id
            city.users[CITY] = city.users["city"]

    def week(self, week_on: date) -> Week:
        week = find_week(week_on)
        assert week
        return week

    def confirm(self, county: str, week_on: date) -> None:
        with self.city.app.app_context():
            area, week = db.session.get_one(Area, county), self.week(week_on)
            seen = queries.digest(queries.read_live(area, week))
            with transaction():
                user = self.city.user(f"county_{county}")
                actions.confirm_county(user, area, week, seen=seen, foot={}, now=clock.now())
            self.confirmed[county, week_on] = self._read(county, week)

    def send(self, city: str, week_on: date) -> None:
        with self.city.app.app_context():
            area, week = db.session.get_one(Area, city), self.week(week_on)
            seen = queries.digest(queries.gather(area, week))
            with transaction():
                user = self.city.user(city)
                actions.send_city(user, area, week, seen=seen, foot={}, now=clock.now())
        self.sent[city, week_on] = self.shown(city, week_on)

    def correct(self, city: str, week_on: date) -> None:
        with self.city.app.app_context():
            area, week = db.session.get_one(Area, city), self.week(week_on)
            seen = queries.digest(queries.gather_now(area, week))
            with transaction():
                user = self.city.user(city)
                actions.correct_city(user, area, week, seen=seen, foot={}, reason="改", now=clock.now())
            self.sent[city, week_on] = {
                county: self._read(county, week) for county in self.shown(city, week_on)
            }

    def give_back(self, county: str, week_on: date) -> None:
        with self.city.app.app_context(), transaction():
            whole, part = (db.session.get_one(Area, code) for code in (county[:4], county))
            user, week = self.city.user(whole.code), self.week(week_on)
            actions.return_county(user, whole, part, week, reason="错", now=clock.now())
        del self.confirmed[county, week_on]

    def report(self, city: str, week_on: date, counties: Iterable[str] | None = None) -> Report:
        """All counties (or those) confirm, and the city sends: the report of the province after it."""
        for county in COUNTIES_OF[city] if counties is None else counties:
            self.confirm(county, week_on)
        self.send(city, week_on)
        return self.gather(PROVINCE, week_on)

    def gather(self, code: str, week_on: date) -> Report:
        with self.city.app.app_context():
            return queries.gather(db.session.get_one(Area, code), self.week(week_on))

    def screen(self, person_uuids: list[str], grid: str) -> int:
        """These people were screened, there, today; the key of the screening."""
        rows = [
            ListRow(number, "某", None, None, None, person_uuid=one, grid_code=grid)
            for number, one in enumerate(person_uuids, start=2)
        ]
        day = clock.local_date(clock.now())
        with self.city.app.app_context(), transaction():
            made = keep_screening(
                self.city.user("province"),
                str(uuid.uuid4()),
                PROVINCE,
                "用电量",
                file_name="a.xlsx",
                rows=rows,
                screened_on=day,
                now=clock.now(),
            )
            return made.screening_id

    def discard(self, screening_id: int) -> None:
        with self.city.app.app_context(), transaction():
            discard_screening(self.city.user("province"), screening_id, clock.now())

    def begin_period(self, code: str, from_on: date) -> None:
        """A special period of a whole city: its running figures begin with that week."""
        with self.city.app.app_context():
            with transaction():
                start_period(
                    self.city.user(code),
                    code,
                    "寒潮",
                    from_on=from_on,
                    until_on=None,
                    risk_days={"high": 3, "middle": 15, "low": 45},
                    tags=[],
                    pauses_exit=False,
                    relaxed_papers=False,
                    now=clock.now(),
                )
            start_running_counts(clock.now())

    def shown(self, city: str, week_on: date) -> dict[str, Seen]:
        """What is shown of the counties of a city that has not sent yet."""
        counties = COUNTIES_OF[city]
        return {one: self.confirmed[one, week_on] for one in counties if (one, week_on) in self.confirmed}

    def check(self, week_on: date) -> None:
        """Everybody counts once in what a city, and the province, comes to, who is in the sheets that are shown."""
        whole: dict[str, Seen] = {}
        for city in COUNTIES_OF:
            shown = self.sent.get((city, week_on), {})
            whole |= shown
            if (city, week_on) not in self.sent:
                shown = self.shown(city, week_on)
                assert figures_of(self.gather(city, week_on)) == count(shown.values())
            else:
                with self.city.app.app_context():
                    sheet = queries.find_sheet(city, week_on)
                    assert sheet
                    assert figures_of(queries.read_sheet(sheet)) == count(shown.values())
        assert figures_of(self.gather(PROVINCE, week_on)) == count(whole.values())

    def _read(self, county: str, week: Week) -> Seen:
        since = queries.get_since(county, week)
        return Seen(
            _read_people(county, week.ends_on, week.ends_on), _read_people(county, since, week.ends_on)
        )


def figures_of(report: Report) -> tuple[Counter[str], Counter[str]]:
    """What a report comes to: of those who count once, this week and in all."""
    parts = (report.sum.week or {}, report.sum.total or {})
    week, total = (Counter({name: part[name] for name in DISTINCT if part[name]}) for part in parts)
    return week, total


def count(shown: Iterable[Seen]) -> tuple[Counter[str], Counter[str]]:
    """The same of those who are in any of those sheets: once, as at their last contact."""
    counters = []
    held = list(shown)
    for part in ("week", "total"):
        last: People = {}
        for seen in held:
            for key, contact in getattr(seen, part).items():
                last[key] = max(contact, last.get(key, contact))
        counters.append(Counter(column for _, columns in last.values() for column in columns))
    return counters[0], counters[1]


def _read_people(county: str, first: date, last: date) -> People:
    people: People = {}

    def note(kind: str, key: object, at: datetime, columns: Iterable[str]) -> None:
        contact = at, tuple(columns)
        people[kind, str(key)] = max(contact, people.get((kind, str(key)), contact))

    counting = select(Visit).where(
        Visit.area_code.startswith(county),
        Visit.week_on.between(first, last),
        Visit.state != "voided",
        Visit.outcome == "reached",
    )
    for visit in db.session.scalars(counting.execution_options(populate_existing=True)):
        note("household", visit.household_uuid, visit.finished_at, ("households",))
        note("worker", visit.worker_id, visit.finished_at, ("staff",))
        for person in visit.people:
            note("person", person.person_uuid, visit.finished_at, person.counted_as)
    rows = select(ScreeningRow.person_uuid, Screening.made_at).join(
        Screening, Screening.screening_id == ScreeningRow.screening_id
    )
    there = ScreeningRow.grid_code.startswith(county), ScreeningRow.week_on.between(first, last)
    for person_uuid, at in db.session.execute(rows.where(*there)):
        note("screened", person_uuid, at, ("screened",))
    return people
