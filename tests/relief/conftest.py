"""What tests of relief share: the people of the county at the desk, and a case in any state."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from fieldapp.areas import queries as areas
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.people import queries as people
from fieldapp.relief import actions, fund_actions
from fieldapp.relief.actions import Details, Origin
from fieldapp.relief.models import ReliefCase
from fieldapp.users.actions import add_user
from fieldapp.users.models import User
from tests.factories import GRID, PASSWORD, TOWNSHIP, County

# What is done to a case of the supervisor's, step by step, until it stands in that state.
WAYS = {
    "applied": (),
    "accepted": ("accept",),
    "investigated": ("accept", "find"),
    "proposed": ("accept", "propose"),
    "approved": ("accept", "propose", "approve"),
    "paid": ("accept", "propose", "approve", "pay"),
    "closed": ("accept", "propose", "approve", "pay", "close"),
    "refused": ("refuse",),
    "withdrawn": ("withdraw",),
}


class Office:
    """Who deals with relief in the county, as far as a test needs them; to be used in an app context."""

    def __init__(self, county: County) -> None:
        self.county = county

    def __getitem__(self, name: str) -> User:
        return db.session.get_one(User, self.county.users[name])

    def open(
        self, *, by: str = "supervisor", details: Details | None = None, registered: bool = True, **more
    ) -> str:
        """A case of the worker's household, or of somebody who is on no list."""
        household = people.find_household(self.county.household_uuid) if registered else None
        return actions.open_case(
            self[by],
            str(uuid.uuid4()),
            details or Details(**{"area_code": GRID, "cause": "illness", "what_happened": "住院", **more}),
            Origin(household=household),
            clock.now(),
        ).case_id

    def take(self, case_id: str, *steps: str, cents: int = 500_00, funded_by: str = "public") -> ReliefCase:
        """Take those steps, by those who may."""
        now = clock.now()
        for step in steps:
            match step:
                case "accept":
                    actions.accept_case(self["supervisor"], case_id, now)
                case "find":
                    actions.note_findings(self["supervisor"], case_id, text="情况属实", now=now)
                case "propose":
                    actions.propose_relief(
                        self["supervisor"], case_id, cents=cents, funded_by=funded_by, text=None, now=now
                    )
                case "approve":
                    actions.approve_relief(self["officer"], case_id, now=now)
                case "refuse":
                    actions.refuse_relief(self["officer"], case_id, reason="不符合条件", now=now)
                case "withdraw":
                    actions.withdraw_case(self["supervisor"], case_id, reason="不再需要", now=now)
                case "pay":
                    self.pay(case_id, cents)
                case "close":
                    actions.close_case(self["supervisor"], case_id, text=None, now=now)
        return db.session.get_one(ReliefCase, case_id)

    def pay(self, case_id: str, cents: int, by: str = "supervisor", aid_uuid: str | None = None) -> str:
        """Pay so much today; the key of the payment."""
        now = clock.now()
        aid_uuid = aid_uuid or str(uuid.uuid4())
        actions.pay_relief(
            self[by],
            case_id,
            aid_uuid,
            cents=cents,
            on=clock.local_date(now),
            received_by=None,
            now=now,
        )
        return aid_uuid

    def fill_fund(self, cents: int) -> int:
        """Money for the township's fund; the number of the entry."""
        return fund_actions.top_up(self["officer"], TOWNSHIP, cents, reason="县财政拨款", now=clock.now()).id


@pytest.fixture
def office(county) -> Office:
    return Office(county)


@pytest.fixture
def make_case(app, office) -> Callable[..., str]:
    """Makes a case in a state: make_case("proposed", cents=…)."""

    def make(state: str = "applied", cents: int = 500_00, funded_by: str = "public", **more) -> str:
        with app.app_context(), transaction():
            case_id = office.open(**more)
            office.take(case_id, *WAYS[state], cents=cents, funded_by=funded_by)
            return case_id

    return make


@pytest.fixture
def second_supervisor(app, county) -> str:
    """Another supervisor of the township."""
    with app.app_context(), transaction():
        assert areas.find_area(TOWNSHIP)
        user = add_user(
            "supervisor2", PASSWORD, "测试supervisor2", "supervisor", [TOWNSHIP], actor=None, now=clock.now()
        )
        county.users["supervisor2"] = user.id
    return "supervisor2"
