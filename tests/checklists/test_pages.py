"""Pages of checklists: uploading, looking, publishing, retiring, as each role at the desk meets them."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.checklists.models import ChecklistVersion, Publication
from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db
from tests.checklists.vectors import workbook_of
from tests.factories import OTHER_VILLAGE, TOWNSHIP, VILLAGE, Desk

COUNTY = "230183"
TODAY = clock.local_date(clock.now())


def winter(label: str = "炉具安全吗", *more: dict[str, str], **settings: str) -> bytes:
    survey = [
        {"type": "select_one yn", "name": "stove", "label::中文 (zh)": label, "safety": "yes"},
        {"type": "text", "name": "note", "label::中文 (zh)": "还有什么要说"},
        *more,
    ]
    choices = [
        {"list_name": "yn", "name": "yes", "label::中文 (zh)": "安全"},
        {"list_name": "yn", "name": "no", "label::中文 (zh)": "不安全", "flag": "red"},
    ]
    names = {"form_id": "winter", "title_zh": "冬季保暖"}
    return workbook_of({"survey": survey, "choices": choices, "settings": {**names, **settings}})


# A workbook says when it was made, to the second: the same file is this one, not another like it.
WINTER = winter()


def send(desk: Desk, content: bytes, *more: tuple[str, bytes], name: str = "冬季.xlsx", area: str = COUNTY):
    files = [(io.BytesIO(body), filename) for filename, body in ((name, content), *more)]
    return desk.client.post(
        "/checklists",
        data={"csrf_token": desk.token, "area": area, "files": files},
        content_type="multipart/form-data",
    )


@pytest.fixture
def desk(app, county) -> Desk:
    return Desk(app, "officer")


@pytest.fixture
def stored(desk) -> Desk:
    assert send(desk, WINTER).status_code == 303
    return desk


def register(desk: Desk, **fields: str):
    given = {"owner": "县民政局", "purpose": "冬季保暖", "valid_until": "", **fields}
    return desk.post(f"/checklists/winter/registry/{COUNTY}", **given)


def publish(desk: Desk, *areas: str, within: str = "", **fields: str):
    given = {"from_on": TODAY.isoformat(), "until_on": "", **fields}
    return desk.post(f"/checklists/winter/1/publish?within={within}", areas=list(areas), **given)


def publications(app) -> list[tuple[str, str]]:
    with app.app_context():
        of_winter = select(Publication).where(Publication.key == "winter")
        rows = db.session.scalars(of_winter.order_by(Publication.id))
        return [(row.version, row.area_code) for row in rows]


def test_a_new_installation_lists_the_library_with_who_answers_for_it(desk):
    page = desk.get("/checklists").text
    assert "日常走访" in page
    assert "使用中" in page


def test_an_upload_is_stored_and_shown_and_published_to_nobody(app, desk):
    answer = send(desk, winter())
    assert answer.location == "/checklists/winter/1"
    page = desk.get(answer.location).text
    assert "发布之前，手机上不会出现" in page
    assert "第一个版本" in page
    assert publications(app) == []


def test_a_refused_workbook_says_where_and_why_and_what_instead(app, desk):
    book = workbook_of(
        {
            "survey": [{"type": "text", "name": "a", "label": "x", "relevant": "${a2} == 1"}],
            "settings": {"form_id": "bad"},
        }
    )
    answer = send(desk, book)
    assert answer.status_code == 422
    row = re.search(r"<tbody>(.*?)</tbody>", answer.text, re.DOTALL)[1]
    assert ">survey</td>" in row
    assert ">2</td>" in row
    assert ">relevant</td>" in row
    with app.app_context():
        assert db.session.get(ChecklistVersion, ("bad", "1")) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xlsx", b""),
        ("a.xlsx", b"PK\x03\x04"),
        ("a.xls", b"\xd0\xcf\x11\xe0" * 9),
        ("a.docx", b"<html>"),
        ("a", b"\x00"),
    ],
)
def test_what_is_no_workbook_is_refused_in_words(desk, name, content):
    answer = send(desk, content, name=name)
    assert answer.status_code == 422
    assert 'id="problems"' in answer.text


def test_choosing_no_file_or_two_workbooks_is_said_beside_the_field(desk):
    answer = desk.post("/checklists", area=COUNTY)
    assert answer.status_code == 422
    assert "请选择清单的 Excel 工作簿" in answer.text
    answer = send(desk, winter(), ("zwei.xlsx", winter("x")))
    assert "一次选一个工作簿" in answer.text


def test_script_in_labels_and_file_names_stays_text(desk):
    name = "<script>alert(1)</script>.xlsx"
    answer = send(
        desk, winter("<script>alert(2)</script>", title_zh="<img src=x onerror=alert(3)>"), name=name
    )
    assert send(desk, winter("x")).status_code == 303
    for path in (
        answer.location,
        "/checklists",
        "/checklists/winter",
        "/checklists/winter/2",
        "/checklists/winter/1/frame",
    ):
        page = desk.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_an_area_outside_ones_own_cannot_be_chosen(app, desk):
    assert send(desk, winter(), area="230123").status_code == 422
    assert send(desk, winter(), area="23").status_code == 422
    with app.app_context():
        assert db.session.get(ChecklistVersion, ("winter", "1")) is None


def test_the_same_file_again_leads_to_the_version_that_is_there(stored):
    answer = send(stored, WINTER)
    assert answer.location == "/checklists/winter/1"
    assert "这份文件已有" in stored.get(answer.location).text


def test_what_changed_is_shown_question_by_question_with_what_is_risky(stored):
    send(stored, winter("炉具和烟道安全吗", {"type": "integer", "name": "temp", "label::中文 (zh)": "室温"}))
    page = stored.get("/checklists/winter/2").text
    assert "与第 1 版比较" in page
    assert "<del>" in page.replace('<del><span class="unseen">原为：</span>', "<del>")
    assert "炉具和烟道安全吗" in page
    assert "新增" in page
    book = workbook_of(
        {
            "survey": [{"type": "text", "name": "note", "label::中文 (zh)": "还有什么要说"}],
            "settings": {"form_id": "winter"},
        }
    )
    send(stored, book)
    assert "有一道安全题不再问" in stored.get("/checklists/winter/3").text
    assert "与第 1 版比较" in stored.get("/checklists/winter/3?against=1").text


def test_publishing_asks_first_who_answers_for_it(app, stored):
    answer = publish(stored, COUNTY)
    assert answer.status_code == 422
    assert "请先登记" in answer.text
    assert register(stored, owner=" ").status_code == 422
    assert register(stored).status_code == 303
    assert publish(stored, COUNTY).status_code == 303
    assert publications(app) == [("1", COUNTY)]
    assert "使用中" in stored.get("/checklists/winter").text


def test_a_version_can_be_published_to_single_parts_down_to_a_village(app, stored):
    register(stored)
    assert publish(stored, TOWNSHIP).status_code == 303
    page = stored.get(f"/checklists/winter/1?within={TOWNSHIP}").text
    assert f'value="{VILLAGE}"' in page
    assert publish(stored, VILLAGE, OTHER_VILLAGE, within=TOWNSHIP).status_code == 303
    assert publications(app) == [("1", TOWNSHIP), ("1", VILLAGE), ("1", OTHER_VILLAGE)]


@pytest.mark.parametrize(
    "fields",
    [
        {"from_on": ""},
        {"from_on": (TODAY - timedelta(days=1)).isoformat()},
        {"until_on": (TODAY - timedelta(days=1)).isoformat()},
        {"from_on": "9999-99-99"},
        {"from_on": "2999-01-01"},
    ],
)
def test_days_that_make_no_sense_are_refused_beside_the_field(app, stored, fields):
    register(stored)
    assert publish(stored, COUNTY, **fields).status_code == 422
    assert publish(stored).status_code == 422
    assert publish(stored, "230123").status_code == 422
    assert publications(app) == []


def test_retiring_is_said_on_the_page_and_stays_in_its_history(app, stored):
    register(stored)
    publish(stored, COUNTY)
    with app.app_context():
        id_ = db.session.scalars(select(Publication.id).where(Publication.key == "winter")).one()
    assert stored.post(f"/checklist-publications/{id_}/retire").status_code == 303
    page = stored.get("/checklists/winter").text
    assert "已停用" in page
    assert "停用…" not in page


def test_what_another_version_covers_says_so(stored):
    register(stored)
    publish(stored, COUNTY)
    send(stored, winter("炉具呢"))
    stored.post("/checklists/winter/2/publish", areas=[COUNTY], from_on=TODAY.isoformat(), until_on="")
    page = stored.get("/checklists/winter").text
    assert "已由其他版本代替" in page
    assert "现用第 2 版" in page


def test_an_expired_checklist_is_marked_in_the_registry(stored):
    register(stored, valid_until=(TODAY - timedelta(days=1)).isoformat())
    publish(stored, COUNTY)
    assert "已到期" in stored.get("/checklists").text
    assert "已到期" in stored.get("/checklists/winter").text


def test_only_an_unpublished_version_can_be_deleted(app, stored):
    send(stored, winter("炉具呢"))
    register(stored)
    publish(stored, COUNTY)
    assert stored.post("/checklists/winter/1/delete").status_code == 409
    assert "删除这个版本" not in stored.get("/checklists/winter/1").text
    assert stored.post("/checklists/winter/2/delete").status_code == 303
    assert stored.get("/checklists/winter/2").status_code == 404


def test_files_are_downloaded_as_uploaded_and_that_is_on_record(app, desk):
    book = workbook_of(
        {
            "survey": [{"type": "select_one_from_file villages.csv", "name": "v", "label": "村"}],
            "settings": {"form_id": "where"},
        }
    )
    villages = "name,label\na,幸福村\n".encode()
    assert send(desk, book, ("villages.csv", villages)).status_code == 303
    answer = desk.get("/checklists/where/1/workbook")
    assert answer.data == book
    assert "where-1.xlsx" in answer.headers["Content-Disposition"]
    assert desk.get("/checklists/where/1/files/villages.csv").data == villages
    assert desk.get("/checklists/where/1/files/none.csv").status_code == 404
    with app.app_context():
        downloads = select(AuditEntry).where(AuditEntry.action == "checklist.download")
        taken = db.session.scalars(downloads.order_by(AuditEntry.id)).all()
        assert [entry.values["filename"] for entry in taken] == ["where-1.xlsx", "villages.csv"]


@pytest.mark.parametrize("role", ["supervisor", "leader"])
def test_others_look_and_are_offered_nothing_to_change(app, stored, role):
    register(stored)
    publish(stored, COUNTY)
    reader = Desk(app, role)
    for path in ("", "/winter", "/winter/1", "/winter/1/preview"):
        page = reader.get(f"/checklists{path}")
        assert page.status_code == 200
        for offer in ("上传工作簿", "上传新版本", "停用…", "修改…", "启用日期", "删除这个版本"):
            assert offer not in page.text, (path, offer)


def test_what_one_township_made_is_nothing_to_its_neighbour(app, stored):
    register(stored)
    publish(stored, COUNTY)
    neighbour = Desk(app, "stranger_officer")
    # The township lies in the county: what the county made holds there too.
    assert neighbour.get("/checklists/winter").status_code == 200
    assert send(neighbour, winter("镇里的"), area="230183101").status_code == 303
    assert Desk(app, "supervisor").get("/checklists/winter/2").status_code == 404


def test_a_neighbour_does_not_see_where_else_a_version_from_above_was_published(app, stored):
    register(stored)
    publish(stored, TOWNSHIP)
    neighbour = Desk(app, "stranger_officer")
    page = neighbour.get("/checklists/winter/1").text
    assert "冬季保暖" in page
    assert TOWNSHIP not in page
    assert "已发布范围" not in page


def test_parts_of_an_area_that_is_not_there_are_not_offered(stored):
    page = stored.get(f"/checklists/winter/1?within={COUNTY}%3Cscript%3E").text
    assert f'value="{COUNTY}"' in page
    assert "&lt;script" not in page


@pytest.mark.parametrize("name", ["a/b.csv", "长" * 201 + ".csv", "a\x07.csv"])
def test_a_csv_file_whose_name_cannot_be_kept_is_said_beside_the_field(desk, name):
    answer = send(desk, winter(), (name, b"name,label\n1,a\n"))
    assert answer.status_code == 422
    assert "CSV" in answer.text


@pytest.mark.parametrize("form_id", [".", "..", "-"])
def test_a_name_that_can_stand_in_no_address_is_refused(desk, form_id):
    assert send(desk, winter(form_id=form_id)).status_code == 422


def test_a_workbook_is_downloaded_as_what_it_is_whatever_it_was_called(desk):
    workbook = winter()
    assert send(desk, workbook, name="长" * 300 + "\x00.html").status_code == 303
    answer = desk.get("/checklists/winter/1/workbook")
    assert answer.headers["Content-Disposition"] == "attachment; filename=winter-1.xlsx"
    assert answer.data == workbook


def test_the_library_can_be_published_further_down_but_not_changed(app, desk):
    page = desk.get("/checklists/routine/1").text
    assert "启用日期" in page
    assert "删除这个版本" not in page
    answer = desk.post("/checklists/routine/registry/23", owner="县", purpose="县")
    assert answer.status_code == 403


def test_the_preview_reads_answers_as_the_desk_would_and_stores_nothing(app, stored):
    answers = json.dumps({"stove": "no", "note": "请打13812345678"})
    page = stored.post(
        "/checklists/winter/1/read", answers=answers, sample="?people=1&class=dibao_rural"
    ).text
    assert "炉具安全吗" in page
    assert "不安全" in page
    assert "sev-red" in page
    assert "138****5678" in page


@pytest.mark.parametrize(
    "answers", ["", "[]", "1", '"x"', "{", "[" * 5000, '{"stove": {"a": 1}}', '{"note": "\\ud83d"}']
)
def test_odd_answers_in_the_preview_are_no_error_of_ours(stored, answers):
    assert stored.post("/checklists/winter/1/read", answers=answers).status_code in {200, 400}


def test_the_frame_may_stand_in_our_own_page_and_in_no_other(stored):
    policy = stored.get("/checklists/winter/1/frame?people=3&tag=living_alone").headers[
        "Content-Security-Policy"
    ]
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert (
        "frame-ancestors 'none'"
        in stored.get("/checklists/winter/1/preview").headers["Content-Security-Policy"]
    )


def test_the_preview_is_tried_with_the_people_chosen(stored):
    sample = stored.get(
        "/checklists/winter/1/document?people=3&class=destitute_scattered&tag=living_alone&tag=disabled"
    )
    people = sample.json["context"]["people"]
    assert [person["main_class"] for person in people] == ["destitute_scattered"] * 3
    assert people[0]["tags"] == ["living_alone", "disabled"]
    assert len(stored.get("/checklists/winter/1/document?people=x").json["context"]["people"]) == 2


def test_a_full_registry_goes_on_to_the_next_page(app, desk, monkeypatch):
    monkeypatch.setattr("fieldapp.checklists.routes.PAGE", 2)
    first = desk.get("/checklists").text
    assert "下一页" in first
    assert "上一页" in desk.get("/checklists?page=2").text


def test_english_readers_read_english(app, stored):
    stored.client.set_cookie("language", "en")
    register(stored)
    publish(stored, COUNTY)
    assert "no end set" in stored.get("/checklists").text
    assert "Where it is in force" in stored.get("/checklists/winter").text
    assert "Published so far" in stored.get("/checklists/winter/1").text
