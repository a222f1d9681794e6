"""The demo county as plain values: 依兰县 with its real townships and villages, an aid station of its city, and invented
people in them.

Invariant: nothing here is about a real person. Names, ages, addresses within a village and stories are made up; phone
numbers start with 199 0000 and ID numbers use the sequence numbers from 980 on, both hardly ever given out; no range of
either is reserved for examples in China. Duty phones start with 0 after the area code, which no real one does.
"""

from __future__ import annotations

import csv
import math
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from fieldapp.areas.actions import UnitFacts
from fieldapp.people.rules import id_check_digit

ROSTER_FILE = Path(__file__).parent / "data" / "roster.tsv"

CITY, COUNTY, TOWNSHIP = "2301", "230123", "230123101"
DUTY_PHONES = {COUNTY: "0451-00002301", TOWNSHIP: "0451-00001010", "230123200": "0451-00002000"}
# Who is on duty for them, under those numbers.
ON_DUTY = {COUNTY: "officer", TOWNSHIP: "supervisor"}


@dataclass(frozen=True)
class ReliefStory:
    """A case of temporary relief: for which household of the roster (0: for nobody on the list), how long ago, how much."""

    household: int
    ago: timedelta
    cents: int
    details: dict[str, Any]
    findings: str = ""


RELIEF: tuple[ReliefStory, ...] = (
    ReliefStory(
        20,
        timedelta(days=1),
        1_500_00,
        {
            "channel": "visit",
            "cause": "illness",
            "what_happened": "儿子的药费把钱花完了，米面只够两天。",
            "asked_for": "过冬的生活费",
            "people_count": 2,
        },
        "入户核实，药费单据齐全，家里确实没有余粮。",
    ),
    ReliefStory(
        11,
        timedelta(days=2),
        6_000_00,
        {
            "channel": "agent",
            "agent_name": "吴宝山的侄子",
            "agent_authority": "本人电话委托",
            "cause": "disaster",
            "what_happened": "烟道起火，半间屋顶烧塌。",
            "asked_for": "修屋顶",
            "asked_cents": 8_000_00,
        },
        "村委会和消防都出具了证明，修缮预算约六千元。",
    ),
    ReliefStory(
        0,
        timedelta(days=3),
        600_00,
        {
            "channel": "hotline",
            "is_local": False,
            "is_urgent": True,
            "applicant_name": "马路远",
            "home": "内蒙古，外出务工",
            "place": "达连河镇客运站",
            "phone": "19900007788",
            "cause": "accident",
            "what_happened": "务工返乡途中钱物被盗，身上没有御寒衣物。",
            "asked_for": "路费和棉衣",
        },
    ),
)
# What some households were given, and what is still to come: number of the household, days from today, what.
AID: tuple[tuple[int, int, dict[str, Any]], ...] = (
    (
        1,
        -20,
        {
            "kind": "goods",
            "programme": "heating",
            "source": "public",
            "item": "coal",
            "quantity_milli": 1_000,
            "unit": "ton",
        },
    ),
    (1, 6, {"kind": "cash", "programme": "elder_allowance", "source": "public", "amount_cents": 100_00}),
    (2, -9, {"kind": "cash", "programme": "destitute", "source": "public", "amount_cents": 812_50}),
    (
        2,
        -9,
        {
            "kind": "service",
            "programme": "service",
            "source": "public",
            "item": "cleaning",
            "quantity_milli": 1_000,
        },
    ),
    (3, -30, {"kind": "cash", "programme": "medical", "source": "public", "amount_cents": 3_260_00}),
    (
        3,
        -2,
        {
            "kind": "service",
            "programme": "service",
            "source": "charity",
            "item": "escort",
            "quantity_milli": 2_000,
        },
    ),
    (4, -3, {"kind": "cash", "programme": "disability_living", "source": "public", "amount_cents": 112_00}),
    (
        20,
        -1,
        {
            "kind": "goods",
            "programme": "condolence",
            "source": "charity",
            "item": "rice",
            "quantity_milli": 2_000,
            "unit": "bag",
            "amount_cents": 240_00,
        },
    ),
    (
        20,
        -2,
        {
            "kind": "cash",
            "programme": "temporary_relief",
            "source": "reserve_fund",
            "amount_cents": 800_00,
            "note": "药费花完，米面只够两天",
        },
    ),
)
# To whom tasks can be referred: name, kind, area, kinds of help, address, whom one asks for, phone.
PROVIDERS = (
    (
        "依兰县社会福利院",
        "institution",
        COUNTY,
        ["temporary_care", "service"],
        "依兰镇健康路",
        "值班室",
        "0451-00005001",
    ),
    (
        "依兰县救助管理站",
        "station",
        COUNTY,
        ["family_tracing", "source_governance"],
        "依兰镇通江路",
        "接待室",
        "0451-00005002",
    ),
    (
        "依兰县慈善协会",
        "charity",
        COUNTY,
        ["charity", "temporary_relief"],
        "依兰镇文化路",
        "秘书处",
        "0451-00005003",
    ),
    ("达连河镇卫生院", "hospital", TOWNSHIP, ["medical"], "达连河镇中心街", "公卫科", "0451-00005004"),
)

# A point in each village, WGS-84 degrees. Approximate: read off the position of the township, good enough for a map.
VILLAGE_POINTS = {
    "230123101209": (46.1850, 129.4160),  # 达连河村
    "230123101210": (46.1960, 129.4470),  # 河南村
    "230123101205": (46.1590, 129.4010),  # 红星村
    "230123101007": (46.1745, 129.4285),  # 化工社区
    "230123200211": (46.2410, 129.6230),  # 团山子乡 幸福村
    "230123100006": (46.3215, 129.5530),  # 依兰镇 五国城社区
    "230123202212": (46.4120, 129.6040),  # 迎兰朝鲜族乡 舒乐村
}
# Code and the number in its name; the village's name comes before it.
GRIDS = {
    "230123101209001": 1,
    "230123101209002": 2,
    "230123101210001": 1,
    "230123101007001": 1,
    "230123101007002": 2,
    "230123101205001": 1,
    "230123200211001": 1,
    "230123200211002": 2,
    "230123100006001": 1,
    "230123202212001": 1,
}
# A unit directly under the city, the first of its 市本级; no point on the map.
PROPER = "230100"
STATION = "230100000000001"
STATION_NAME = "哈尔滨市救助管理站"
STATION_FACTS = UnitFacts("aid_station", "道外区北环路", "值班室", "045100002300")
WORKER_GRIDS = ("230123101209001", "230123101209002", "230123101210001")
WORKER2_GRIDS = ("230123101007001", "230123101007002", "230123101205001")

# A sweep over one community that began some days ago and has some left.
SWEEP, SWEPT = "化工社区入冬大走访", "230123101007"
SWEEP_SINCE, SWEEP_LEFT = timedelta(days=12), timedelta(days=9)

# Households furthest from the village point are this far away.
SCATTER_M = 1200.0
# Of the households, every so many has no place on the map yet.
WITHOUT_PLACE_EVERY = 17
METRES_PER_DEGREE = 111_320.0
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
NAMESPACE = uuid.UUID("5d3f5c9e-27b8-4f0a-9f0e-2301230c0de0")


@dataclass(frozen=True, slots=True)
class Account:
    """A demo account; all share one password."""

    username: str
    display_name: str
    role: str
    area_codes: tuple[str, ...]


ACCOUNTS = (
    Account("worker", "于晓梅", "worker", WORKER_GRIDS),
    Account("worker2", "关立军", "worker", WORKER2_GRIDS),
    Account("station", "何广生", "worker", (STATION,)),
    Account("supervisor", "付雅琴", "supervisor", (TOWNSHIP,)),
    Account("leader", "栾振国", "leader", (TOWNSHIP,)),
    Account("officer", "苗春雨", "officer", (COUNTY,)),
    Account("city", "佟静", "officer", (CITY,)),
    Account("admin", "系统管理员", "admin", (COUNTY,)),
    Account("security", "安全管理员", "security", (COUNTY,)),
)


@dataclass(frozen=True, slots=True)
class RosterPerson:
    """One person of the roster; `age` in years on the day the demo is made, None where nobody knows."""

    number: int
    name: str
    relation: str
    sex: str
    age: int | None
    main_class: str
    tags: tuple[str, ...]
    risk: str

    @property
    def person_uuid(self) -> str:
        """The same in every demo."""
        return str(uuid.uuid5(NAMESPACE, f"person {self.number}"))

    @property
    def phone(self) -> str | None:
        """A phone for most who are of age; the very old and the nameless have none."""
        if self.age is None or not 16 <= self.age <= 85 or self.number % 9 == 0:
            return None
        return f"1990000{self.number * 37 % 10_000:04d}"

    def birth_on(self, today: date) -> date | None:
        """A birthday that makes the person `age` today."""
        if self.age is None:
            return None
        # Between today and a year ago, spread by the person's number; always a day that exists in any year.
        day = today - timedelta(days=self.number * 97 % 365)
        return date(day.year - self.age, day.month, min(day.day, 28))

    def id_number(self, today: date) -> str | None:
        """An ID number with a right check digit; None for the nameless and for children not registered yet."""
        birth_on = self.birth_on(today)
        if birth_on is None or self.age == 2:
            return None
        sequence = 980 + self.number % 10 * 2 + (self.sex == "m")
        first17 = f"{COUNTY}{birth_on:%Y%m%d}{sequence}"
        return first17 + id_check_digit(first17)


@dataclass(frozen=True, slots=True)
class RosterHousehold:
    """One household of the roster with its people; `visited_days_ago` counts back from the day the demo is made."""

    number: int
    grid_code: str
    address: str
    called: str
    visited_days_ago: int
    note: str
    people: tuple[RosterPerson, ...]

    @property
    def household_uuid(self) -> str:
        """The same in every demo."""
        return str(uuid.uuid5(NAMESPACE, f"household {self.number}"))

    @property
    def name(self) -> str:
        """What the household is called: a name of its own or that of the first person."""
        return self.called or self.people[0].name

    @property
    def phone(self) -> str | None:
        """The first phone somebody in the household has."""
        return next((person.phone for person in self.people if person.phone), None)

    @property
    def place(self) -> tuple[float, float] | None:
        """Degrees (lat, lon), spread around the village's point without two in one spot; None for a few."""
        if self.number % WITHOUT_PLACE_EVERY == 0 or self.grid_code == STATION:
            return None
        lat, lon = VILLAGE_POINTS[self.grid_code[:12]]
        distance_m = SCATTER_M * math.sqrt(self.number % 29 / 29)
        north_m, east_m = (distance_m * turn(self.number * _GOLDEN_ANGLE) for turn in (math.cos, math.sin))
        return (
            round(lat + north_m / METRES_PER_DEGREE, 6),
            round(lon + east_m / (METRES_PER_DEGREE * math.cos(math.radians(lat))), 6),
        )


def read_roster() -> list[RosterHousehold]:
    """The households of the demo in the order of the file."""
    with ROSTER_FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    by_number: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_number.setdefault(row["household"], []).append(row)
    people = iter(_read_people(rows))
    return [
        RosterHousehold(
            number=int(number),
            grid_code=members[0]["grid"],
            address=members[0]["address"],
            called=members[0]["called"],
            visited_days_ago=int(members[0]["visited_days_ago"]),
            note=members[0]["note"],
            people=tuple(next(people) for _ in members),
        )
        for number, members in by_number.items()
    ]


def _read_people(rows: list[dict[str, str]]) -> Iterator[RosterPerson]:
    for number, row in enumerate(rows, start=1):
        yield RosterPerson(
            number=number,
            name=row["name"],
            relation=row["relation"],
            sex=row["sex"],
            age=int(row["age"]) if row["age"] else None,
            main_class=row["main_class"],
            tags=tuple(filter(None, row["tags"].split(","))),
            risk=row["risk"],
        )
