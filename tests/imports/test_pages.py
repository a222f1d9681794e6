"""The pages of an import: file, columns, check, result, undo, as a supervisor meets them."""

from __future__ import annotations

import io
import tempfile

from sqlalchemy import select

from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.imports.models import READING, Import
from fieldapp.imports.staging import READING_TAKES
from fieldapp.people.models import Person
from tests.factories import GRID, Desk
from tests.imports.rosters import HEADER, as_csv, as_xlsx, make_row


def bring(desk, content, source="低保名册", name="名册.xlsx"):
    return desk.post("/imports", file=(io.BytesIO(content), name), source=source)


def go_on(desk, page):
    """Follow an import until nothing runs; gives the page then."""
    while "progress" in (answer := desk.get(page).text):
        assert desk.post(f"{page}/go-on").status_code == 303
    return answer


def test_from_file_to_undo(app, county):
    desk = Desk(app)
    rows = [make_row(number, GRID) for number in range(6)]
    rows[3][8] = "很高"
    answer = bring(desk, as_xlsx([HEADER, *rows]))
    assert answer.status_code == 303
    page = answer.location
    columns = desk.get(page).text
    assert "确认各列内容" in columns
    # Shown to be recognised, not to be read.
    assert rows[0][1] not in columns
    fields = {f"column-{place}": "" for place in range(len(HEADER))}
    assert desk.post(f"{page}/columns", **fields).status_code == 422
    chosen = {**fields, "column-0": "name", "column-1": "id_number", "column-4": "grid", "column-8": "risk"}
    twice = desk.post(f"{page}/columns", **{**chosen, "column-2": "name"})
    assert twice.status_code == 422
    assert "有两列选了同样的内容" in twice.text
    assert desk.post(f"{page}/columns", **chosen).status_code == 303
    checked = go_on(desk, page)
    assert "只导入没有问题的 5 行" in checked
    assert "请填高、中或低。" in checked
    assert rows[0][1] not in checked
    assert rows[1][0] not in desk.get(f"{page}?rows=refused").text
    assert desk.post(f"{page}/apply", rows="all").status_code == 409
    assert desk.post(f"{page}/undo").status_code == 409
    assert desk.post(f"{page}/apply", rows="good").status_code == 303
    assert desk.post(f"{page}/throw-away").status_code == 409
    assert "撤回这次导入" in go_on(desk, page)
    with app.app_context():
        assert db.session.scalars(select(Person).where(Person.name == rows[0][0])).one().risk == "high"
        # A column that is not read is not read.
        assert db.session.scalars(select(Person).where(Person.name == rows[0][0])).one().phone is None
    refused = desk.get(f"{page}/refused.xlsx")
    assert refused.data.startswith(b"PK")
    assert desk.post(f"{page}/undo").status_code == 303
    assert "已撤回" in go_on(desk, page)
    with app.app_context():
        assert len(db.session.scalars(select(Person)).all()) == 3
        of_imports = select(AuditEntry.action).where(AuditEntry.subject_kind == "import")
        actions = db.session.scalars(of_imports.order_by(AuditEntry.id))
        assert list(actions) == ["import.bring", "import.apply", "import.download_refused", "import.undo"]

    # The next file of the same source is read the same way, one of another source is not.
    again, other = bring(desk, as_csv([HEADER, *rows])), bring(desk, as_csv([HEADER, *rows]), source="残联")
    with app.app_context():
        read, others = (
            db.session.get(Import, int(each.location.rsplit("/")[-1])).fields for each in (again, other)
        )
        assert [place for place, field in enumerate(read) if field] == [0, 1, 4, 8]
        assert all(others)


def test_a_file_without_names_of_columns_is_said_to_lose_somebody(app, county):
    desk = Desk(app)
    rows = [make_row(number, GRID) for number in range(2)]
    assert "没有认出姓名列" in desk.get(bring(desk, as_csv(rows)).location).text
    assert "没有认出姓名列" not in desk.get(bring(desk, as_csv([HEADER, *rows])).location).text


def test_a_file_that_is_being_read_is_not_said_to_be_cut_off_and_is_not_thrown_away(app, county):
    desk = Desk(app)
    page = bring(desk, as_csv([HEADER, make_row(0, GRID)])).location
    with app.app_context(), transaction():
        db.session.scalars(select(Import)).one().state = READING
    for path in (page, "/imports"):
        assert "正在读取" in desk.get(path).text
        assert "读取中断" not in desk.get(path).text
    assert "throw-away" not in desk.get(page).text
    assert desk.post(f"{page}/throw-away").status_code == 409
    with app.app_context(), transaction():
        db.session.scalars(select(Import)).one().made_at -= READING_TAKES
    for path in (page, "/imports"):
        assert "读取中断" in desk.get(path).text
    assert desk.post(f"{page}/throw-away").status_code == 303


def test_progress_is_told_to_htmx(app, county):
    desk = Desk(app)
    page = bring(desk, as_csv([HEADER, make_row(0, GRID)])).location
    desk.post(f"{page}/columns", **{"column-0": "name", "column-4": "grid"})
    shown = desk.get(page).text
    assert 'hx-trigger="load, submit"' in shown
    answer = desk.client.post(
        f"{page}/go-on", data={"csrf_token": desk.token}, headers={"HX-Request": "true"}
    )
    assert answer.headers["HX-Redirect"] == page


def test_a_file_that_cannot_be_read_is_said_beside_the_field(app, county):
    desk = Desk(app)
    answer = bring(desk, b"\x89PNG\r\n\x1a\n" + bytes(50))
    assert answer.status_code == 422
    assert "不是 Excel 工作簿" in answer.text
    assert bring(desk, b"", source="").status_code == 422
    assert desk.post("/imports", source="低保名册").status_code == 422
    # One that turns out to be bad in the middle leaves nothing.
    damaged = as_csv([HEADER, *([["王桂兰"]] * 3000)]) + b'"' + b"x" * 200_000
    assert bring(desk, damaged).status_code == 422
    with app.app_context():
        assert db.session.scalars(select(Import)).all() == []


def test_an_upload_is_never_a_temporary_file(app, county, monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("written to a temporary file")

    for name in ("TemporaryFile", "SpooledTemporaryFile", "NamedTemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refuse)
    rows = as_csv([HEADER, *(make_row(number, GRID) for number in range(8000))])
    desk = Desk(app)
    # Put together here: the client that tests use would itself write a temporary file.
    parts = {"csrf_token": desk.token.encode(), "source": "低保名册".encode(), 'file"; filename="a.csv': rows}
    body = b"".join(
        b'--cut\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), part)
        for name, part in parts.items()
    )
    answer = desk.client.post(
        "/imports", data=body + b"--cut--\r\n", content_type="multipart/form-data; boundary=cut"
    )
    page = answer.location
    assert "8000 行" in desk.get(page).text
    desk.post(f"{page}/columns", **{"column-0": "phone", "column-4": "name"})
    assert desk.get(f"{page}/refused.xlsx").status_code == 200


def test_sheets_of_a_workbook_that_were_not_read_are_named(app, county):
    desk = Desk(app)
    book = as_xlsx([HEADER, make_row(0, GRID)], 依兰镇=[make_row(1, GRID)])
    page = bring(desk, book).location
    said = "只读取了工作表“人员”，其他工作表里也有内容：依兰镇。"
    assert said in desk.get(page).text
    desk.post(f"{page}/columns", **{"column-0": "name", "column-4": "grid"})
    assert said in go_on(desk, page)


def test_others_of_the_area_see_it_and_the_higher_ones_do(app, county):
    page = bring(Desk(app), as_csv([HEADER, make_row(0, GRID)])).location
    assert Desk(app, "officer").get(page).status_code == 200
    assert Desk(app, "stranger").get(page).status_code == 404
    own = bring(Desk(app, "officer"), as_csv([HEADER, make_row(0, GRID)])).location
    assert Desk(app).get(own).status_code == 404
    assert own not in Desk(app).get("/imports").text
