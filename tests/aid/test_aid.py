"""What people were given: entered once, given, cancelled, taken back by an entry of its own; by whom, and how it adds up."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from fieldapp.aid import actions, queries, rules
from fieldapp.aid.actions import Given, Subject
from fieldapp.aid.models import Aid
from fieldapp.aid.queries import AidFilter
from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.codes import get_codes
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import ROLES
from fieldapp.followups.models import Followup
from fieldapp.people import queries as people
from fieldapp.people.actions import add_household
from fieldapp.people.models import DeclaredRelative
from fieldapp.reviews import merge_actions as merging
from fieldapp.users.models import User
from tests.factories import GRID, Desk, Phone, make_household
from tests.followups.test_pages import words_of

HEATING = Given(kind="cash", programme="heating", source="public", amount_cents=500_00)
RICE = Given(
    kind="goods", programme="condolence", source="charity", item="rice", quantity_milli=2_000, unit="bag"
)


def today() -> date:
    return clock.local_date(clock.now())


def actor(county, role: str = "supervisor") -> User:
    return db.session.get_one(User, county.users[role])


def add(county, given: Given = HEATING, *, is_given: bool = True, on: date | None = None, **more) -> str:
    """Aid to the worker's household; to be called in a transaction."""
    by = actor(county)
    household = people.get_household(more.pop("household_uuid", county.household_uuid), by.area_codes())
    aid = actions.enter_aid(
        by,
        str(uuid.uuid4()),
        Subject(household=household, **more),
        given,
        is_given=is_given,
        on=on or today(),
        received_by=None,
        now=clock.now(),
    )
    return aid.aid_uuid


@pytest.fixture
def aid_uuid(app, county) -> str:
    """Money for heating, still to be given."""
    with app.app_context(), transaction():
        return add(county, is_given=False)


def aid_of(app, aid_uuid: str) -> Aid:
    with app.app_context():
        return db.session.get_one(Aid, aid_uuid)


def put_into(app, aid_uuid: str, state: str) -> None:
    with app.app_context(), transaction():
        aid = db.session.get_one(Aid, aid_uuid)
        aid.state, aid.given_on = state, None if state == "due" else today()


# --- amounts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("500", 500_00),
        ("1,250.5", 1_250_50),
        ("1，250.50", 1_250_50),
        (" 0.01 ", 1),
        ("１２０", 120_00),
        ("0", None),
        ("-5", None),
        ("0.005", None),
        ("1e3", None),
        ("NaN", None),
        ("500元", None),
        ("1.2.3", None),
        (".", None),
        ("", None),
    ],
)
def test_typed_amount_is_read_exactly_or_not_at_all(typed, cents):
    assert rules.read_amount(typed, 2) == cents


@pytest.mark.parametrize(
    ("parts", "digits", "least", "written"),
    [
        (1_250_50, 2, 2, "1,250.50"),
        (500_00, 2, 2, "500.00"),
        (1, 2, 2, "0.01"),
        (2_500, 3, 0, "2.5"),
        (2_000, 3, 0, "2"),
    ],
)
def test_amount_is_written_as_people_write_it(parts, digits, least, written):
    assert rules.write_amount(parts, digits, least) == written


@pytest.mark.parametrize(
    ("programme", "source", "column"),
    [
        ("temporary_relief", "public", "relief"),
        ("temporary_relief", "reserve_fund", "relief"),
        ("temporary_relief", "charity", "charity"),
        ("charity", "public", "charity"),
        ("dibao", "public", "other"),
    ],
)
def test_money_counts_in_one_column_of_the_report(app, programme, source, column):
    with app.app_context():
        assert rules.money_column(get_codes("aid_programme")[programme].extra, source) == column


@pytest.mark.parametrize(
    ("item", "unit", "quantity", "counted"),
    [
        ("rice", "bag", 2_000, ("food", 2_000)),
        ("rice", "jin", 40_000, ("food", 2_000)),
        ("oil", "drum", 1_000, ("food", 1_000)),
        ("quilt", "piece", 3_000, ("clothing", 3_000)),
        ("coal", "bag", 20_000, ("heating", 1_000)),
        # Nobody knows how many portions a drum of rice is: it is written out.
        ("rice", "drum", 1_000, ("other", 1_000)),
    ],
)
def test_goods_are_converted_into_the_unit_of_their_column(app, item, unit, quantity, counted):
    with app.app_context():
        assert rules.goods_column(get_codes("aid_goods")[item].extra, unit, quantity) == counted


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        (("cash", None, 1, None, None), {}),
        (("cash", "rice", 1, None, None), {"item": "unexpected"}),
        (("goods", "rice", None, 1, "bag"), {}),
        (("goods", "rice", 5, 1, "bag"), {}),
        (
            ("goods", None, None, None, None),
            {"item": "missing", "quantity_milli": "missing", "unit": "missing"},
        ),
        (("service", "care", None, 1_000, None), {}),
        (("service", "care", 1, 1_000, None), {"amount_cents": "unexpected"}),
        (("service", "care", None, 500, None), {"quantity_milli": "not_whole"}),
    ],
)
def test_how_much_fits_its_kind(given, faults):
    assert rules.list_faults(*given) == faults


@pytest.mark.parametrize(
    ("limits", "kind", "amount", "is_needed"),
    [
        ({"cash": None}, "cash", 10**9, False),
        ({"cash": 0}, "cash", 1, True),
        ({"cash": 100_00}, "cash", 99_99, False),
        ({"cash": 100_00}, "cash", 100_00, True),
        ({"cash": 0}, "goods", 100_00, False),
        ({"goods": 0}, "goods", None, True),
        ({"goods": 50_00}, "goods", None, False),
        ({"goods": 50_00}, "goods", 50_00, True),
        ({"cash": 0, "goods": 0}, "service", None, False),
    ],
)
def test_receipt_is_needed_from_the_countys_amount_on(limits, kind, amount, is_needed):
    assert rules.needs_receipt(limits, kind, amount) is is_needed


# --- entering -------------------------------------------------------------------------------------------------------


def typed(**more) -> dict[str, object]:
    return {
        "aid_uuid": str(uuid.uuid4()),
        "programme": "heating",
        "source": "public",
        "person": "",
        "is_given": "yes",
        "on": today().isoformat(),
        **more,
    }


def test_money_is_entered_and_stands_on_the_households_page(app, county):
    desk = Desk(app)
    answer = desk.post(f"/aid/new/cash?household={county.household_uuid}", **typed(amount="1,250.5"))
    assert answer.status_code == 303
    assert "1,250.50 元" in words_of(desk.get(answer.location))
    assert "1,250.50 元" in words_of(desk.get(f"/households/{county.household_uuid}"))
    assert "累计资金 1,250.50 元" in words_of(desk.get(f"/households/{county.household_uuid}/aid"))


def test_money_may_be_for_a_month(app, county):
    desk, path = Desk(app), f"/aid/new/cash?household={county.household_uuid}"
    answer = desk.post(path, **typed(amount="300", period="2026-10"))
    assert "2026年10月" in words_of(desk.get(answer.location))
    assert "2026年10月" in words_of(desk.get(f"/households/{county.household_uuid}/aid"))
    assert desk.post(path, **typed(amount="300")).status_code == 303
    with app.app_context():
        assert {aid.period for aid in db.session.scalars(select(Aid))} == {"2026-10", None}


def test_form_sent_twice_is_one_entry(app, county):
    desk, fields = Desk(app), typed(amount="500")
    path = f"/aid/new/cash?household={county.household_uuid}"
    assert desk.post(path, **fields).location == desk.post(path, **fields).location
    # The same key with something else in it is not taken for the same.
    assert desk.post(path, **{**fields, "amount": "600"}).status_code == 409
    with app.app_context():
        assert [aid.amount_cents for aid in db.session.scalars(select(Aid))] == [500_00]


def test_goods_and_service_are_entered_in_their_units(app, county):
    desk = Desk(app)
    of = f"household={county.household_uuid}"
    goods = typed(programme="condolence", item="rice", quantity="2.5", unit="bag", worth="180")
    answer = desk.post(f"/aid/new/goods?{of}", **goods)
    page = words_of(desk.get(answer.location))
    assert "大米 2.5 袋" in page
    assert "180.00 元" in page
    service = typed(programme="service", item="escort", times="3")
    answer = desk.post(f"/aid/new/service?{of}", **service)
    assert "陪同就医 3 次" in words_of(desk.get(answer.location))


@pytest.mark.parametrize(
    ("kind", "wrong", "said"),
    [
        ("cash", {"amount": "很多"}, "请填写金额"),
        ("cash", {"amount": "2000000"}, "不超过"),
        ("cash", {"amount": ""}, "请填写金额"),
        ("cash", {"amount": "5", "programme": ""}, "请选择救助项目"),
        # Only money is paid as dibao.
        ("service", {"item": "care", "times": "1", "programme": "dibao"}, ""),
        ("cash", {"amount": "5", "on": "0026-01-01"}, "请核对年份"),
        ("cash", {"amount": "5", "period": "0026-01"}, "请核对年份"),
        ("goods", {"item": "rice", "quantity": "0", "unit": "bag"}, "请填写数字"),
        ("goods", {"item": "rice", "quantity": "1", "unit": "drum"}, "该物品的单位为：袋、斤、公斤"),
        ("service", {"item": "care", "times": "1.5", "programme": "service"}, "请填写整数"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(app, county, kind, wrong, said):
    fields = {**typed(programme="heating" if kind != "goods" else "condolence", note="邻居送来"), **wrong}
    answer = Desk(app).post(f"/aid/new/{kind}?household={county.household_uuid}", **fields)
    assert answer.status_code == 422
    assert said in words_of(answer)
    assert "邻居送来" in answer.text
    with app.app_context():
        assert db.session.scalars(select(Aid)).first() is None


def test_nothing_was_given_tomorrow_but_may_be_due_then(app, county):
    desk, tomorrow = Desk(app), (today() + timedelta(days=1)).isoformat()
    path = f"/aid/new/cash?household={county.household_uuid}"
    answer = desk.post(path, **typed(amount="5", on=tomorrow))
    assert answer.status_code == 422
    assert "日期还没到" in words_of(answer)
    assert desk.post(path, **typed(amount="5", on=tomorrow, is_given="no")).status_code == 303


def test_what_was_due_was_not_given_in_the_year_1026(app, aid_uuid):
    said = Desk(app).post(f"/aid/{aid_uuid}/give", on="1026-11-05", received_by="")
    assert (said.status_code, aid_of(app, aid_uuid).state) == (422, "due")


def test_person_of_another_household_is_not_found(app, county):
    with app.app_context(), transaction():
        other = add_household(make_household(GRID, "赵洪生", ["赵洪生"]), clock.now())
        with pytest.raises(AppError, match="not_found"):
            add(county, person_uuid=other.people[0].person_uuid)


# --- its life -------------------------------------------------------------------------------------------------------

PATHS = {"given": "give", "cancelled": "cancel", "reversed": "reverse"}


@pytest.mark.parametrize("state", rules.STATES)
@pytest.mark.parametrize("step", rules.STEPS)
def test_step_from_each_state(app, aid_uuid, step, state):
    put_into(app, aid_uuid, state)
    answer = Desk(app).post(f"/aid/{aid_uuid}/{PATHS[step]}", on=today().isoformat(), reason="登记有误")
    allowed = {"given": {"due"}, "cancelled": {"due"}, "reversed": {"given"}}[step]
    assert answer.status_code == (303 if state in allowed else 409)
    assert aid_of(app, aid_uuid).state == (step if state in allowed else state)


@pytest.mark.parametrize("step", rules.STEPS)
@pytest.mark.parametrize("role", [*ROLES, "stranger", "stranger_officer"])
def test_step_by_each_role(app, aid_uuid, role, step):
    if step == "reversed":
        put_into(app, aid_uuid, "given")
    answer = Desk(app, role).post(f"/aid/{aid_uuid}/{PATHS[step]}", on=today().isoformat(), reason="登记有误")
    expected = {"supervisor": 303, "officer": 303, "stranger": 404, "stranger_officer": 404}
    assert answer.status_code == expected.get(role, 403)


@pytest.mark.parametrize("step", ["cancelled", "reversed"])
def test_cancelling_and_taking_back_need_a_reason(app, aid_uuid, step):
    if step == "reversed":
        put_into(app, aid_uuid, "given")
    assert Desk(app).post(f"/aid/{aid_uuid}/{PATHS[step]}", reason=" ").status_code == 422
    with app.app_context(), transaction():
        deed = actions.cancel_aid if step == "cancelled" else actions.reverse_aid
        with pytest.raises(AppError, match="reason_needed"):
            deed(_supervisor(), aid_uuid, reason=" ", now=clock.now())


def _supervisor() -> User:
    return db.session.scalars(select(User).where(User.username == "supervisor")).one()


def test_what_was_wrong_is_taken_back_and_never_written_over(app, county):
    with app.app_context(), transaction():
        wrong = add(county)
    desk = Desk(app)
    desk.post(f"/aid/{wrong}/reverse", reason="金额应为 50 元")
    with app.app_context():
        held, reversal = db.session.get_one(Aid, wrong), queries.find_reversal(wrong)
        assert (held.state, held.amount_cents) == ("reversed", 500_00)
        assert (reversal.state, reversal.amount_cents, reversal.given_on) == ("reversal", 500_00, today())
        totals = queries.sum_aid(_supervisor().area_codes(), AidFilter(view="given"))
        assert (totals.entries, totals.cash_cents, totals.households) == (0, 0, 0)
        trail = db.session.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "aid")).all()
        assert trail == ["aid.enter", "aid.reverse"]
    page = words_of(desk.get(f"/aid/{wrong}"))
    assert "金额应为 50 元" in page
    assert "累计资金 0.00 元" in words_of(desk.get(f"/households/{county.household_uuid}/aid"))


def test_two_who_take_back_the_same_at_once_take_it_back_once(app, county):
    with app.app_context(), transaction():
        wrong = add(county)
    start, outcomes = Barrier(2), []

    def take_back() -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    actions.reverse_aid(_supervisor(), wrong, reason="重复登记", now=clock.now())
                outcomes.append("done")
            except AppError as error:
                outcomes.append(error.code)

    threads = [Thread(target=take_back) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["aid_settled", "done"]
    with app.app_context():
        assert len(db.session.scalars(select(Aid).where(Aid.reverses_uuid == wrong)).all()) == 1


# --- relatives, scope, merged households ------------------------------------------------------------------------------


def test_nobody_enters_or_settles_what_their_near_relatives_are_given(app, county, aid_uuid):
    with app.app_context(), transaction():
        db.session.add(
            DeclaredRelative(
                user_id=county.users["supervisor"],
                person_uuid=county.person_uuids[0],
                relation="舅舅",
                declared_at=clock.now(),
            )
        )
    desk = Desk(app)
    answer = desk.post(f"/aid/new/cash?household={county.household_uuid}", **typed(amount="500"))
    assert answer.status_code == 403
    assert "近亲属" in words_of(answer)
    assert desk.post(f"/aid/{aid_uuid}/give", on=today().isoformat()).status_code == 403
    # The county does it.
    assert Desk(app, "officer").post(f"/aid/{aid_uuid}/give", on=today().isoformat()).status_code == 303


def test_help_of_a_merged_household_is_read_on_the_page_of_the_one_that_stands(app, county):
    with app.app_context(), transaction():
        other = add_household(make_household(GRID, "刘玉珍", ["刘玉珍"]), clock.now())
        add(county, RICE, household_uuid=other.household_uuid)
        other_uuid = other.household_uuid
    with app.app_context(), transaction():
        merging.merge(_supervisor(), "household", county.household_uuid, other_uuid, (), (0, 0), clock.now())
    assert "大米 2 袋" in words_of(Desk(app).get(f"/households/{county.household_uuid}/aid"))


def test_aid_of_a_visit_and_of_its_tasks_stands_on_the_visits_page(app, county):
    phone = Phone(app, county)
    body = phone.visit({"reached": "reached", "home": {"food_days": "lt3"}})
    phone.push(phone.op("visit.submit", body))
    desk = Desk(app)
    answer = desk.post(
        f"/aid/new/goods?visit={body['visit_uuid']}",
        **typed(programme="condolence", item="rice", quantity="1", unit="bag"),
    )
    assert answer.status_code == 303
    with app.app_context():
        task_id = db.session.scalars(select(Followup.followup_id)).first()
    answer = desk.post(f"/aid/new/cash?followup={task_id}", **typed(amount="300"))
    assert answer.status_code == 303
    page = words_of(desk.get(f"/reviews/{body['visit_uuid']}/help"))
    assert "大米 1 袋" in page
    assert "300.00 元" in page
    assert f"/followups/{task_id}" in desk.get(answer.location).text


def test_list_adds_up_what_was_given_in_the_chosen_days_and_area(app, county):
    with app.app_context(), transaction():
        add(county, on=today() - timedelta(days=40))
        add(county)
        add(county, RICE)
        add(county, is_given=False)
        codes = _supervisor().area_codes()
        lately = AidFilter(view="given", from_on=today() - timedelta(days=7))
        assert queries.sum_aid(codes, lately).cash_cents == 500_00
        assert queries.sum_aid(codes, AidFilter(view="given")).cash_cents == 1_000_00
        assert queries.sum_aid(codes, AidFilter(view="given", kind="goods")).entries == 1
        before = queries.sum_aid(codes, AidFilter(view="all"))
        actions.cancel_aid(_supervisor(), add(county, is_given=False), reason="停发", now=clock.now())
        db.session.flush()
        assert queries.sum_aid(codes, AidFilter(view="all")) == before
        assert queries.sum_aid(["230999"], AidFilter(view="given")).entries == 0
        items, has_more = queries.list_aid(codes, AidFilter())
        assert [item.aid.state for item in items] == ["due"]
        assert not has_more
    page = words_of(Desk(app).get("/aid?view=given"))
    assert "3 条" in page
    assert "资金 1,000.00 元" in page
    assert "没有待发放" not in words_of(Desk(app).get("/aid"))
    assert "没有待发放" in words_of(Desk(app, "stranger").get("/aid"))
