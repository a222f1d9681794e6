"""Tables of visits: what is in them and in their files, for whom, and what is noted of it."""

from __future__ import annotations

import csv
import io
import json
import re
from html import unescape
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select

from fieldapp.core import workbook
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.people.models import Household
from fieldapp.tables import queries, visit_queries
from fieldapp.tables.models import SavedTable
from fieldapp.tables.visit_fields import FIELDS
from fieldapp.users.models import User
from fieldapp.visits.models import Visit
from tests import statements
from tests.factories import Desk
from tests.reports.city import CITY
from tests.reports.spring import A, B, Spring

EVERY = "&".join(f"column={name}" for name in FIELDS)
PERIOD = "period=chosen&from=2026-04-10&until=2026-04-24"
FORMULA = "=HYPERLINK(1)"


@pytest.fixture
def two_weeks(spring: Spring) -> Spring:
    """Two weeks of visits; one has a name that is a formula, and three have a place, in two datums."""
    spring.first_week()
    spring.second_week()
    city = spring.city
    place = {"accuracy_m": 12.5, "at": "2026-04-16T02:00:00Z"}
    for lat, datum in ((45.2143, "WGS84"), (45.5, "GCJ02")):
        city.visit(spring.h1, [spring.p1], location={"lat": lat, "lon": 127.9, "datum": datum, **place})
    city.visit(spring.h2, [spring.p3], location={"lat": 46.3, "lon": 129.5, "datum": "WGS84", **place})
    city.void(spring.call)
    with city.app.app_context(), transaction():
        db.session.get_one(Household, spring.h2).name = FORMULA
        db.session.get_one(User, city.users["w2"]).display_name = "+8613900000000"
    city.at("2026-04-20 09:00")
    return spring


def fetch(app: Flask, reader: str, query: str, format_: str) -> bytes:
    file = Desk(app, reader).post(f"/tables/table/file?{query}", reason="核对走访", format=format_)
    assert file.status_code == 200
    assert file.is_streamed
    return file.data


def read_csv(data: bytes) -> list[dict[str, str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def list_exports(app: Flask) -> list[dict[str, Any]]:
    with app.app_context():
        rows = select(AuditEntry).where(AuditEntry.action == "table.export").order_by(AuditEntry.id)
        return [{"who": entry.actor_name, **entry.values} for entry in db.session.scalars(rows)]


def test_who_saves_or_renames_a_table_to_a_name_taken_meanwhile_is_told_so(
    two_weeks: Spring, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(two_weeks.city.app, "city")
    save = f"/tables/table/save?area={CITY}"
    for name in ("本周", "上周"):
        assert desk.post(save, name=name).status_code == 303
    # Each has looked before the other has written.
    monkeypatch.setattr(queries, "find_own_by_name", lambda *_: None)
    for answer in (desk.post(save, name="本周"), desk.post("/tables/2/rename", name="本周")):
        assert answer.status_code == 409
        assert "您已有同名的表，" in answer.text


def test_a_file_has_what_the_reader_may_see_masked_and_harmless_with_its_reason(two_weeks: Spring) -> None:
    app = two_weeks.city.app
    query = f"kind=visits&area={CITY}&{PERIOD}&column=visit&column=county&column=household&column=worker&column=state"
    rows = read_csv(fetch(app, "city", query, "csv"))
    with app.app_context():
        wanted = set(db.session.scalars(select(Visit.visit_uuid).where(Visit.state != "voided")))
    assert {row["走访编号"] for row in rows} == wanted
    assert len(rows) == len(wanted)
    # Names are masked; what programs would take for a formula is text.
    assert {row["户主（脱敏）"] for row in rows} == {"甲*", "'=*K", "丙*", "丁*", "无*"}
    assert {row["网格员"] for row in rows} == {
        "w1",
        "'+8613900000000",
    }
    of_county = read_csv(fetch(app, f"county_{A}", query.replace(CITY, A), "csv"))
    assert {row["县（市、区）"] for row in of_county} == {"尚志市"}
    assert 0 < len(of_county) < len(rows)
    # Another county is not there at all.
    other = Desk(app, f"county_{B}")
    assert other.get(f"/tables/table?{query.replace(CITY, A)}").status_code == 404
    assert other.post(f"/tables/table/file?{query}", reason="核对", format="csv").status_code == 404

    # In a workbook it is a text too, and goes on on the next sheet where one is full.
    book = load_workbook(io.BytesIO(fetch(app, "city", query, "xlsx")))
    cells = [cell for row in book.active for cell in row]
    assert {cell.data_type for cell in cells} == {"s"}
    assert FORMULA[0] + "*K" in {cell.value for cell in cells}
    assert [row[0].value for row in book.active][1:] == [row["走访编号"] for row in rows]

    refused = Desk(app, "city").post(f"/tables/table/file?{query}", reason=" ", format="csv")
    assert refused.status_code == 422
    assert "aria-invalid" in refused.text
    notes = list_exports(app)
    assert [(note["who"], note["format"], note["rows"]) for note in notes] == [
        ("city", "csv", len(rows)),
        (f"county_{A}", "csv", len(of_county)),
        ("city", "xlsx", len(rows)),
    ]
    assert {note["reason"] for note in notes} == {"核对走访"}
    assert notes[0]["choice"]["area"] == [CITY]


def test_points_are_those_in_scope_in_wgs_84_and_nobodys_track(two_weeks: Spring) -> None:
    app = two_weeks.city.app
    query = f"kind=visits&{PERIOD}&column=day&column=worker&column=household"
    found = json.loads(fetch(app, "city", f"{query}&area={CITY}", "geojson"))
    points = [feature["geometry"]["coordinates"] for feature in found["features"]]
    assert sorted(points) == [[127.9, 45.2143], [129.5, 46.3]]
    assert {frozenset(feature["properties"]) for feature in found["features"]} == {
        frozenset({"日期", "户主（脱敏）"})
    }
    assert found["left_out"]["GCJ02"] == 1
    own = json.loads(fetch(app, f"county_{A}", f"{query}&area={A}", "geojson"))
    assert [feature["geometry"]["coordinates"] for feature in own["features"]] == [[127.9, 45.2143]]
    # In a table the places stand as they were measured, with their datum and without whoever measured them.
    rows = read_csv(fetch(app, "city", f"{query}&area={CITY}&column=lat&column=datum", "csv"))
    assert {(row["纬度"], row["坐标系"]) for row in rows if row["纬度"]} == {
        ("45.2143", "WGS84"),
        ("45.5", "GCJ02"),
        ("46.3", "WGS84"),
    }
    assert len(rows[0]) == 4


def test_every_column_is_on_the_page_and_pages_come_to_all_visits(
    two_weeks: Spring, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = two_weeks.city.app
    monkeypatch.setattr(visit_queries, "PAGE_ROWS", 3)
    desk = Desk(app, "city")
    query = f"kind=visits&area={CITY}&{PERIOD}&{EVERY}"
    address, pages = f"/tables/table?{query}", []
    while address:
        with statements.noted() as sent:
            page = desk.get(address)
        assert sum(one.startswith(("SELECT", "WITH")) for one in sent) <= 15
        pages.append(re.findall(r'<th scope="row"><a href="[^"]*">([^<]*)</a></th>(.*?)</tr>', page.text))
        following = re.search(r'<nav class="pages[^>]*><a class="button" href="([^"]+)"', page.text)
        address = unescape(following[1]) if following else ""
    shown = [
        [unescape(first), *(unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", cells))]
        for page in pages
        for first, cells in page
    ]
    monkeypatch.setattr(workbook, "MOST_ROWS", 5)
    book = load_workbook(io.BytesIO(fetch(app, "city", query, "xlsx")))
    filed = [
        ["" if cell.value is None else str(cell.value) for cell in row]
        for sheet in book
        for row in list(sheet.rows)[1:]
    ]
    assert len(book.sheetnames) > 1
    assert shown == filed
    assert len(shown[0]) == len(FIELDS) - 1  # with places, without whoever was there


@pytest.mark.parametrize(
    ("filters", "first", "left", "number"),
    [
        # Behind the first eight weeks one without visits, or at once one with some.
        ("outcome=refused", "2026-02-06", "2026年4月10日", 1),
        ("outcome=refused&method=video", "2026-02-13", "2026年4月17日", 0),
    ],
)
def test_a_page_looks_through_so_many_visits_says_how_far_and_goes_on(
    two_weeks: Spring, monkeypatch: pytest.MonkeyPatch, filters: str, first: str, left: str, number: int
) -> None:
    monkeypatch.setattr(visit_queries, "MOST_LEFT", 0)
    period = f"period=chosen&from={first}&until=2026-04-24"
    desk, said, rows = Desk(two_weeks.city.app, "city"), [], 0
    address = f"/tables/table?kind=visits&area={CITY}&{period}&column=visit&{filters}"
    while address:
        page = desk.get(address).text
        rows += page.count('<th scope="row"')
        said += re.findall(r"至(\S+)的一周及以后各周还没有查找", page)
        nothing = re.findall(r"没有\S*符合条件的走访", page)
        following = re.search(r'<nav class="pages[^>]*><a class="button" href="([^"]+)">继续查找<', page)
        address = unescape(following[1]) if following else ""
        assert not (following and nothing)
    assert said == [left]
    assert (rows, nothing) == (number, [] if number else ["没有更多符合条件的走访"])


@pytest.mark.parametrize(
    ("filters", "number"),
    [
        ("outcome=refused", 1),
        ("outcome=not_reached", 1),
        ("method=video", 1),
        ("class=destitute_scattered", 2),
        ("state=voided", 1),
        ("flag=any", 0),
        ("flag=red", 0),
        ("outcome=refused&method=video", 0),
    ],
)
def test_filters_say_which_visits_are_in_a_table(two_weeks: Spring, filters: str, number: int) -> None:
    query = f"kind=visits&area={CITY}&{PERIOD}&column=visit&{filters}"
    assert len(read_csv(fetch(two_weeks.city.app, "city", query, "csv"))) == number


def test_a_saved_table_is_its_owners_and_read_by_those_of_its_area_once_shared(two_weeks: Spring) -> None:
    app = two_weeks.city.app
    owner, county, other = (Desk(app, name) for name in ("city", f"county_{A}", f"county_{B}"))
    query = f"kind=visits&area={A}&period=last4&column=day&column=state&flag=red"
    assert owner.post(f"/tables/table/save?{query}", name="红色预警").status_code == 303
    with app.app_context():
        table_id = db.session.scalars(select(SavedTable.id)).one()
    assert county.get(f"/tables/{table_id}").status_code == 404
    # Saved under the same name, it is the same table.
    assert owner.post(f"/tables/table/save?{query}", name="红色预警", is_shared="y").status_code == 303
    opened = county.get(f"/tables/{table_id}")
    page = county.get(opened.location)
    assert "红色预警" in page.text
    assert 'value="red" selected' in page.text
    assert other.get(f"/tables/{table_id}").status_code == 404
    assert "红色预警" in county.get("/tables").text
    assert "红色预警" not in other.get("/tables").text
    # Only the owner changes it.
    for desk in (county, other):
        assert desk.post(f"/tables/{table_id}/rename", name="我的").status_code == 404
        assert desk.post(f"/tables/{table_id}/delete").status_code == 404
    assert owner.post(f"/tables/table/save?{query}", name="别的").status_code == 303
    assert owner.post(f"/tables/{table_id}/rename", name="别的").status_code == 409
    assert owner.post(f"/tables/{table_id}/rename", name=" ").status_code == 422
    assert owner.post(f"/tables/{table_id}/rename", name="预警").status_code == 303
    assert "预警" in county.get("/tables").text
    assert owner.post(f"/tables/{table_id}/delete").status_code == 303
    assert county.get(f"/tables/{table_id}").status_code == 404
    with app.app_context():
        actions = list(
            db.session.scalars(
                select(AuditEntry.action).where(AuditEntry.subject_kind == "table").order_by(AuditEntry.id)
            )
        )
    assert actions == ["table.save", "table.save", "table.save", "table.rename", "table.delete"]
