"""A city of three counties and a unit of its own, and everything that is counted there, through the app's own actions.

Invariant: nothing here knows how anything is counted.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from fieldapp.aid import actions as aid
from fieldapp.aid.actions import Given, Subject
from fieldapp.areas.actions import UnitFacts, add_grid, add_unit, load_areas
from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.bodies import read_body
from fieldapp.core.db import db, transaction
from fieldapp.followups import actions as followups, referral_actions as referrals
from fieldapp.people import actions as people, queries as people_queries
from fieldapp.people.actions import Origin
from fieldapp.people.models import Household, Person, PersonTag
from fieldapp.relief import actions as relief
from fieldapp.relief.actions import Details, Origin as CaseOrigin
from fieldapp.reviews import actions as reviews, merge_actions, merge_queries
from fieldapp.sync.rules import body_hash
from fieldapp.users.actions import add_user
from fieldapp.users.models import User
from fieldapp.visits.actions import Envelope
from fieldapp.visits.models import Visit
from fieldapp.visits.sync import VisitBody
from tests.factories import PASSWORD, text_of
from tests.followups.test_referrals import PROVIDER

CITY, PROPER = "2301", "230100"
COUNTIES = ("230183", "230123", "230184")
SINCE = datetime(2026, 1, 1, tzinfo=clock.LOCAL)


class City:
    """The city, and a clock that is moved by hand."""

    def __init__(self, app: Flask, set_now: Callable[[datetime], None]) -> None:
        self.app, self._set_now = app, set_now
        self.grids: list[str] = []
        self.unit = f"{PROPER}000000001"
        with app.app_context(), transaction():
            load_areas([*(f"{county}100" for county in COUNTIES), PROPER])
            for county in COUNTIES:
                villages = db.session.scalars(
                    select(Area.code).where(Area.parent_code == f"{county}100").order_by(Area.code)
                ).all()
                for place, village in enumerate(villages[:2]):
                    grid = f"{village}{700 + place}"
                    add_grid(grid, f"第{700 + place}网格")
                    self.grids.append(grid)
            facts = UnitFacts(kind="relief_station", address="", contact="", phone=None)
            add_unit(db.session.get_one(Area, PROPER), self.unit, "救助管理站", facts)
            self.users = {
                name: add_user(name, PASSWORD, name, role, areas, actor=None, now=SINCE).id
                for name, role, areas in (
                    ("w1", "worker", [CITY]),
                    ("w2", "worker", [CITY]),
                    ("desk", "supervisor", [CITY]),
                    ("other_desk", "supervisor", [CITY]),
                    ("chief", "leader", [CITY]),
                    *((f"county_{county}", "officer", [county]) for county in (*COUNTIES, PROPER)),
                    ("city", "officer", [CITY]),
                    ("province", "officer", ["23"]),
                )
            }

    def user(self, name: str) -> User:
        return db.session.get_one(User, self.users[name])

    def at(self, text: str) -> datetime:
        """Make it that time in Shanghai, as 2026-03-05 10:00."""
        now = datetime.fromisoformat(text).replace(tzinfo=clock.LOCAL)
        self._set_now(now)
        return now

    def add_household(
        self, grid: str, *people_in: tuple[str, tuple[str, ...]], name: str = "家庭", born: int = 1950
    ) -> tuple[str, list[str]]:
        """A household of people as (main class, tags); returns its key and theirs."""
        household = Household(
            household_uuid=str(uuid.uuid4()),
            grid_code=grid,
            name=name,
            address="1号",
            people=[
                Person(
                    person_uuid=str(uuid.uuid4()),
                    name=f"{name}{place}",
                    birth_on=date(born, 1, 1),
                    main_class=main_class,
                    risk="low",
                    tags=[PersonTag(tag=tag) for tag in tags],
                )
                for place, (main_class, tags) in enumerate(people_in)
            ],
        )
        with self.app.app_context(), transaction():
            people.add_household(household, clock.now())
            return household.household_uuid, [person.person_uuid for person in household.people]

    def visit(
        self,
        household_uuid: str,
        people_seen: list[str],
        *,
        by: str = "w1",
        at: datetime | None = None,
        **more: Any,
    ) -> str:
        """A visit that ended at that time (or now) and arrives now."""
        body = self._body(str(uuid.uuid4()), household_uuid, people_seen, at or clock.now(), more)
        with self.app.app_context(), transaction():
            envelope = Envelope(str(uuid.uuid4()), body, body_hash(body), 0)
            reviews.receive_visit(self.user(by), read_body(VisitBody, body), envelope, clock.now())
        return str(body["visit_uuid"])

    def revise(
        self, visit_uuid: str, people_seen: list[str], at: datetime | None = None, **more: Any
    ) -> None:
        """A correction by whoever made the visit."""
        with self.app.app_context(), transaction():
            visit = db.session.get_one(Visit, visit_uuid)
            assert visit.household_uuid
            body = self._body(visit_uuid, visit.household_uuid, people_seen, at or visit.finished_at, more)
            envelope = Envelope(str(uuid.uuid4()), body, body_hash(body), 0)
            worker = db.session.get_one(User, visit.worker_id)
            reviews.receive_revision(
                worker, read_body(VisitBody, body), visit.revision, envelope, clock.now()
            )

    @staticmethod
    def _body(
        visit_uuid: str, household_uuid: str, people_seen: list[str], at: datetime, more: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "visit_uuid": visit_uuid,
            "household_uuid": household_uuid,
            "people": people_seen,
            "outcome": "reached",
            "checklist": {"key": "routine", "version": "1"},
            "method": "home",
            "started_at": text_of(at - timedelta(minutes=20)),
            "finished_at": text_of(at),
            "answers": {"reached": "reached"},
            **more,
        }

    def void(self, visit_uuid: str) -> None:
        """Declare that a visit does not count."""
        with self.app.app_context(), transaction():
            revision = db.session.get_one(Visit, visit_uuid).revision
            reviews.void_visit(self.user("desk"), visit_uuid, revision, reason="没有去", now=clock.now())

    def move(self, household_uuid: str, grid: str) -> None:
        """The household lives there from now on."""
        with self.app.app_context(), transaction():
            people.move_household(self.user("desk"), household_uuid, grid, clock.now())

    def set_person(self, person_uuid: str, **fields: Any) -> None:
        """The registry says something else of somebody from now on."""
        with self.app.app_context(), transaction():
            person = db.session.get_one(Person, person_uuid)
            people_queries.lock_households([person.household_uuid])
            people.change_person(person, fields, Origin(self.user("desk"), "desk", clock.now(), reason="改"))

    def merge(self, kind: str, winner: str, loser: str) -> int:
        """Two entries are one."""
        with self.app.app_context(), transaction():
            codes = self.user("desk").area_codes()
            kept, other = (merge_queries.get_entry(kind, one, codes) for one in (winner, loser))
            compared = merge_queries.compare(kind, kept, other)
            made = merge_actions.merge(
                self.user("desk"), kind, winner, loser, compared.taken, compared.seen, clock.now()
            )
            return made.merge_id

    def part(self, merge_id: int) -> None:
        """They are two after all."""
        with self.app.app_context(), transaction():
            merge_actions.undo_merge(self.user("desk"), merge_id, "是两家", clock.now())

    def make_task(self, household_uuid: str, type_: str = "temporary_care") -> str:
        """A problem that is noted at the desk."""
        with self.app.app_context(), transaction():
            task = followups.create_followup(
                self.user("desk"),
                household_uuid=household_uuid,
                person_uuid=None,
                visit_uuid=None,
                type=type_,
                severity="yellow",
                reason_text="要帮忙",
                assignee_id=self.users["desk"],
                due_at=clock.now() + timedelta(days=3),
                instructions=None,
                now=clock.now(),
            )
            return task.followup_id

    def step(self, followup_id: str, step: str) -> None:
        """Somebody takes a step of a task: result, verify, reopen or cancel."""
        with self.app.app_context(), transaction():
            now, desk, other = clock.now(), self.user("desk"), self.user("other_desk")
            if step == "result":
                followups.record_result(desk, followup_id, text="办了", now=now)
            elif step == "verify":
                followups.verify_followup(other, followup_id, now=now)
            elif step == "reopen":
                followups.reopen_followup(other, followup_id, reason="还没好", now=now)
            else:
                followups.cancel_followup(other, followup_id, reason="不属实", now=now)

    def refer(self, followup_id: str) -> int:
        """An outside body is asked to do a task; the key of the referral."""
        with self.app.app_context(), transaction():
            desk, now = self.user("desk"), clock.now()
            provider = referrals.add_provider(self.user("city"), CITY, PROVIDER, now)
            return referrals.refer_followup(desk, followup_id, provider.id, text="请安排", now=now).id

    def answer_referral(self, referral_id: int, step: str) -> None:
        """The body says whether it does it."""
        with self.app.app_context(), transaction():
            referrals.take_referral_step(
                self.user("desk"), referral_id, step, text="没有床位", now=clock.now()
            )

    def give(
        self,
        household_uuid: str,
        given: Given,
        *,
        person_uuid: str | None = None,
        on: date | None = None,
        is_given: bool = True,
    ) -> str:
        """Something that was given today, or on that day, or is due."""
        with self.app.app_context(), transaction():
            household = db.session.get_one(Household, household_uuid)
            entry = aid.enter_aid(
                self.user("desk"),
                str(uuid.uuid4()),
                Subject(household=household, person_uuid=person_uuid),
                given,
                is_given=is_given,
                on=on or clock.local_date(clock.now()),
                received_by=None,
                now=clock.now(),
            )
            return entry.aid_uuid

    def relieve(self, household_uuid: str, **details: Any) -> tuple[str, list[str]]:
        """A case of temporary relief, opened, approved and paid in two parts; its key and the payments'."""
        case_id, payments, now = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in range(2)], clock.now()
        with self.app.app_context(), transaction():
            household, desk = db.session.get_one(Household, household_uuid), self.user("desk")
            said = {
                "channel": "agent",
                "agent_name": "张三",
                "agent_authority": "委托",
                "what_happened": "火灾",
            }
            known = Details(area_code=household.grid_code, people_count=2, **{**said, **details})
            relief.open_case(desk, case_id, known, CaseOrigin(household=household), now)
            relief.accept_case(desk, case_id, now)
            relief.propose_relief(desk, case_id, cents=600_00, funded_by="public", text="情况属实", now=now)
            relief.approve_relief(self.user("chief"), case_id, text=None, now=now)
            for payment in payments:
                on = clock.local_date(now)
                relief.pay_relief(desk, case_id, payment, cents=300_00, on=on, received_by=None, now=now)
        return case_id, payments

    def take_back(self, case_id: str, aid_uuid: str) -> None:
        """A payment of a case was entered by mistake."""
        with self.app.app_context(), transaction():
            relief.take_back_payment(self.user("desk"), case_id, aid_uuid, reason="没付", now=clock.now())

    def reverse(self, aid_uuid: str) -> None:
        """It was a mistake."""
        with self.app.app_context(), transaction():
            aid.reverse_aid(self.user("desk"), aid_uuid, reason="录错了", now=clock.now())
