"""The follow-up pages: the list by urgency, one task, handing out, checking, closing, making one by hand."""

from __future__ import annotations

import hashlib
import html
import re
from datetime import timedelta

import pytest

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.followups.models import Followup
from tests.factories import Desk, draw_photo, text_of

HUNGRY = {"reached": "reached", "home": {"who_answered": "self", "food_days": "lt3", "medicine": "enough"}}


@pytest.fixture
def desk(app, county):
    return Desk(app)


@pytest.fixture
def visit_uuid(phone):
    body = phone.visit(HUNGRY)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    return body["visit_uuid"]


@pytest.fixture
def task_id(app, visit_uuid):
    """The red task that the visit's answer made, still the supervisor's."""
    with app.app_context():
        return db.session.query(Followup).one().followup_id


def words_of(answer) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def task_of(app, task_id) -> Followup:
    with app.app_context():
        return db.session.get_one(Followup, task_id)


def hand_out(desk, task_id, county, **more):
    due = (clock.now().astimezone(clock.LOCAL) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    fields = {"assignee": county.users["worker"], "due": due, "instructions": "先送两袋米"} | more
    return desk.post(f"/followups/{task_id}/hand-out", **fields)


def report(phone, task_id, photo=None) -> None:
    sha256 = hashlib.sha256(photo).hexdigest() if photo else ""
    now = text_of(clock.now())
    body = {
        "followup_id": task_id,
        "checklist": {"key": "followup_result", "version": "1"},
        "started_at": now,
        "finished_at": now,
        "answers": {"done": "visited", "outcome": {"result": "solved"}},
        "attachments": [{"sha256": sha256, "question": "given/photo"}] if photo else [],
        "location": None,
    }
    assert phone.push(phone.op("followup.report", body))[0]["outcome"] == "accepted"
    if photo:
        assert phone.put_photo(photo).status_code == 201


def tasks_by_section(page) -> dict[str, list[str]]:
    """Task ids under the headings of the list."""
    parts = re.split(r'<h2 class="group-title">\s*(.*?)\s*<small>', page.text)
    return {
        title: re.findall(r'href="/followups/([0-9a-f-]{36})"', part)
        for title, part in zip(parts[1::2], parts[2::2], strict=True)
    }


def test_list_puts_what_the_desk_must_do_first_then_overdue_then_the_rest(app, county, phone, desk, task_id):
    assert tasks_by_section(desk.get("/followups")) == {"待您处理：核实、交办": [task_id]}
    hand_out(desk, task_id, county)
    assert tasks_by_section(desk.get("/followups")) == {"办理中": [task_id]}
    with app.app_context(), transaction():
        db.session.get_one(Followup, task_id).due_at = clock.now() - timedelta(days=2, hours=1)
    page = desk.get("/followups")
    assert tasks_by_section(page) == {"已超期": [task_id]}
    assert "超期 2 天" in words_of(page)
    report(phone, task_id)
    assert tasks_by_section(desk.get("/followups")) == {"待您处理：核实、交办": [task_id]}


def test_list_narrows_by_state_severity_kind_assignee_and_area(county, phone, desk, task_id):
    worker = county.users["worker"]
    hand_out(desk, task_id, county)
    for query, expected in {
        "view=active": 1,
        "view=closed": 0,
        "view=all": 1,
        "severity=red": 1,
        "severity=yellow": 0,
        "type=temporary_relief": 1,
        "type=medical": 0,
        f"assignee={worker}": 1,
        f"assignee={worker + 999}": 0,
        "area=230183100": 1,
        "area=230183101": 0,
        "view=x&severity=x&assignee=x&area=x&page=-1": 1,
    }.items():
        page = desk.get(f"/followups?{query}")
        assert sum(map(len, tasks_by_section(page).values())) == expected, query
    desk.post(f"/followups/{task_id}/cancel", reason="重复")
    assert tasks_by_section(desk.get("/followups?view=closed")) == {"已办结": [task_id]}


def test_empty_list_is_good_news(county, desk):
    assert "没有未办结的任务" in words_of(desk.get("/followups"))


def test_task_page_tells_why_and_leads_back_to_the_visit(county, desk, visit_uuid, task_id):
    page = desk.get(f"/followups/{task_id}")
    assert "粮油不足3天" in words_of(page)
    assert f"/reviews/{visit_uuid}" in page.text
    assert "由预警自动生成" in words_of(page)


def test_handing_out_proposes_the_worker_of_the_visit(county, desk, task_id):
    page = desk.get(f"/followups/{task_id}")
    assert f'<option selected value="{county.users["worker"]}">测试worker · 网格员' in page.text


def test_task_handed_out_reaches_the_worker_with_due_time_and_instructions(app, county, phone, desk, task_id):
    day = clock.local_date(clock.now()) + timedelta(days=8)
    answer = hand_out(desk, task_id, county, due=f"{day}T17:30")
    assert (answer.status_code, answer.location) == (303, f"/followups/{task_id}")
    record = phone.pull()["followup", task_id]
    assert record["instructions"] == "先送两袋米"
    # 17:30 in the field is 09:30 UTC.
    assert record["due_at"] == f"{day}T09:30:00Z"
    assert "先送两袋米" in words_of(desk.get(f"/followups/{task_id}"))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("assignee", "", "请选择办理人"),
        ("assignee", "999999", "不是有效的选择"),
        ("due", "", "请填写办理期限"),
        ("due", "soon", "不是有效的日期"),
        ("due", "0001-01-01T00:00", "请选择今后一年内的时间"),
        ("due", "2020-01-01T09:00", "请选择今后一年内的时间"),
        ("due", "9999-12-31T23:59", "请选择今后一年内的时间"),
        ("instructions", "长" * 1001, "最多 1000 个字"),
    ],
)
def test_handing_out_says_beside_the_field_what_is_wrong(app, county, desk, task_id, field, value, said):
    answer = hand_out(desk, task_id, county, **{field: value})
    assert answer.status_code == 422
    wrong = re.findall(r'class="wrong-text"[^>]*>([^<]*)<', answer.text)
    assert len(wrong) == 1
    assert said in wrong[0]
    assert task_of(app, task_id).assigned_by_id is None


def test_task_cannot_be_handed_to_a_worker_of_another_grid(app, county, desk, task_id):
    assert f'value="{county.users["worker2"]}"' not in desk.get(f"/followups/{task_id}").text
    assert hand_out(desk, task_id, county, assignee=county.users["worker2"]).status_code == 422
    assert task_of(app, task_id).assigned_by_id is None


def test_result_is_shown_with_its_answers_and_photos_and_closed(app, county, phone, desk, task_id):
    hand_out(desk, task_id, county)
    report(phone, task_id, draw_photo(3))
    page = desk.get(f"/followups/{task_id}")
    assert "上门看望" in words_of(page)
    assert "解决了" in words_of(page)
    shown = re.findall(r'<img src="(/api/attachments/[0-9a-f]{64}\?size=thumb)"', page.text)
    assert len(shown) == 1
    assert desk.get(shown[0]).status_code == 200
    assert desk.post(f"/followups/{task_id}/verify").status_code == 303
    assert task_of(app, task_id).state == "verified"
    assert "已核实办结" in words_of(desk.get(f"/followups/{task_id}"))


def test_task_sent_back_needs_a_reason_that_the_worker_reads(app, county, phone, desk, task_id):
    hand_out(desk, task_id, county)
    report(phone, task_id)
    answer = desk.post(f"/followups/{task_id}/reopen", reason=" ")
    assert answer.status_code == 422
    assert "请写明原因" in words_of(answer)
    assert desk.post(f"/followups/{task_id}/reopen", reason="米还没有送到").status_code == 303
    assert phone.pull()["followup", task_id]["sent_back"]["reason"] == "米还没有送到"


def test_step_that_came_too_late_says_how_the_task_stands(app, county, desk, task_id):
    desk.post(f"/followups/{task_id}/cancel", reason="重复")
    answer = desk.post(f"/followups/{task_id}/verify")
    assert answer.status_code == 409
    assert "已撤销" in words_of(answer)
    assert task_of(app, task_id).state == "cancelled"


def test_task_is_made_by_hand_from_a_visit(app, county, phone, desk, visit_uuid):
    page = desk.get(f"/followups/new?visit={visit_uuid}")
    assert page.status_code == 200
    fields = {
        "type": "heating",
        "severity": "yellow",
        "person": county.person_uuids[1],
        "reason": "煤不够烧到月底",
        "assignee": county.users["worker"],
        "due": f"{clock.local_date(clock.now()) + timedelta(days=8)}T17:00",
        "instructions": "",
    }
    answer = desk.post(f"/followups/new?visit={visit_uuid}", **fields | {"reason": ""})
    assert answer.status_code == 422
    assert "请写明原因" in words_of(answer)
    answer = desk.post(f"/followups/new?visit={visit_uuid}", **fields)
    assert answer.status_code == 303
    task = task_of(app, answer.location.rsplit("/", 1)[1])
    assert (task.type, task.severity, task.visit_uuid) == ("heating", "yellow", visit_uuid)
    assert phone.pull()["followup", task.followup_id]["reason"]["zh"] == "煤不够烧到月底"
    assert "煤不够烧到月底" in words_of(desk.get(f"/reviews/{visit_uuid}"))


@pytest.mark.parametrize(
    "query", ["", "visit=x", "household=x", "visit=00000000-0000-0000-0000-000000000000"]
)
def test_task_about_nothing_cannot_be_made(county, desk, query):
    assert desk.get(f"/followups/new?{query}").status_code == 404


@pytest.mark.parametrize("role", ["leader", "officer"])
def test_leader_and_officer_read_tasks_and_cannot_act(app, county, task_id, role):
    reader = Desk(app, role)
    page = reader.get(f"/followups/{task_id}")
    assert "粮油不足3天" in words_of(page)
    assert "<textarea" not in page.text
    assert reader.post(f"/followups/{task_id}/cancel", reason="x").status_code == 403


def test_tasks_of_another_township_are_not_found(app, county, task_id):
    stranger = Desk(app, "stranger")
    assert tasks_by_section(stranger.get("/followups?view=all")) == {}
    assert stranger.get(f"/followups/{task_id}").status_code == 404
    assert hand_out(stranger, task_id, county).status_code == 404


def test_result_of_a_task_done_without_a_phone_is_written_down_at_the_desk(app, county, desk, task_id):
    assert desk.post(f"/followups/{task_id}/result", reason=" ").status_code == 422
    assert desk.post(f"/followups/{task_id}/result", reason="已送两袋米").status_code == 303
    assert task_of(app, task_id).state == "done"
    assert "已送两袋米" in words_of(desk.get(f"/followups/{task_id}"))
