"""A case is opened with next to nothing, wherever the emergency is, and by nobody who does not work there."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.relief import actions
from fieldapp.relief.actions import Details
from fieldapp.relief.models import ReliefCase
from fieldapp.users.models import User
from tests.factories import GRID, TOWNSHIP, Desk
from tests.followups.test_pages import words_of


def opening(**more) -> dict[str, object]:
    return {
        "case_id": str(uuid.uuid4()),
        "channel": "desk",
        "area": TOWNSHIP,
        "is_local": "no",
        "cause": "",
        **more,
    }


def queries_id(app) -> str:
    with app.app_context():
        return db.session.scalars(select(ReliefCase.case_id)).one()


def test_case_is_opened_with_next_to_nothing_and_completed_later(app, county):
    desk, fields = Desk(app), opening()
    answer = desk.post("/relief/new", **fields)
    assert answer.status_code == 303
    # Sent twice it is one.
    assert desk.post("/relief/new", **fields).location == answer.location
    assert "姓名暂不清楚" in words_of(desk.get(answer.location))
    completed = desk.post(
        f"{answer.location}/edit",
        **{
            **fields,
            "applicant_name": "孙路过",
            "id_number": "230183195005041249",
            "home": "吉林省",
            "place": "客运站",
            "what_happened": "钱包丢失",
            "people_count": "2",
            "asked": "300",
        },
    )
    assert completed.status_code == 303
    page = words_of(desk.get(answer.location))
    for word in ("孙路过", "客运站", "钱包丢失", "非本地户籍", "300.00 元", "人数 2"):
        assert word in page
    assert "230183195005041249" not in desk.get(answer.location).text
    # The number stays when the form is sent again without it.
    desk.post(f"{answer.location}/edit", **{**fields, "applicant_name": "孙路过"})
    with app.app_context():
        case = db.session.scalars(select(ReliefCase)).one()
        assert (case.id_number, case.is_local, case.area_code) == ("230183195005041249", False, TOWNSHIP)


def test_agent_is_named_with_the_authority(app, county):
    desk = Desk(app)
    assert desk.post("/relief/new", **opening(channel="agent", agent_name="邻居老张")).status_code == 422
    answer = desk.post(
        "/relief/new", **opening(channel="agent", agent_name="邻居老张", agent_authority="本人电话委托")
    )
    assert answer.status_code == 303
    assert "邻居老张 · 本人电话委托" in words_of(desk.get(answer.location))


@pytest.mark.parametrize("area", ["230183101", "230999"])
def test_case_is_not_opened_where_one_does_not_work(app, county, area):
    with app.app_context(), transaction(), pytest.raises(AppError, match="not_found"):
        actions.open_case(
            db.session.get_one(User, county.users["supervisor"]),
            str(uuid.uuid4()),
            Details(area_code=area),
            actions.Origin(),
            clock.now(),
        )


def test_case_belongs_to_the_household_visit_and_task_it_was_opened_from(app, county, phone):
    body = phone.visit({"reached": "reached", "home": {"food_days": "lt3"}})
    phone.push(phone.op("visit.submit", body))
    desk = Desk(app)
    answer = desk.post(
        f"/relief/new?visit={body['visit_uuid']}",
        **opening(channel="visit", area=GRID, is_local="yes", people=[county.person_uuids[1]]),
    )
    assert answer.status_code == 303
    page = desk.get(answer.location)
    assert f"/reviews/{body['visit_uuid']}" in page.text
    assert "刘小宝" in words_of(page)
    assert answer.location.endswith(queries_id(app))
    for other in (f"/households/{county.household_uuid}", f"/reviews/{body['visit_uuid']}/help"):
        assert answer.location in desk.get(other).text
