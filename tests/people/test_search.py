"""Finding people: by what, in which order, within whose areas, from which index."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.people.actions import Origin, add_household, add_person, change_household, change_person
from fieldapp.people.models import Household, Person, SearchWord
from fieldapp.people.search_queries import find_by_number, find_by_words, words_of
from fieldapp.reviews import actions as reviews
from fieldapp.users.actions import add_user
from fieldapp.users.models import User
from tests.factories import (
    GRID,
    OTHER_GRID,
    OTHER_VILLAGE,
    PASSWORD,
    TOWNSHIP,
    VILLAGE,
    Desk,
    make_household,
)

ID_NUMBER = "230183195005041249"


@pytest.fixture
def people(app, county):
    """Households of that name and address, by name, in the first grid but for 单秀英's."""
    made = {}
    with app.app_context(), transaction():
        for grid, name, address, phone in (
            (GRID, "王桂兰", "幸福村3组12号", "13800001111"),
            (GRID, "王桂", "光荣胡同5号", None),
            (OTHER_GRID, "单秀英", "幸福大街7号", "13900002222"),
        ):
            household = make_household(grid, name, [name])
            household.address, household.phone = address, phone
            household.people[0].id_number = ID_NUMBER if name == "王桂兰" else None
            made[name] = add_household(household, clock.now()).household_uuid
    return made


def names(found) -> list[str]:
    return [one.household.name for one in found]


def test_found_by_name_initials_and_any_part_of_the_address(app, people):
    with app.app_context():
        for looked_for, expected in {
            "王桂兰": ["王桂兰"],
            "王桂": ["王桂", "王桂兰"],
            "wg": ["王桂", "王桂兰"],
            "WGL": ["王桂兰"],
            "单": ["单秀英"],
            "sxy": ["单秀英"],
            "3组12": ["王桂兰"],
            "胡同": ["王桂"],
            "幸福大街 7号": ["单秀英"],
            "桂兰": ["王桂兰"],
            "兰": [],
            "%": [],
            "": [],
        }.items():
            assert names(find_by_words(looked_for, [TOWNSHIP], 20)) == expected, looked_for


def test_names_come_before_addresses_and_whole_names_first(app, people):
    with app.app_context(), transaction():
        for name, address in (("幸福", "1号"), ("幸福来", "2号"), ("赵一", "幸福里")):
            household = make_household(GRID, name, [name])
            household.address = address
            add_household(household, clock.now())
    with app.app_context():
        assert names(find_by_words("幸福", [VILLAGE], 3)) == ["幸福", "幸福来", "刘玉珍"]


def test_household_is_met_once_and_says_whom_the_words_meant(app, county):
    with app.app_context():
        [found] = find_by_words("刘", [TOWNSHIP], 20)
        assert [person.name for person in found.people] == ["刘玉珍", "刘小宝"]
        [found] = find_by_words("lxb", [TOWNSHIP], 20)
        assert [person.name for person in found.people] == ["刘小宝"]


@pytest.mark.parametrize("codes", [[], [VILLAGE], [OTHER_VILLAGE], [VILLAGE, OTHER_VILLAGE], ["23"]])
def test_nothing_is_found_outside_ones_areas(app, people, codes):
    with app.app_context():
        for looked_for in ("王桂", "sxy", "幸福"):
            for found in find_by_words(looked_for, codes, 20):
                assert any(found.household.grid_code.startswith(code) for code in codes)
        assert bool(find_by_number(ID_NUMBER, codes, 20)) is bool({VILLAGE, "23"} & set(codes))


def test_found_by_id_and_phone_whole_or_by_the_last_four(app, people):
    with app.app_context():
        for number in (ID_NUMBER, "1249", "13800001111", "1111"):
            assert names(find_by_number(number, [TOWNSHIP], 20)) == ["王桂兰"], number
        assert find_by_number(ID_NUMBER, [TOWNSHIP], 20)[0].people[0].name == "王桂兰"
        assert find_by_number("230183195005041240", [TOWNSHIP], 20) == []


def test_found_by_what_is_so_now(app, county, people):
    with app.app_context(), transaction():
        household = db.session.get_one(Household, people["王桂兰"])
        supervisor = db.session.get_one(User, county.users["supervisor"])
        origin = Origin(supervisor, "desk", clock.now())
        change_person(household.people[0], {"name": "黄桂兰"}, origin)
        change_household(
            household, {"name": "黄桂兰", "address": "和平街1号", "phone": "13800003333"}, origin
        )
        add_person(household, Person(person_uuid=str(uuid.uuid4()), name="曾小军"), origin)
        reviews.move_household(supervisor, household.household_uuid, OTHER_GRID, now=clock.now())
    with app.app_context():
        for gone in ("王桂兰", "幸福村3组"):
            assert find_by_words(gone, [TOWNSHIP], 20) == []
        assert find_by_number("1111", [TOWNSHIP], 20) == []
        for here in ("黄", "hgl", "zxj", "和平街"):
            assert names(find_by_words(here, [OTHER_VILLAGE], 20)) == ["黄桂兰"]
            assert find_by_words(here, [VILLAGE], 20) == []
        assert names(find_by_number("3333", [OTHER_VILLAGE], 20)) == ["黄桂兰"]


# --- the page ------------------------------------------------------------------------------------------------------


def test_page_finds_as_one_types_and_shows_numbers_masked(app, people):
    desk = Desk(app)
    assert 'name="words"' in desk.get("/people").text
    typed = desk.client.post(
        "/people/search", data={"csrf_token": desk.token, "words": "wgl"}, headers={"HX-Request": "true"}
    )
    assert "王桂兰" in typed.text
    assert "<html" not in typed.text
    assert "230***********1249" in typed.text
    assert "138****1111" in typed.text
    whole = desk.post("/people/search", words=ID_NUMBER).text
    assert "<html" in whole
    found = whole[whole.index('id="found"') :]
    assert "王桂兰" in found
    assert ID_NUMBER not in found
    assert "名单上没有" in desk.post("/people/search", words="没有这人").text


def test_search_has_no_address_that_could_be_logged(app, people):
    assert Desk(app).get(f"/people/search?words={ID_NUMBER}").status_code == 405


def test_the_dead_and_those_who_moved_away_are_marked(app, county, people):
    with app.app_context(), transaction():
        origin = Origin(db.session.get_one(User, county.users["supervisor"]), "desk", clock.now())
        for name, field in (("王桂兰", "died_on"), ("王桂", "moved_away_on")):
            person = db.session.get_one(Household, people[name]).people[0]
            change_person(person, {field: date(2026, 11, 1)}, origin)
    page = Desk(app).post("/people/search", words="王桂").text
    assert re.search(r"王桂兰</b>\s*<span class=\"chip gone\">2026年11月1日 去世", page)
    assert re.search(r"王桂</b>\s*<span class=\"chip gone\">2026年11月1日 迁出", page)


def test_more_than_a_page_says_so(app, county):
    with app.app_context(), transaction():
        for number in range(22):
            add_household(make_household(GRID, f"周{number:02}", [f"周{number:02}"]), clock.now())
    page = Desk(app).post("/people/search", words="周").text
    assert page.count("/households/") == 20
    assert "再多输入" in page


# --- who could be the same person ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "is_alike"),
    [
        ({"name": "王桂兰"}, True),
        ({"name": "王桂兰", "birth_on": "1950-05-04"}, True),
        # A slip of a year, or the lunar calendar.
        ({"name": "王桂兰", "birth_on": "1951-05-04"}, True),
        ({"name": "王桂兰", "birth_on": "1980-01-01"}, False),
        # Written otherwise, and born on the same day.
        ({"name": "王贵兰", "birth_on": "1950-05-04"}, True),
        ({"name": "王贵兰"}, False),
        ({"name": "谁", "id_number": "230183 19500504 1249"}, True),
        ({"name": "", "id_number": "1249"}, False),
        ({"name": "", "birth_on": "1950-05-04"}, False),
        ({"birth_on": "not a day"}, False),
    ],
)
def test_form_hints_at_who_is_on_the_list_already(app, county, people, typed, is_alike):
    desk = Desk(app)
    page = desk.post(f"/households/{county.other_household_uuid}/people/alike", **typed)
    assert page.status_code == 200
    assert ("王桂兰" in page.text) is is_alike
    assert ID_NUMBER not in page.text
    if not is_alike:
        assert page.text.strip() == ""


def test_no_hint_at_anybody_outside_ones_areas(app, county, people):
    with app.app_context(), transaction():
        add_user("narrow", PASSWORD, "村里", "supervisor", [OTHER_VILLAGE], actor=None, now=clock.now())
    page = Desk(app, "narrow").post(
        f"/households/{county.other_household_uuid}/people/alike", name="王桂兰", id_number=ID_NUMBER
    )
    assert page.text.strip() == ""


# --- the whole province --------------------------------------------------------------------------------------------


def test_look_up_tells_the_county_alone_and_is_audited(app, county, people):
    desk = Desk(app, "stranger")
    assert "名单上没有" in desk.post("/people/search", words=ID_NUMBER).text
    page = desk.post("/people/registered", id_number="230183 19500504 1249", reason="申请临时救助").text
    assert "已登记" in page
    assert "尚志市" in page
    for secret in ("王桂兰", "幸福村", ID_NUMBER, "河东", "1249"):
        assert secret not in page
    assert "未登记" in desk.post("/people/registered", id_number="230183195005041257", reason="申请").text
    with app.app_context():
        first, second = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "person.look_up").order_by(AuditEntry.id)
        )
        assert first.actor_id == county.users["stranger"]
        assert first.values == {"reason": "申请临时救助", "found": ["230183"], "helped": []}
        assert second.values["found"] == []
        assert ID_NUMBER not in first.subject_id


@pytest.mark.parametrize("fields", [{"id_number": "1249", "reason": "申请"}, {"id_number": ID_NUMBER}])
def test_no_look_up_by_a_part_or_without_a_reason(app, people, fields):
    answer = Desk(app, "stranger").post("/people/registered", **fields)
    assert answer.status_code == 422
    with app.app_context():
        assert db.session.scalars(select(AuditEntry).where(AuditEntry.action == "person.look_up")).all() == []


# --- plans ---------------------------------------------------------------------------------------------------------


def plan_of(statement) -> str:
    """What the database would do, as it says itself."""
    engine = db.engine
    compiled = statement.compile(engine, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    return "\n".join(
        str(row) for row in db.session.execute(text(explain + str(compiled).replace(":", r"\:")))
    )


def plan_of_union(ask: Callable[[], object]) -> str:
    """What the database would do with the union that `ask` has it read; the transaction is rolled back."""
    asked: list[Any] = []

    def note(*call: Any) -> None:
        asked.append(call[2:4])

    event.listen(db.engine, "before_cursor_execute", note)
    ask()
    event.remove(db.engine, "before_cursor_execute", note)
    statement, parameters = next(one for one in asked if "UNION" in one[0])
    is_sqlite = db.engine.dialect.name == "sqlite"
    if not is_sqlite:
        # A table of a page is read as a whole for less.
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
    explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    rows = db.session.connection().exec_driver_sql(explain + statement, parameters).all()
    db.session.rollback()
    return "\n".join(str(row) for row in rows)


@pytest.mark.parametrize("codes", [[VILLAGE], ["2301"], ["23"], [VILLAGE, OTHER_VILLAGE]])
@pytest.mark.parametrize("kind", ["name", "address"])
def test_words_are_read_from_an_index_alone(app, people, kind, codes):
    """A range of an index that holds all that is asked, and nothing of the table: as it is with many rows."""
    with app.app_context():
        with transaction():
            db.session.execute(
                insert(SearchWord),
                [
                    {
                        "household_uuid": people["王桂"],
                        "kind": "name",
                        "word": f"人{number}",
                        "grid_code": GRID,
                    }
                    for number in range(3000)
                ],
            )
        is_sqlite = db.engine.dialect.name == "sqlite"
        db.session.execute(text("ANALYZE"))
        plan = plan_of(words_of(kind, "王桂", codes, 20))
        db.session.rollback()
    if is_sqlite:
        assert "SEARCH search_words USING COVERING INDEX" in plan
        assert "SCAN" not in plan
    else:
        assert "_search_words" in plan
        assert "Seq Scan" not in plan


@pytest.mark.parametrize("number", [ID_NUMBER, "1249"])
def test_numbers_are_read_from_their_indexes(app, people, number):
    with app.app_context():
        plan = plan_of_union(lambda: find_by_number(number, [TOWNSHIP], 20))
    part = "_tail" if number == "1249" else ""
    for index in (
        f"ix_people_id{part}_hash",
        f"ix_people_phone{part}_hash",
        f"ix_households_phone{part}_hash",
    ):
        assert index in plan
