"""The pages of a payment list: file, columns, comparison, decision, taking in and back, as a supervisor meets them."""

from __future__ import annotations

import io

from sqlalchemy import select

from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.imports.staging import READING_TAKES
from fieldapp.payments.models import PaymentList
from fieldapp.people.models import Household
from tests.factories import GRID, Desk
from tests.imports.rosters import as_csv, as_xlsx, make_id
from tests.imports.test_pages import go_on
from tests.payments.lists import HEADER, promise, register

ROWS = [
    ["应发人", make_id(1), "500"],
    ["差额人", make_id(2), "500"],
    ["查无人", make_id(3), "300"],
    ["合计", "", "1200"],
]
TERMS = {"programme": "dibao", "source": "public", "period": "2026-10", "paid_on": "2026-11-05"}


def bring(desk: Desk, rows=ROWS, header=HEADER) -> str:
    content = io.BytesIO(as_csv([header, *rows]))
    return desk.post("/payments", file=(content, "发放明细.csv")).location


def compare(desk: Desk, page: str, **more: str) -> str:
    columns = {"column-0": "name", "column-1": "id_number", "column-2": "amount"}
    assert desk.post(f"{page}/columns", **{**columns, **TERMS, **more}).status_code == 303
    return go_on(desk, page)


def test_from_file_to_undo(app, county):
    with app.app_context(), transaction():
        person = register(GRID, "应发人", 1)
        promise(person, 500_00)
        promise(register(GRID, "差额人", 2), 450_00)
        household_uuid = person.household_uuid
    desk = Desk(app)
    page = bring(desk)
    assert "各列内容" in desk.get(page).text
    assert desk.post(f"{page}/columns", **TERMS).status_code == 422
    compared = compare(desk, page)
    assert "3 笔发放 · 1,300.00 元" in compared
    # What the list states of itself is another sum.
    assert "清单第 5 行的合计是 1,200.00 元" in compared
    assert "1 笔可以入账 · 500.00 元" in compared
    assert make_id(1) not in compared
    assert desk.post(f"{page}/take").status_code == 422
    row = desk.get(f"{page}/rows/3").text
    assert "该月应发 450.00 元。" in row
    assert desk.post(f"{page}/rows/3", decision="take", reason="").status_code == 422
    undecided = desk.post(f"{page}/rows/3", reason="标准上调")
    assert undecided.status_code == 422
    assert "请选择如何处理。" in undecided.text
    assert desk.post(f"{page}/rows/4", decision="take", reason="已核实").status_code == 409
    assert desk.post(f"{page}/rows/3", decision="take", reason="标准上调").status_code == 303
    assert "人工确认入账：标准上调" in desk.get(f"{page}?rows=differs").text
    assert "2 笔可以入账 · 1,000.00 元" in desk.get(page).text
    assert desk.post(f"{page}/take", reason="财政局 10 月明细").status_code == 303
    taken = go_on(desk, page)
    assert "2 笔已入账" in taken
    assert desk.post(f"{page}/throw-away").status_code == 409
    help_given = desk.get(f"/households/{household_uuid}/aid").text
    assert "2026年10月份 · 第 1 号发放清单" in help_given
    assert "查无人" in desk.get(f"{page}?rows=unknown").text
    assert desk.post(f"{page}/unmatched.xlsx", reason="").status_code == 422
    workbook = desk.post(f"{page}/unmatched.xlsx", reason="退回财政局核对")
    assert workbook.data.startswith(b"PK")
    assert desk.post(f"{page}/undo", reason="").status_code == 422
    assert desk.post(f"{page}/undo", reason="发错月份").status_code == 303
    assert "已全部撤回" in go_on(desk, page)
    with app.app_context():
        of_payments = select(AuditEntry).where(AuditEntry.subject_kind == "payments").order_by(AuditEntry.id)
        deeds = [
            (entry.action, (entry.values or {}).get("reason")) for entry in db.session.scalars(of_payments)
        ]
    assert deeds == [
        ("payments.bring", None),
        ("payments.columns", None),
        ("payments.decide", "标准上调"),
        ("payments.take", "财政局 10 月明细"),
        ("payments.export", "退回财政局核对"),
        ("payments.undo", "发错月份"),
    ]


def test_columns_and_comparing_again_are_in_the_audit_trail(app, county):
    desk = Desk(app)
    page = bring(desk)
    compare(desk, page)
    assert desk.post(f"{page}/compare").status_code == 303
    with app.app_context():
        of_payments = select(AuditEntry).where(AuditEntry.subject_kind == "payments").order_by(AuditEntry.id)
        _, columns, again = db.session.scalars(of_payments)
    assert (columns.action, columns.actor_name) == ("payments.columns", "supervisor")
    assert columns.values == {**TERMS, "fields": ["name", "id_number", "amount"]}
    assert (again.action, again.actor_name, again.values) == ("payments.compare", "supervisor", None)


def test_the_same_file_again_says_which_list_it_is(app, county):
    desk = Desk(app)
    page = bring(desk)
    again = desk.post("/payments", file=(io.BytesIO(as_csv([HEADER, *ROWS])), "another.csv"))
    assert again.status_code == 409
    assert f"第 {page.rsplit('/')[-1]} 号发放清单" in again.text
    assert desk.post(f"{page}/throw-away").status_code == 303
    assert desk.get(page).status_code == 404
    assert bring(desk)
    assert desk.post("/payments").status_code == 422


def test_sheets_of_a_workbook_that_were_not_read_are_named(app, county):
    desk = Desk(app)
    book = as_xlsx([HEADER, *ROWS], 依兰镇=[[], HEADER, *ROWS], Sheet3=[[], [" "]])
    page = desk.post("/payments", file=(io.BytesIO(book), "发放明细.xlsx")).location
    said = "只读取了工作表“人员”，其他工作表里也有内容：依兰镇。"
    assert said in desk.get(page).text
    assert said in compare(desk, page)
    alone = desk.post("/payments", file=(io.BytesIO(as_xlsx([HEADER, *ROWS])), "发放明细.xlsx")).location
    assert "只读取了工作表" not in desk.get(alone).text


def test_others_of_the_area_see_it_and_the_higher_ones_do(app, county):
    page = bring(Desk(app))
    assert Desk(app, "officer").get(page).status_code == 200
    assert Desk(app, "stranger").get(page).status_code == 404
    assert Desk(app, "stranger").post(f"{page}/take", reason="x").status_code == 404
    own = bring(Desk(app, "officer"), [["应发人", make_id(1), "1"]])
    assert Desk(app).get(own).status_code == 404
    assert own not in Desk(app).get("/payments").text


def test_the_menu_and_the_list_of_aid_offer_payment_lists_to_those_who_handle_aid(app, county):
    assert 'href="/payments"' in Desk(app).get("/aid").text
    assert 'href="/payments"' not in Desk(app, "leader").get("/aid").text


def test_a_list_that_is_being_read_offers_nothing_and_later_to_throw_it_away(app, county):
    desk = Desk(app)
    page = bring(desk)

    def put(**values) -> str:
        with app.app_context(), transaction():
            held = db.session.scalars(select(PaymentList)).one()
            for name, value in values.items():
                setattr(held, name, value)
        return desk.get(page).text

    assert "throw-away" not in put(state="reading")
    assert "throw-away" in put(made_at=clock.now() - READING_TAKES)
    assert "throw-away" in put(state="checking")


def test_numbers_are_masked_however_they_are_written(app, county):
    number = make_id(7)
    spaced = f"{number[:6]} {number[6:14]} {number[14:]}"
    header = ["姓名", "身份证号", "金额", "账号", "资金来源"]
    rows = [["查无人", spaced, "500", "6228 4812 3456 7890 123", spaced]]
    desk = Desk(app)
    page = bring(desk, rows, header)
    fields = dict(zip(("column-3", "column-4"), ("account", "source"), strict=True))
    shown = desk.get(page).text + compare(desk, page, **fields, source="") + desk.get(f"{page}/rows/2").text
    assert spaced[7:15] not in shown
    assert "3456" not in shown
    assert f"{number[:3]}***********{number[-4:]}" in shown
    assert "****0123" in shown


def test_a_row_of_somebody_who_moved_out_of_the_readers_areas_shows_no_name_or_address(app, county):
    with app.app_context(), transaction():
        person = register(GRID, "搬迁人", 15)
    desk = Desk(app)
    page = bring(desk, [["搬千人", make_id(15), "500"]])
    before = compare(desk, page)
    assert "幸福村2组" in before
    assert "搬迁人" in before
    with app.app_context(), transaction():
        elsewhere = select(Area.code).where(Area.code.startswith("230183101"), Area.level == "village")
        household = db.session.get_one(Household, person.household_uuid)
        household.grid_code = db.session.scalars(elsewhere.limit(1)).one()
    for path in (page, f"{page}/rows/2"):
        shown = desk.get(path).text
        assert "搬*人" in shown
        assert "幸福村2组" not in shown
        assert "搬迁人" not in shown
        assert f"/households/{person.household_uuid}" not in shown
