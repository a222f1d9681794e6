"""代录: a visit typed for a worker counts as the worker's, says who typed it, and is reviewed by somebody else."""

from __future__ import annotations

import hashlib
import html
import json
import re
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from fieldapp.checklists.models import Publication
from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.followups.models import Followup
from fieldapp.people.models import Household, Person
from fieldapp.reviews.models import Flag
from fieldapp.users.actions import add_user
from fieldapp.users.models import User, UserScope
from fieldapp.visits.models import Visit, VisitRevision
from tests.factories import GRID, PASSWORD, TOWNSHIP, Desk, Phone, draw_photo, text_of

CALM = {"reached": "reached", "home": {"food_days": "ten_plus", "medicine": "enough"}}
HUNGRY = {"reached": "reached", "home": {"food_days": "lt3", "medicine": "enough"}}


class Typist(Desk):
    """A supervisor who types visits."""

    def __init__(self, app, county, username="supervisor"):
        super().__init__(app, username)
        self.county = county

    def typed(self, answers=CALM, **more):
        county = self.county
        return {
            "visit_uuid": str(uuid.uuid4()),
            "base": None,
            "worker_id": county.users["worker"],
            "at": text_of(clock.now() - timedelta(hours=3)),
            "method": "home",
            "people": county.person_uuids[:1],
            "checklist": {"key": "routine", "version": "1"},
            "answers": answers,
            "attachments": [],
            **more,
        }

    def enter(self, typed, household_uuid=""):
        return self.client.post(
            f"/api/households/{household_uuid or self.county.household_uuid}/entry",
            json=typed,
            headers={"X-CSRFToken": self.token},
        )


@pytest.fixture
def typist(app, county) -> Typist:
    return Typist(app, county)


@pytest.fixture
def second(app, county) -> Desk:
    """Another supervisor of the township."""
    with app.app_context(), transaction():
        since = clock.now() - timedelta(days=30)
        add_user("second", PASSWORD, "测试second", "supervisor", [TOWNSHIP], actor=None, now=since)
    return Desk(app, "second")


def words_of(answer) -> str:
    body = re.sub(r"<(script|style)\b.*?</\1>", "", answer.text, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def code_of(answer) -> str:
    return answer.json["error"]["code"]


def test_typed_visit_is_the_workers_on_its_day_and_says_who_typed_it(app, county, typist):
    at = clock.now() - timedelta(days=2)
    typed = typist.typed(at=text_of(at))
    answer = typist.enter(typed)
    assert answer.status_code == 200, answer.text
    with app.app_context():
        visit = db.session.get_one(Visit, typed["visit_uuid"])
        assert (visit.worker_id, visit.entered_by) == (county.users["worker"], county.users["supervisor"])
        assert (visit.state, visit.outcome, visit.area_code) == ("submitted", "reached", GRID)
        assert abs(visit.finished_at - at) < timedelta(seconds=2)
        person = db.session.get_one(Person, county.person_uuids[0])
        # High risk: seven days from the day of the visit, not of its typing.
        assert person.due_on == clock.local_date(at) + timedelta(days=7)
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "visit.submit")).one()
        assert entry.actor_id == county.users["supervisor"]
        assert entry.values["entered_for"] == county.users["worker"]


def test_typed_visit_is_marked_wherever_it_shows(app, county, typist):
    typed = typist.typed()
    page = typist.get(typist.enter(typed).json["address"])
    assert "代录 测试supervisor录入" in words_of(page)
    assert "由测试supervisor代录" in words_of(page)  # in its history
    assert "测试worker 代录" in words_of(typist.get("/reviews"))
    assert "代录 测试supervisor录入" in words_of(typist.get(f"/households/{county.household_uuid}/story"))
    paper = words_of(typist.get(f"/households/{county.household_uuid}/record"))
    assert "测试worker (由测试supervisor代录)" in paper
    record = Phone(app, county).pull()["visit", typed["visit_uuid"]]
    assert record["entered_by"] == "测试supervisor"


def test_flags_and_tasks_arise_as_from_a_phone(app, county, typist):
    typed = typist.typed(HUNGRY)
    assert typist.enter(typed).status_code == 200
    with app.app_context():
        assert db.session.get_one(Visit, typed["visit_uuid"]).severity == "red"
        task = db.session.scalars(select(Followup)).one()
        assert task.visit_uuid == typed["visit_uuid"]


def test_sent_twice_it_is_stored_once(app, typist):
    typed = typist.typed()
    first, again = typist.enter(typed), typist.enter(typed)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json == again.json
    changed = typist.enter({**typed, "answers": HUNGRY})
    assert (changed.status_code, code_of(changed)) == (409, "visit_changed")
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(VisitRevision)) == 1


def test_whoever_typed_it_does_not_decide_on_it(app, county, typist, second):
    typed = typist.typed(HUNGRY)
    typist.enter(typed)
    address = f"/reviews/{typed['visit_uuid']}"
    page = words_of(typist.get(address))
    assert "这次走访由您代录，须由他人审核。 等待测试second审核。" in page
    for deed in ("approve", "return", "void"):
        assert typist.post(f"{address}/{deed}", revision=1, reason="x").status_code == 403
    assert Desk(app, "leader").post(f"{address}/approve", revision=1).status_code == 403
    with app.app_context():
        flag_id = db.session.scalars(select(Flag.id)).first()
    assert typist.post(f"/reviews/flags/{flag_id}/confirm").status_code == 403
    assert typist.post(f"/reviews/flags/{flag_id}/dismiss", reason="").status_code == 403
    assert second.post(f"/reviews/flags/{flag_id}/confirm").status_code == 303
    assert second.post(f"{address}/approve", revision=1).status_code == 303


def test_where_there_is_one_supervisor_leader_or_officer_decides(app, county, typist):
    typed = typist.typed()
    typist.enter(typed)
    address = f"/reviews/{typed['visit_uuid']}"
    page = words_of(typist.get(address))
    assert "等待测试leader、测试officer审核" in page
    leader = Desk(app, "leader")
    assert 'data-key="a"' in leader.get(address).text
    assert leader.post(f"{address}/return", revision=1, reason="").status_code == 422
    assert leader.post(f"{address}/approve", revision=1).status_code == 303
    # On what a phone sent they only read, as ever.
    phone = Phone(app, county)
    body = phone.visit(CALM)
    phone.push(phone.op("visit.submit", body))
    assert leader.post(f"/reviews/{body['visit_uuid']}/approve", revision=1).status_code == 403


def test_returned_it_is_corrected_at_the_desk_or_on_the_phone(app, county, typist, second):
    typed = typist.typed()
    typist.enter(typed)
    address = f"/reviews/{typed['visit_uuid']}"
    assert typist.get(f"{address}/correct").location == address
    second.post(f"{address}/return", revision=1, reason="粮油没问清楚")
    page = typist.get(f"{address}/correct")
    assert "粮油没问清楚" in page.text
    entry = json.loads(html.unescape(re.search(r"data-entry='([^']*)'", page.text)[1]))
    assert entry["answers"] == CALM
    assert entry["base"] == 1
    corrected = {**typed, "base": 1, "answers": HUNGRY}
    assert typist.enter(corrected).status_code == 200
    assert typist.enter(corrected).status_code == 200
    late = typist.enter({**typed, "base": 1, "answers": {"reached": "refused"}})
    assert (late.status_code, code_of(late)) == (409, "visit_changed")
    with app.app_context():
        visit = db.session.get_one(Visit, typed["visit_uuid"])
        assert (visit.revision, visit.state, visit.entered_by) == (2, "submitted", county.users["supervisor"])
    second.post(f"{address}/return", revision=2, reason="再问一次")
    phone = Phone(app, county)
    body = phone.visit(CALM, visit_uuid=typed["visit_uuid"])
    assert phone.push(phone.op("visit.revise", body, base=2))[0]["outcome"] == "accepted"
    with app.app_context():
        # The worker's own words now.
        assert db.session.get_one(Visit, typed["visit_uuid"]).entered_by is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"at": text_of(clock.now() + timedelta(hours=2))}, "visit_in_future"),
        ({"at": text_of(clock.now() - timedelta(days=400))}, "visit_too_old"),
        # Before the worker had the grid.
        ({"at": text_of(clock.now() - timedelta(days=40))}, "worker_not_there"),
        ({"worker_id": 999_999}, "worker_not_there"),
        ({"checklist": {"key": "routine", "version": "77"}}, "checklist_version_unknown"),
        ({"people": [str(uuid.uuid4())]}, "worker_not_there"),
        ({"method": "pigeon"}, "body_invalid"),
        ({"answers": "x"}, "body_invalid"),
        ({"answers": {"reached": "a\0b"}}, "body_invalid"),
    ],
)
def test_what_cannot_be_is_said_and_not_stored(app, typist, change, code):
    answer = typist.enter({**typist.typed(), **change})
    assert code_of(answer) == code
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Visit)) == 0


def test_worker_of_another_grid_or_one_who_never_worked_there_is_not_offered(app, county, typist):
    page = typist.get(f"/households/{county.household_uuid}/entry").text
    assert "测试worker<" in page
    assert "测试worker2" not in page
    answer = typist.enter(typist.typed(worker_id=county.users["worker2"]))
    assert code_of(answer) == "worker_not_there"


def test_worker_who_has_left_is_offered_for_the_time_they_were_there(app, county, typist):
    left_at = clock.now() - timedelta(days=5)
    with app.app_context(), transaction():
        user = db.session.get_one(User, county.users["worker"])
        for held in db.session.scalars(select(UserScope).where(UserScope.user_id == user.id)):
            held.ends_at = left_at
        user.ended_at = left_at
    assert "测试worker（已不在本网格）" in typist.get(f"/households/{county.household_uuid}/entry").text
    assert typist.enter(typist.typed(at=text_of(left_at - timedelta(days=1)))).status_code == 200
    late = typist.enter(typist.typed(at=text_of(left_at + timedelta(days=1))))
    assert code_of(late) == "worker_not_there"


def test_pages_lead_to_the_checklist_of_that_day(county, typist):
    start = f"/households/{county.household_uuid}/entry"
    day = clock.local_date(clock.now() - timedelta(days=1))
    query = {
        "worker_id": county.users["worker"],
        "day": day,
        "time": "09:30",
        "method": "phone",
        "people": county.person_uuids[0],
        "checklist": "routine",
    }

    def open_form(**changes):
        return typist.client.get(f"{start}/form", query_string={**query, **changes})

    page = open_form()
    assert page.status_code == 200
    entry = json.loads(html.unescape(re.search(r"data-entry='([^']*)'", page.text)[1]))
    assert entry["context"]["today"] == day.isoformat()
    assert entry["context"]["visit"] == {"method": "phone"}
    assert entry["document"]["key"] == "routine"
    # As everywhere at the desk.
    assert "19900001234" not in page.text
    for changes, words in (
        ({"people": []}, "至少选择一人"),
        ({"day": clock.local_date(clock.now() + timedelta(days=1))}, "走访时间在将来"),
        ({"day": clock.local_date(clock.now() - timedelta(days=60))}, "当天不负责"),
        ({"day": ""}, "请填写走访日期"),
    ):
        refused = open_form(**changes)
        assert refused.status_code == 422
        assert words in words_of(refused)
        assert f'value="{county.users["worker"]}"' in refused.text


def test_checklist_retired_since_is_used_for_a_day_on_which_it_was_in_force(app, county, typist):
    yesterday = clock.local_date(clock.now()) - timedelta(days=1)
    with app.app_context(), transaction():
        [publication] = db.session.scalars(select(Publication).where(Publication.key == "routine"))
        publication.from_on, publication.retired_at = yesterday - timedelta(days=5), clock.now()
    query = {
        "worker_id": county.users["worker"],
        "time": "00:01",
        "method": "home",
        "people": county.person_uuids[0],
        "checklist": "routine",
    }
    form = f"/households/{county.household_uuid}/entry/form"
    answers = [
        typist.client.get(form, query_string={**query, "day": day}).status_code
        for day in (yesterday, yesterday + timedelta(days=1))
    ]
    assert answers == [200, 422]


def test_numbers_the_page_held_masked_are_stored_as_they_are(app, county, typist):
    typed = typist.typed({**CALM, "hh_phone": "199****1234"})
    assert typist.enter(typed).status_code == 200
    with app.app_context():
        revision = db.session.get_one(VisitRevision, (typed["visit_uuid"], 1))
        assert revision.answers["hh_phone"] == "19900001234"


def test_photos_of_a_typed_visit_are_taken_in(app, county, typist):
    photo = draw_photo()
    sha256 = hashlib.sha256(photo).hexdigest()
    address = f"/api/households/{county.household_uuid}/entry/attachments"

    def put(name):
        return typist.client.put(f"{address}/{name}", data=photo, headers={"X-CSRFToken": typist.token})

    assert [put(sha256).status_code for _ in range(2)] == [201, 200]
    assert code_of(put("0" * 64)) == "photo_hash_wrong"
    assert put("x").status_code == 404
    named = {"sha256": sha256, "question": "photo", "taken_at": None, "size": len(photo), "name": None}
    typed = typist.typed({**HUNGRY, "photo": sha256}, attachments=[named])
    assert typist.enter(typed).status_code == 200
    assert sha256 in typist.get(f"/reviews/{typed['visit_uuid']}").text


def test_household_of_another_township_is_not_found(app, county):
    stranger = Typist(app, county, "stranger")
    assert stranger.enter(stranger.typed()).status_code == 404


def test_signed_out_page_is_told_so_in_json(app, county, typist):
    typist.client.delete_cookie("fieldapp")
    answer = typist.enter(typist.typed())
    assert answer.status_code in {400, 401}
    assert code_of(answer) in {"csrf_stale", "sign_in_needed"}


def test_household_keeps_its_last_visit(app, county, typist):
    at = clock.now() - timedelta(days=3)
    typist.enter(typist.typed(at=text_of(at)))
    with app.app_context():
        household = db.session.get_one(Household, county.household_uuid)
        assert household.last_visit_on == clock.local_date(at)
