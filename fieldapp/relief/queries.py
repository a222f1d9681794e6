"""Reads of cases of relief: lists, one case with its warnings, what waits for whom, and what is made public.

Invariant: what a reader may see is one condition, for lists, counts and single cases alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, and_, case as when, false, func, or_, select
from sqlalchemy.orm import selectinload

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS
from fieldapp.core import clock, scope
from fieldapp.core.db import db, once
from fieldapp.core.errors import AppError
from fieldapp.core.guard import LEADER, OFFICER, SUPERVISOR
from fieldapp.followups.models import Followup
from fieldapp.people import queries as people, relatives
from fieldapp.people.models import Household, Person
from fieldapp.people.rules import born_on
from fieldapp.relief import rules
from fieldapp.relief.models import ReliefCase
from fieldapp.relief.policy_queries import get_terms
from fieldapp.users import deputies
from fieldapp.users.models import User

PAGE_ROWS = 50
# Which cases: not settled, those that wait for the reader, late ones, aid that came first without papers, settled, all.
VIEWS = ("open", "needs", "late", "papers", "settled", "all")


@dataclass(frozen=True)
class Chosen:
    """Which cases the list shows."""

    view: str = "open"
    state: str = ""
    channel: str = ""
    area: str = ""
    is_urgent: bool = False

    def as_query(self) -> dict[str, str]:
        """The part of an address that repeats this choice; empty for the plain list."""
        named = {
            "view": self.view if self.view != "open" else "",
            "state": self.state,
            "channel": self.channel,
            "area": self.area,
            "urgent": "yes" if self.is_urgent else "",
        }
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True)
class Warnings:
    """What whoever decides should know: relief for the same cause not long ago, and much in this year."""

    same_cause: list[ReliefCase] = field(default_factory=list)
    year_cents: int = 0
    ceiling_cents: int = 0

    @property
    def is_above(self) -> bool:
        """Whether the year's ceiling is passed."""
        return self.year_cents > self.ceiling_cents


@dataclass(frozen=True)
class PublicRow:
    """A row of the public list."""

    name: str
    place: str
    cause: str
    people: int
    cents: int
    on: date


def may_read(case: ReliefCase, reader: User, now: datetime) -> bool:
    """Whether the case is in the reader's areas; of suspected abuse no near relative knows."""
    if not scope.covers(reader.area_codes(now), case.area_code):
        return False
    hidden = relatives.list_households_of_relatives(reader.id) if case.is_abuse else []
    return case.household_uuid not in hidden


def readable(reader: User, now: datetime) -> list[ColumnElement[bool]]:
    """The same as `may_read`, for lists."""
    conditions = [scope.within(ReliefCase.area_code, reader.area_codes(now))]
    if hidden := relatives.list_households_of_relatives(reader.id):
        is_theirs = func.coalesce(ReliefCase.household_uuid.in_(hidden), false())
        conditions.append(~and_(ReliefCase.is_abuse, is_theirs))
    return conditions


def get_case(case_id: str, reader: User, now: datetime, *, lock: bool = False) -> ReliefCase:
    """The case with its steps, when the reader may know of it; raises not_found."""
    found = select(ReliefCase).where(ReliefCase.case_id == case_id).options(selectinload(ReliefCase.steps))
    if lock:
        found = found.with_for_update(of=ReliefCase).execution_options(populate_existing=True)
    case = db.session.scalar(found)
    if case is None or not may_read(case, reader, now):
        raise AppError("not_found")
    return case


def exists(case_id: str) -> bool:
    """Whether there is a case of that key, whoever asks; for the server's own use."""
    return db.session.get(ReliefCase, case_id) is not None


def list_cases(reader: User, chosen: Chosen, now: datetime, page: int = 1) -> tuple[list[ReliefCase], bool]:
    """A page of the chosen cases, and whether there is more: what is due first, of settled ones the latest first."""
    is_over = chosen.view == "settled"
    order = ReliefCase.closed_at.desc() if is_over else ReliefCase.due_at.asc().nulls_last()
    rows = list(
        db.session.scalars(
            select(ReliefCase)
            .where(*readable(reader, now), *_conditions(chosen, reader, now))
            .order_by(order, ReliefCase.applied_at.desc(), ReliefCase.case_id)
            .offset((page - 1) * PAGE_ROWS)
            .limit(PAGE_ROWS + 1)
        )
    )
    return rows[:PAGE_ROWS], len(rows) > PAGE_ROWS


def select_waiting(reader: User, now: datetime) -> Select[str, int]:
    """("red" for late ones, else "", how many) of the cases that wait for the reader."""
    severity = when((ReliefCase.due_at < now, "red"), else_="")
    return (
        select(severity, func.count())
        .where(*readable(reader, now), waits_for(reader, now))
        .group_by(severity)
    )


def waits_for(reader: User, now: datetime) -> ColumnElement[bool]:
    """The cases in which the reader, or whoever they are the deputy of, takes the next step."""
    whom = [reader, *deputies.list_represented(reader, clock.local_date(now))]
    return or_(*(_waits_for_role(user, now) for user in whom))


def _waits_for_role(user: User, now: datetime) -> ColumnElement[bool]:
    codes = user.area_codes(now)
    inside = scope.within(ReliefCase.area_code, codes)
    proposed, urgent = (
        ReliefCase.state == "proposed",
        ReliefCase.is_urgent & ReliefCase.state.in_(rules.AT_ONCE),
    )
    if user.role == SUPERVISOR:
        mine = ("applied", "accepted", "investigated", "approved", "paid")
        return and_(inside, ReliefCase.state.in_(mine))
    if user.role == LEADER:
        own_tier = func.coalesce(ReliefCase.tier, rules.TOWNSHIP) == rules.TOWNSHIP
        return and_(inside, own_tier, or_(proposed, urgent))
    if user.role == OFFICER:
        # Of a part of a county only, nobody decides for the county.
        counties = [code for code in codes if len(code) <= LEVELS["county"]]
        return and_(scope.within(ReliefCase.area_code, counties), proposed, ReliefCase.tier == rules.COUNTY)
    return false()


def _conditions(chosen: Chosen, reader: User, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if chosen.view in {"open", "late", "papers"}:
        conditions.append(ReliefCase.state.in_(rules.OPEN))
    if chosen.view == "settled":
        conditions.append(ReliefCase.state.in_(rules.FINAL))
    elif chosen.view == "needs":
        conditions.append(waits_for(reader, now))
    elif chosen.view == "late":
        conditions.append(ReliefCase.due_at < now)
    elif chosen.view == "papers":
        conditions += [
            ReliefCase.is_urgent.is_(True),
            ReliefCase.paid_on.is_not(None),
            ReliefCase.papers_on.is_(None),
        ]
    if chosen.state:
        conditions.append(ReliefCase.state == chosen.state)
    if chosen.channel:
        conditions.append(ReliefCase.channel == chosen.channel)
    if chosen.area:
        conditions.append(scope.within(ReliefCase.area_code, [chosen.area]))
    if chosen.is_urgent:
        conditions.append(ReliefCase.is_urgent.is_(True))
    return conditions


def list_of_household(household_uuid: str, reader: User, now: datetime) -> list[ReliefCase]:
    """The cases of a household, under whichever of its merged entries, the latest first."""
    same = people.list_same(household_uuid)
    found = select(ReliefCase).where(ReliefCase.household_uuid.in_(same))
    cases = db.session.scalars(found.order_by(ReliefCase.applied_at.desc()))
    # A household has few: who may know is asked case by case, mostly without a statement.
    return [case for case in cases if may_read(case, reader, now)]


def list_of_visit(
    visit_uuid: str, followup_ids: Iterable[str], reader: User, now: datetime
) -> list[ReliefCase]:
    """The cases that come from a visit, or from one of those tasks, the oldest first."""
    comes_from = (ReliefCase.visit_uuid == visit_uuid) | ReliefCase.followup_id.in_(list(followup_ids))
    found = select(ReliefCase).where(comes_from, *readable(reader, now))
    return list(db.session.scalars(found.order_by(ReliefCase.applied_at)))


def get_applicants(cases: Sequence[ReliefCase]) -> dict[str, str]:
    """By case, who asks, or the household; empty where neither is known."""
    named = select(Household.household_uuid, Household.name).where(
        Household.household_uuid.in_({case.household_uuid for case in cases if case.household_uuid})
    )
    households = {row[0]: row[1] for row in db.session.execute(named)}
    return {
        case.case_id: case.applicant_name or households.get(case.household_uuid or "", "") for case in cases
    }


def list_kept_out(case: ReliefCase) -> set[int]:
    """The accounts that have declared somebody of the case a near relative (关系保)."""
    return {user_id for _, user_id in relatives.list_declarers_of(_list_kin(case)[0])}


def list_handlers(case: ReliefCase) -> set[int]:
    """Who has handled the case: they do not decide it."""
    handled = {step.actor_id for step in case.steps if step.step in rules.HANDLED}
    return handled | ({case.handler_id} if case.handler_id is not None else set())


def list_warnings(case: ReliefCase, cents: int, now: datetime) -> Warnings:
    """What of the same people's relief whoever decides on `cents` should know; nothing of it refuses anything."""
    households, hashes = _list_kin(case)
    terms, today = get_terms(case.area_code), clock.local_date(now)
    others = list(
        db.session.scalars(
            select(ReliefCase)
            .where(
                or_(ReliefCase.household_uuid.in_(households), ReliefCase.id_hash.in_(hashes)),
                ReliefCase.case_id != case.case_id,
                ReliefCase.approved_at.is_not(None),
                ReliefCase.state != "withdrawn",
            )
            .order_by(ReliefCase.approved_at.desc())
        )
    )
    since = rules.months_before(today, terms.repeat_months)
    this_year = [
        other
        for other in others
        if other.approved_at and clock.local_date(other.approved_at).year == today.year
    ]
    ceiling = rules.in_cents(terms.year_ceiling, terms)
    return Warnings(
        [
            other
            for other in others
            if case.cause
            and other.cause == case.cause
            and other.approved_at
            and clock.local_date(other.approved_at) >= since
        ],
        sum(other.approved_cents or 0 for other in this_year) + cents,
        ceiling if terms.measure == rules.YUAN else ceiling * max(case.people_count, 1),
    )


@once
def _list_kin(case: ReliefCase) -> tuple[list[str], set[str]]:
    """The households, merged entries too, and hashes of ID numbers under which the people of a case are known."""
    hashes = {case.id_hash} if case.id_hash else set()
    households = set(people.list_same(case.household_uuid)) if case.household_uuid else set()
    if households:
        members = select(Person.id_hash).where(Person.household_uuid.in_(households))
        hashes |= {found for found in db.session.scalars(members) if found}
    elif hashes:
        homes = select(Person.household_uuid).where(Person.id_hash.in_(hashes)).distinct()
        for home in db.session.scalars(homes):
            households |= set(people.list_same(home))
    return sorted(households), hashes


def find_township(area_code: str) -> str | None:
    """The township an area lies in, or is; None for what lies in none: a county, a unit of 市本级."""
    found = areas.find_area(area_code[: LEVELS["township"]])
    return found.code if found is not None and found.level == "township" else None


def list_public(township_code: str, first: date, until: date) -> list[PublicRow]:
    """What was approved in a township from one day to before another, for the public: names masked, of minors none.

    What comes of suspected abuse or a complaint is left out.
    """
    rows = db.session.scalars(
        select(ReliefCase)
        .outerjoin(Followup, Followup.followup_id == ReliefCase.followup_id)
        .where(
            scope.within(ReliefCase.area_code, [township_code]),
            ReliefCase.approved_at >= clock.midnight(first),
            ReliefCase.approved_at < clock.midnight(until),
            ReliefCase.state.not_in(("withdrawn", "refused")),
            ~ReliefCase.is_abuse,
            func.coalesce(~Followup.is_restricted, True),
        )
        .order_by(ReliefCase.approved_at, ReliefCase.case_id)
    ).all()
    homes = {
        home.household_uuid: home
        for home in people.list_households({case.household_uuid for case in rows if case.household_uuid})
    }
    names = areas.get_names({case.area_code[: LEVELS["village"]] for case in rows})
    shown = []
    for case in rows:
        assert case.approved_at is not None
        on = clock.local_date(case.approved_at)
        name, birth_on = _find_named(case, homes.get(case.household_uuid or ""))
        shown.append(
            PublicRow(
                rules.public_name(name, birth_on, on),
                names.get(case.area_code[: LEVELS["village"]], ""),
                case.cause,
                case.people_count,
                case.approved_cents or 0,
                on,
            )
        )
    return shown


def _find_named(case: ReliefCase, household: Household | None) -> tuple[str, date | None]:
    """Whose name the public list has, and their birthday as far as it is known."""
    if household is None or case.applicant_name:
        member = (
            next((one for one in household.people if one.name == case.applicant_name), None)
            if household
            else None
        )
        return case.applicant_name, member.birth_on if member else (
            born_on(case.id_number) if case.id_number else None
        )
    head = next((one for one in household.people if one.name == household.name), None)
    return household.name, head.birth_on if head else None


def list_helped(case: ReliefCase) -> list[Person]:
    """The registered people a case helps."""
    return people.list_people(case.person_uuids) if case.person_uuids else []
