"""The duty roster: who keeps it, what it says, and the number that phones call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db
from fieldapp.followups.models import DutyShift
from tests.factories import GRID, TOWNSHIP, Desk
from tests.followups.test_pages import words_of

COUNTY_CODE = TOWNSHIP[:6]


def shift_of(county, name="leader", **more) -> dict[str, object]:
    now = clock.now().astimezone(clock.LOCAL).replace(tzinfo=None)
    fields = {
        "user": county.users[name],
        "phone": "0451-00009999",
        "starts": f"{now - timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "ends": f"{now + timedelta(hours=12):%Y-%m-%dT%H:%M}",
    }
    return fields | more


def numbers_on(phone, code=TOWNSHIP) -> list[str]:
    return [shift["phone"] for shift in phone.pull()["area", code]["duty"]]


def test_shift_entered_at_the_desk_reaches_phones_and_leaves_them_again(app, county, phone):
    desk = Desk(app)
    assert numbers_on(phone) == []
    answer = desk.post(f"/duty?area={TOWNSHIP}", **shift_of(county))
    assert (answer.status_code, answer.location) == (303, f"/duty?area={TOWNSHIP}")
    assert numbers_on(phone) == ["0451-00009999"]
    assert "测试leader" in words_of(desk.get("/duty"))
    with app.app_context():
        shift_id = db.session.scalars(select(DutyShift.id)).one()
    assert desk.post(f"/duty/{shift_id}/withdraw").status_code == 303
    assert numbers_on(phone) == []
    assert desk.post(f"/duty/{shift_id}/withdraw").status_code == 409
    # It stays in the history, with who took it out.
    page = words_of(desk.get(f"/duty?area={TOWNSHIP}"))
    assert "现在无人值班" in page
    assert "测试supervisor" in page
    with app.app_context():
        actions = db.session.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "duty_shift"))
        assert sorted(actions) == ["duty.add", "duty.withdraw"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"user": ""}, "请选择值班人"),
        ({"user": "999999"}, "不是有效的选择"),
        ({"phone": "call me"}, "电话号码只有数字"),
        ({"phone": " "}, "请填写"),
        ({"starts": ""}, "请填写开始"),
        ({"ends": "2020-01-01T08:00"}, "结束时间"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(app, county, fields, said):
    answer = Desk(app).post(f"/duty?area={TOWNSHIP}", **shift_of(county, **fields))
    assert answer.status_code == 422
    assert said in words_of(answer)
    with app.app_context():
        assert db.session.query(DutyShift).count() == 0


def test_only_those_who_have_the_whole_area_are_on_duty_for_it(app, county):
    officer = Desk(app, "officer")
    page = officer.get(f"/duty?area={COUNTY_CODE}")
    assert f'value="{county.users["officer"]}"' in page.text
    assert f'value="{county.users["supervisor"]}"' not in page.text
    answer = officer.post(f"/duty?area={COUNTY_CODE}", **shift_of(county, "supervisor"))
    assert answer.status_code == 422


@pytest.mark.parametrize("area", [COUNTY_CODE, "230183101", GRID, "99", "x"])
def test_roster_of_another_area_or_of_a_grid_is_not_found(app, county, area):
    desk = Desk(app)
    assert desk.get(f"/duty?area={area}").status_code == 404
    assert desk.post(f"/duty?area={area}", **shift_of(county)).status_code == 404


def test_leader_reads_the_roster_and_does_not_keep_it(app, county):
    leader = Desk(app, "leader")
    assert 'name="phone"' not in leader.get("/duty").text
    assert leader.post(f"/duty?area={TOWNSHIP}", **shift_of(county)).status_code == 403
