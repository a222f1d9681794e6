"""What happened in a city of three counties in the spring of 2026, with every special case of the rules, and the figures of its
reports, worked out by hand.

Each table names every figure of a row that is not zero; whatever it does not name has to be 0.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from fieldapp.aid.actions import Given
from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.weeks import Week
from fieldapp.reports import actions, queries, rules
from fieldapp.reports.rules import Report, Row
from fieldapp.rollups.columns import CLASS_COLUMNS, METHOD_COLUMNS
from fieldapp.rollups.queries import find_week
from fieldapp.screenings.actions import keep_screening
from fieldapp.sweeps.lists import Row as ListRow
from tests.reports.city import CITY, PROPER, City

A, B, C = "230183", "230123", "230184"


W1, W2, W3, W4 = date(2026, 4, 10), date(2026, 4, 17), date(2026, 4, 24), date(2026, 5, 1)


FOOT = {"head": "王主任", "checker": "李科长", "filler": "小张", "phone": "0451-1234"}


RICE = Given(
    kind="goods", programme="condolence", source="public", item="rice", quantity_milli=2_000, unit="bag"
)


FLOUR = Given(
    kind="goods", programme="condolence", source="public", item="flour", quantity_milli=20_000, unit="jin"
)


OIL = Given(
    kind="goods", programme="condolence", source="public", item="oil", quantity_milli=1_000, unit="drum"
)


RELIEF = Given(kind="cash", programme="temporary_relief", source="reserve_fund", amount_cents=500_00)


GIFT = Given(kind="cash", programme="charity", source="charity", amount_cents=200_50)


PROMISED = Given(kind="cash", programme="dibao", source="public", amount_cents=800_00)


def week_of(ends_on: date) -> Week:
    week = find_week(ends_on)
    assert week
    return week


def row_of(report: Report, code: str) -> Row:
    row = rules.pick([report.sum, *report.rows], code)
    assert row
    return row


class Spring:
    """What happened from 3 April to 1 May 2026, and what the reports of these weeks must say."""

    def __init__(self, city: City) -> None:
        self.city = city
        a, a2, b, _, c, _ = city.grids
        self.grids = {A: a, B: b, C: c}
        city.at("2026-04-03 13:00")
        self.h1, (self.p1, self.p2) = city.add_household(
            a, ("dibao_rural", ("lonely_elder",)), ("none", ("left_behind_child",)), name="甲"
        )
        self.h2, (self.p3,) = city.add_household(b, ("dibao_margin", ()), name="乙")
        self.h3, (self.p4,) = city.add_household(
            a2, ("destitute_scattered", ("disabled", "severely_disabled")), name="丙"
        )
        self.h4, (self.p5,) = city.add_household(c, ("none", ("left_behind_elder",)), name="丁")
        self.h5, (self.p6,) = city.add_household(city.unit, ("none", ("vagrant",)), name="无名")

    # --- week 1: 3 April noon to 10 April noon

    def first_week(self) -> None:
        city = self.city
        city.at("2026-04-07 10:00")
        self.plain = city.visit(self.h1, [self.p1, self.p2])  # a person visited twice: here
        city.visit(self.h2, [self.p3], by="w2")
        city.at("2026-04-08 09:00")
        city.set_person(self.p3, main_class="dibao_rural")  # the class changes within the week
        city.visit(self.h5, [self.p6], by="w2", method="patrol")  # a vagrant, by a unit of the city
        city.visit(self.h4, [self.p5], outcome="not_reached")  # an attempt that reached nobody
        city.at("2026-04-09 15:00")
        self.call = city.visit(self.h1, [self.p1], method="phone")  # and here
        city.visit(self.h2, [self.p3], by="w2", method="wechat")
        city.visit(self.h4, [self.p5], outcome="refused")  # a refusal
        city.at("2026-04-10 11:59")
        self.screen([self.p4])  # screened only
        city.at("2026-04-10 15:00")

    FIRST = {
        A: {
            "week": {
                "households": 1, "persons": 2, "contacts": 3, "staff": 1, "by_home": 2, "by_phone": 1, "screened": 1,
                "class_dibao_rural": 1, "class_none": 1, "tag_lonely": 1, "tag_left_behind_child": 1,
            },
        },
        B: {
            "week": {
                "households": 1, "persons": 1, "contacts": 2, "staff": 1, "by_home": 1, "by_wechat": 1,
                "class_dibao_rural": 1, "admitted_dibao_households": 1, "admitted_dibao_persons": 1,
            },
        },
        C: {"week": {"attempts": 1, "refusals": 1}},  # 零报告
        PROPER: {
            "week": {
                "households": 1, "persons": 1, "contacts": 1, "staff": 1, "by_patrol": 1, "class_none": 1, "tag_vagrant": 1,
            },
        },
        CITY: {
            "week": {
                "households": 3, "persons": 4, "contacts": 6, "staff": 2, "by_home": 3, "by_phone": 1, "by_wechat": 1,
                "by_patrol": 1, "screened": 1, "class_dibao_rural": 2, "class_none": 2, "tag_lonely": 1,
                "tag_left_behind_child": 1, "tag_vagrant": 1, "attempts": 1, "refusals": 1,
                "admitted_dibao_households": 1, "admitted_dibao_persons": 1,
            },
        },
    }  # fmt: skip

    # --- week 2: 10 April noon to 17 April noon

    def second_week(self) -> None:
        city = self.city
        city.at("2026-04-13 09:00")
        city.visit(self.h3, [self.p4])
        self.found = city.make_task(self.h1)  # solved in the same week
        city.step(self.found, "result")
        city.at("2026-04-14 09:00")
        # Ended in the first week, which is locked: it counts in this one.
        self.late = city.visit(self.h1, [self.p2], at=datetime(2026, 4, 9, 16, tzinfo=clock.LOCAL))
        city.give(self.h1, RICE)
        self.flour = city.give(self.h1, FLOUR)
        city.give(self.h1, OIL)
        city.give(self.h1, PROMISED, is_given=False, on=date(2026, 4, 30))  # due is not given
        city.move(self.h3, self.grids[B])  # a person in two counties
        city.at("2026-04-15 09:00")
        city.visit(self.h3, [self.p4], by="w2")
        city.step(self.found, "verify")
        city.visit(self.h4, [self.p5], method="video")  # a non-poor elder, in the county that never confirms
        city.at("2026-04-16 09:00")
        city.give(self.h2, RELIEF, person_uuid=self.p3)
        self.doubtful = city.make_task(self.h2, "medical_aid")
        city.at("2026-04-17 15:00")

    SECOND = {
        A: {
            "week": {
                "households": 2, "persons": 2, "contacts": 2, "staff": 1, "by_home": 2, "class_none": 1,
                "class_destitute_scattered": 1, "tag_left_behind_child": 1, "tag_disabled": 1,
                "found": 1, "solved": 1, "temporary_care": 1, "goods_food": 4_000,
            },
            "total": {
                "households": 2, "persons": 3, "contacts": 5, "staff": 1, "by_home": 4, "by_phone": 1, "screened": 1,
                "class_dibao_rural": 1, "class_none": 1, "class_destitute_scattered": 1, "tag_lonely": 1,
                "tag_left_behind_child": 1, "tag_disabled": 1,
                "found": 1, "solved": 1, "temporary_care": 1, "goods_food": 4_000,
            },
        },
        B: {
            "week": {
                "households": 1, "persons": 1, "contacts": 1, "staff": 1, "by_home": 1, "class_destitute_scattered": 1,
                "tag_disabled": 1, "found": 1, "relief_cases": 1, "relief_persons": 1, "relief_reserve": 1,
                "money": 500_00, "money_relief": 500_00, "money_relief_reserve": 500_00,
            },
            "total": {
                "households": 2, "persons": 2, "contacts": 3, "staff": 1, "by_home": 2, "by_wechat": 1,
                "class_dibao_rural": 1, "class_destitute_scattered": 1, "tag_disabled": 1,
                "found": 1, "open": 1, "relief_cases": 1, "relief_persons": 1, "relief_reserve": 1,
                "admitted_dibao_households": 1, "admitted_dibao_persons": 1,
                "money": 500_00, "money_relief": 500_00, "money_relief_reserve": 500_00,
            },
        },
        C: {},  # 未报
        PROPER: {
            "week": {},
            "total": {
                "households": 1, "persons": 1, "contacts": 1, "staff": 1, "by_patrol": 1, "class_none": 1, "tag_vagrant": 1,
            },
        },
        CITY: {
            # The destitute man is counted in two counties and once in all; the county that did not report is in nothing.
            "week": {
                "households": 2, "persons": 2, "contacts": 3, "staff": 2, "by_home": 3, "class_none": 1,
                "class_destitute_scattered": 1, "tag_left_behind_child": 1, "tag_disabled": 1,
                "found": 2, "solved": 1, "temporary_care": 1, "goods_food": 4_000,
                "relief_cases": 1, "relief_persons": 1, "relief_reserve": 1,
                "money": 500_00, "money_relief": 500_00, "money_relief_reserve": 500_00,
            },
            "total": {
                "households": 4, "persons": 5, "contacts": 9, "staff": 2, "by_home": 6, "by_phone": 1, "by_wechat": 1,
                "by_patrol": 1, "screened": 1, "class_dibao_rural": 2, "class_none": 2, "class_destitute_scattered": 1,
                "tag_lonely": 1, "tag_left_behind_child": 1, "tag_vagrant": 1, "tag_disabled": 1,
                "found": 2, "solved": 1, "open": 1, "temporary_care": 1, "goods_food": 4_000,
                "relief_cases": 1, "relief_persons": 1, "relief_reserve": 1,
                "admitted_dibao_households": 1, "admitted_dibao_persons": 1,
                "money": 500_00, "money_relief": 500_00, "money_relief_reserve": 500_00,
            },
        },
    }  # fmt: skip

    # --- week 3: 17 April noon to 24 April noon

    def third_week(self) -> None:
        city = self.city
        city.at("2026-04-20 09:00")
        city.reverse(self.flour)  # taken back in the week of the mistake's finding
        city.step(self.doubtful, "cancel")
        city.visit(self.h4, [self.p5])
        city.give(self.h4, GIFT, person_uuid=self.p5)
        city.at("2026-04-24 15:00")

    THIRD = {
        A: {
            "week": {"goods_food": -1_000},
            "total": {
                "households": 2, "persons": 3, "contacts": 5, "staff": 1, "by_home": 4, "by_phone": 1, "screened": 1,
                "class_dibao_rural": 1, "class_none": 1, "class_destitute_scattered": 1, "tag_lonely": 1,
                "tag_left_behind_child": 1, "tag_disabled": 1,
                "found": 1, "solved": 1, "temporary_care": 1, "goods_food": 3_000,
            },
        },
        B: {
            "week": {"unfounded": 1},
            "total": {
                "households": 2, "persons": 2, "contacts": 3, "staff": 1, "by_home": 2, "by_wechat": 1,
                "class_dibao_rural": 1, "class_destitute_scattered": 1, "tag_disabled": 1,
                "found": 1, "unfounded": 1, "relief_cases": 1, "relief_persons": 1, "relief_reserve": 1,
                "admitted_dibao_households": 1, "admitted_dibao_persons": 1,
                "money": 500_00, "money_relief": 500_00, "money_relief_reserve": 500_00,
            },
        },
        C: {
            "week": {
                "households": 1, "persons": 1, "contacts": 1, "staff": 1, "by_home": 1, "class_none": 1,
                "tag_left_behind_elder": 1, "charity": 1, "money": 200_50, "money_charity": 200_50,
            },
            # What it did in the week it did not report is in its running figures.
            "total": {
                "households": 1, "persons": 1, "contacts": 2, "staff": 1, "by_home": 1, "by_video": 1, "class_none": 1,
                "tag_left_behind_elder": 1, "attempts": 1, "refusals": 1,
                "charity": 1, "money": 200_50, "money_charity": 200_50,
            },
        },
        PROPER: {
            "week": {},
            "total": {
                "households": 1, "persons": 1, "contacts": 1, "staff": 1, "by_patrol": 1, "class_none": 1, "tag_vagrant": 1,
            },
        },
        CITY: {
            "week": {
                "households": 1, "persons": 1, "contacts": 1, "staff": 1, "by_home": 1, "class_none": 1,
                "tag_left_behind_elder": 1, "charity": 1, "money": 200_50, "money_charity": 200_50,
                "unfounded": 1, "goods_food": -1_000,
            },
            "total": {
                "households": 5, "persons": 6, "contacts": 11, "staff": 2, "by_home": 7, "by_phone": 1, "by_wechat": 1,
                "by_video": 1, "by_patrol": 1, "screened": 1, "class_dibao_rural": 2, "class_none": 3,
                "class_destitute_scattered": 1, "tag_lonely": 1, "tag_left_behind_child": 1, "tag_left_behind_elder": 1,
                "tag_vagrant": 1, "tag_disabled": 1, "attempts": 1, "refusals": 1,
                "found": 2, "solved": 1, "unfounded": 1, "temporary_care": 1, "goods_food": 3_000,
                "relief_cases": 1, "relief_persons": 1, "relief_reserve": 1, "charity": 1,
                "admitted_dibao_households": 1, "admitted_dibao_persons": 1,
                "money": 700_50, "money_relief": 500_00, "money_relief_reserve": 500_00, "money_charity": 200_50,
            },
        },
    }  # fmt: skip

    # --- deeds of those who report

    def screen(self, person_uuids: list[str]) -> None:
        rows = [
            ListRow(number, "某", None, None, None, person_uuid=uuid, grid_code=self.city.grids[1])
            for number, uuid in enumerate(person_uuids, start=2)
        ]
        with self.city.app.app_context(), transaction():
            keep_screening(
                self.city.user("city"),
                "00000000-0000-4000-8000-000000000001",
                CITY,
                "用电量",
                file_name="a.xlsx",
                rows=rows,
                screened_on=clock.local_date(clock.now()),
                now=clock.now(),
            )

    def confirm(self, county: str, week_on: date) -> None:
        name = "city" if county == PROPER else f"county_{county}"
        with self.city.app.app_context(), transaction():
            area, week = db.session.get_one(Area, county), week_of(week_on)
            seen = queries.digest(queries.read_live(area, week))
            actions.confirm_county(self.city.user(name), area, week, seen=seen, foot=FOOT, now=clock.now())

    def send(self, week_on: date) -> None:
        with self.city.app.app_context(), transaction():
            area, week = db.session.get_one(Area, CITY), week_of(week_on)
            seen = queries.digest(queries.gather(area, week))
            actions.send_city(self.city.user("city"), area, week, seen=seen, foot=FOOT, now=clock.now())

    def correct(self, week_on: date, reason: str) -> int:
        with self.city.app.app_context(), transaction():
            area, week = db.session.get_one(Area, CITY), week_of(week_on)
            seen = queries.digest(queries.gather_now(area, week))
            sheet = actions.correct_city(
                self.city.user("city"), area, week, seen=seen, foot=FOOT, reason=reason, now=clock.now()
            )
            return sheet.number

    def step(self, deed: str, name: str, seen: str | None = None) -> None:
        """Somebody tries a step of the first week."""
        with self.city.app.app_context(), transaction():
            week, county, whole = week_of(W1), db.session.get_one(Area, A), db.session.get_one(Area, CITY)
            actor, how = self.city.user(name), {"now": clock.now()}
            if deed == "confirm":
                seen = seen or queries.digest(queries.read_live(county, week))
                actions.confirm_county(actor, county, week, seen=seen, foot=FOOT, **how)
            elif deed == "send":
                seen = queries.digest(queries.gather(whole, week))
                actions.send_city(actor, whole, week, seen=seen, foot=FOOT, **how)
            elif deed == "return":
                actions.return_county(actor, whole, county, week, reason="错", **how)
            else:
                seen = queries.digest(queries.gather_now(whole, week))
                actions.correct_city(actor, whole, week, seen=seen, foot=FOOT, reason="错", **how)

    def sheet(self, week_on: date, number: int | None = None) -> Report:
        with self.city.app.app_context():
            sheet = queries.find_sheet(CITY, week_on, number)
            assert sheet
            return queries.read_sheet(sheet)

    def report(self, week_on: date, counties: tuple[str, ...]) -> Report:
        for county in counties:
            self.confirm(county, week_on)
        self.send(week_on)
        return self.sheet(week_on)


def list_faults(row: Row) -> list[str]:
    """Which of the identities of the report do not hold in a row: methods, classes, problems, money."""
    faults = []
    for figures in (row.week, row.total):
        if figures is None:
            continue
        if sum(figures[name] for name in METHOD_COLUMNS) != figures["contacts"]:
            faults.append("methods")
        if sum(figures[name] for name in CLASS_COLUMNS) != figures["persons"]:
            faults.append("classes")
        if figures["money"] != figures["money_relief"] + figures["money_charity"] + figures["money_other"]:
            faults.append("money")
        if "open" in figures and figures["found"] != (
            figures["solved"] + figures["unfounded"] + figures["open"]
        ):
            faults.append("problems")
    return faults


def check(report: Report, expected: dict[str, Any]) -> None:
    rows = {row.code: row for row in [report.sum, *report.rows]}
    assert expected.keys() == rows.keys()
    for code, parts in expected.items():
        if not parts:
            assert not rows[code].is_reported
            continue
        for part, figures in parts.items():
            read = {name: value for name, value in getattr(rows[code], part).items() if value}
            assert read == figures, (code, part)
        assert list_faults(rows[code]) == []


ALL = (A, B, C, PROPER)
