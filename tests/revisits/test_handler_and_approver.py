"""Handler and approver are two, wherever two are there; near relatives decide on nothing."""

from __future__ import annotations

import pytest

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.followups.models import Followup
from fieldapp.people.relatives import declare_relative
from fieldapp.users.actions import add_user
from fieldapp.users.models import User
from tests.factories import PASSWORD, TOWNSHIP, Desk
from tests.followups.test_actions import make_task
from tests.followups.test_pages import words_of


def add_second_supervisor(app) -> None:
    with app.app_context(), transaction():
        since = clock.now()
        add_user("second", PASSWORD, "第二位民政助理", "supervisor", [TOWNSHIP], actor=None, now=since)


def done_task(app, county, assignee) -> str:
    with app.app_context(), transaction():
        followup_id = make_task(county, assignee_id=county.users[assignee]).followup_id
    assert Desk(app).post(f"/followups/{followup_id}/result", reason="煤送到了").status_code == 303
    return followup_id


def declare(app, county) -> None:
    with app.app_context(), transaction():
        supervisor = db.session.get_one(User, county.users["supervisor"])
        declare_relative(supervisor, supervisor.id, county.person_uuids[0], "侄女", clock.now())


@pytest.mark.parametrize("is_alone", [True, False])
@pytest.mark.parametrize("why", ["did_it", "relative", "wrote_it_down"])
def test_result_is_closed_by_somebody_else_where_somebody_is(app, county, is_alone, why):
    if not is_alone:
        add_second_supervisor(app)
    followup_id = done_task(app, county, "supervisor" if why == "did_it" else "worker")
    if why == "relative":
        declare(app, county)
    answer = Desk(app).post(f"/followups/{followup_id}/verify")
    if is_alone or why == "wrote_it_down":
        assert answer.status_code == 303
        return
    assert answer.status_code == 403
    assert "第二位民政助理" in words_of(answer)
    assert Desk(app, "second").post(f"/followups/{followup_id}/verify").status_code == 303
    with app.app_context():
        assert db.session.get_one(Followup, followup_id).state == "verified"


def test_near_relative_does_not_decide_on_a_visit_while_somebody_else_can(app, county, phone):
    body = phone.visit()
    phone.push(phone.op("visit.submit", body))
    declare(app, county)
    add_second_supervisor(app)
    path = f"/reviews/{body['visit_uuid']}/approve"
    assert Desk(app).post(path, revision=1).status_code == 403
    assert Desk(app, "second").post(path, revision=1).status_code == 303
