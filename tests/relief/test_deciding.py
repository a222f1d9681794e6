"""Who decides a case: by amount, in whose place, and never who handled it or is related."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.people import queries as people
from fieldapp.people.models import Person
from fieldapp.relief import actions
from fieldapp.relief.models import ReliefCase
from fieldapp.users import deputies
from fieldapp.users.models import User
from tests.factories import Desk
from tests.followups.test_pages import words_of
from tests.relief.desk import declare, state_of, typed


def test_above_the_limit_the_county_decides(app, make_case):
    leader, officer = Desk(app, "leader"), Desk(app, "officer")
    small, large = make_case("proposed", cents=2_000_00), make_case("proposed", cents=2_000_01)
    assert leader.post(f"/relief/{small}/approve", **typed(amount="2000")).status_code == 303
    answer = leader.post(f"/relief/{large}/approve", **typed(amount="2000.01"))
    assert answer.status_code == 403
    assert "由县级审批" in words_of(answer)
    # Nor by granting less than was proposed.
    assert leader.post(f"/relief/{large}/approve", **typed(amount="100")).status_code == 403
    assert officer.post(f"/relief/{large}/approve", **typed(amount="2000.01")).status_code == 303


def test_county_sets_its_limits_with_a_reason_and_the_old_ones_stay_in_the_history(app, county, make_case):
    officer = Desk(app, "officer")
    fields = {
        "based_on": "0",
        "measure": "standard",
        "standard": "710",
        "township_limit": "2.5",
        "year_ceiling": "12",
        "accept_days": "1",
        "propose_days": "5",
        "decide_days": "3",
        "pay_days": "3",
        "papers_days": "10",
        "urgent_hours": "24",
        "repeat_months": "12",
        "reason": "省里提标",
    }
    assert officer.post("/relief/policy/230183", **{**fields, "reason": ""}).status_code == 422
    assert officer.post("/relief/policy/230183", **fields).status_code == 303
    # Who looked at what held before is told.
    assert officer.post("/relief/policy/230183", **fields).status_code == 409
    page = words_of(officer.get("/relief/policy"))
    assert "2.50 倍月标准（1,775.00 元）" in page
    assert "省里提标" in page
    case_id = make_case("proposed", cents=1_775_01, registered=False)
    with app.app_context():
        assert db.session.get_one(ReliefCase, case_id).tier == "county"


def test_whoever_handled_a_case_does_not_decide_it(app, office):
    with app.app_context(), transaction():
        case_id = office.open(by="officer")
        with pytest.raises(AppError, match="relief_handled"):
            actions.refuse_relief(office["officer"], case_id, reason="不属实", now=clock.now())


def test_deputy_decides_in_the_leaders_place_and_it_says_so(app, county, make_case, second_supervisor):
    case_id = make_case("proposed")
    deputy = Desk(app, second_supervisor)
    assert deputy.post(f"/relief/{case_id}/approve", **typed()).status_code == 403
    leader = Desk(app, "leader")
    today = clock.local_date(clock.now())
    named = {
        "deputy": str(county.users[second_supervisor]),
        "from_on": today.isoformat(),
        "until_on": (today + timedelta(days=7)).isoformat(),
    }
    assert leader.post("/deputy", **named).status_code == 303
    assert leader.post("/deputy", **named).status_code == 409
    # It stands among what waits for the deputy.
    assert case_id in deputy.get("/relief?view=needs").text
    assert "您代测试leader审批" in words_of(deputy.get(f"/relief/{case_id}"))
    assert deputy.post(f"/relief/{case_id}/approve", **typed()).status_code == 303
    assert "（代测试leader）" in words_of(leader.get(f"/relief/{case_id}"))
    # Above the limit a deputy decides no more than the leader.
    large = make_case("proposed", cents=3_000_00)
    assert deputy.post(f"/relief/{large}/approve", **typed(amount="3000")).status_code == 403
    with app.app_context():
        row = deputies.list_of(db.session.get_one(User, county.users["leader"]))[0].id
    assert leader.post(f"/deputy/{row}/end").status_code == 303
    assert deputy.post(f"/relief/{make_case('proposed')}/approve", **typed()).status_code == 403


def test_deputy_who_handled_the_case_does_not_decide_it_in_the_leaders_place(app, county, make_case):
    with app.app_context(), transaction():
        leader = db.session.get_one(User, county.users["leader"])
        today = clock.local_date(clock.now())
        deputies.name_deputy(leader, county.users["supervisor"], today, today, clock.now())
    answer = Desk(app).post(f"/relief/{make_case('proposed')}/approve", **typed())
    assert answer.status_code == 403
    assert "经办人" in words_of(answer)


@pytest.mark.parametrize(
    ("name", "days", "code"),
    [
        ("worker", (0, 1), "not_found"),
        ("leader", (0, 1), "not_found"),
        ("stranger", (0, 1), "not_found"),
        ("supervisor", (1, 0), "deputy_days_wrong"),
        ("supervisor", (-3, -1), "deputy_days_wrong"),
        ("supervisor", (0, 400), "deputy_days_wrong"),
    ],
)
def test_nobody_is_named_deputy_beyond_role_areas_and_a_year(app, county, name, days, code):
    today = clock.local_date(clock.now())
    with app.app_context(), transaction(), pytest.raises(AppError, match=code):
        deputies.name_deputy(
            db.session.get_one(User, county.users["leader"]),
            county.users[name],
            today + timedelta(days=days[0]),
            today + timedelta(days=days[1]),
            clock.now(),
        )


@pytest.mark.parametrize(
    ("username", "state", "path"),
    [
        ("supervisor", "applied", "accept"),
        ("supervisor", "accepted", "propose"),
        ("supervisor", "approved", "pay"),
        ("leader", "proposed", "approve"),
        ("leader", "proposed", "refuse"),
        ("officer", "proposed", "approve"),
    ],
)
def test_declared_relatives_neither_handle_nor_decide(app, county, make_case, username, state, path):
    case_id = make_case(state)
    declare(app, county, username)
    answer = Desk(app, username).post(f"/relief/{case_id}/{path}", **typed())
    assert answer.status_code == 403
    assert "近亲属" in words_of(answer)
    assert state_of(app, case_id) == state


def test_relative_is_known_by_the_id_number_of_somebody_who_was_entered_without_the_list(
    app, county, make_case
):
    declare(app, county, "leader")
    with app.app_context(), transaction():
        person = db.session.get_one(Person, county.person_uuids[0])
        person.id_hash, person.id_tail_hash = people.number_hashes("230183195005041249", "id")
    case_id = make_case("proposed", registered=False, id_number="230183195005041249")
    assert Desk(app, "leader").post(f"/relief/{case_id}/approve", **typed()).status_code == 403


def test_case_opened_by_a_relative_is_left_for_somebody_else_to_take_up(app, county, office):
    declare(app, county, "supervisor")
    with app.app_context(), transaction():
        assert db.session.get_one(ReliefCase, office.open()).handler_id is None
