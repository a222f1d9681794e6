"""What workers register and correct from their phones: once, in their own grids, and never in place of what they did not see."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from fieldapp.areas.models import Area
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.people import actions as people
from fieldapp.people.actions import Origin
from fieldapp.people.models import Household, Person, RegistryChange
from fieldapp.sync.models import Operation
from fieldapp.sync.rules import body_hash
from fieldapp.users.models import User, UserScope
from fieldapp.visits.models import Visit
from tests.factories import GRID, OTHER_GRID, Desk, Phone, text_of

ID_NUMBER = "230102195005040049"


def new_household(**more: Any) -> dict[str, Any]:
    return {
        "household_uuid": str(uuid.uuid4()),
        "grid_code": GRID,
        "name": "赵大爷",
        "address": "村东头蓝房子",
        "phone": None,
        "note": "一个人住，屋里没有烟火",
        "found_at": text_of(clock.now() - timedelta(hours=1)),
        "location": None,
        "location_declined": "没有信号",
        "people": [{"person_uuid": str(uuid.uuid4()), "name": "赵大爷"}],
        **more,
    }


def visit_to(phone: Phone, household: dict[str, Any], **more: Any) -> dict[str, Any]:
    return phone.visit(
        **{
            "household_uuid": household["household_uuid"],
            "people": [person["person_uuid"] for person in household["people"]],
            **more,
        }
    )


def correction(phone: Phone, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    county = phone.county
    return {
        "person_uuid": county.person_uuids[0],
        "household_uuid": county.household_uuid,
        "fields": {name: {"from": seen, "to": to} for name, (seen, to) in fields.items()},
        **more,
    }


def count(app, model) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def person_of(app, county) -> dict[str, Any]:
    with app.app_context():
        person = db.session.get_one(Person, county.person_uuids[0])
        return {**people.state_of(person, people.PERSON_FIELDS), "due_on": person.due_on}


def change_at_desk(app, county, **fields: Any) -> None:
    with app.app_context(), transaction():
        supervisor = db.session.get_one(User, county.users["supervisor"])
        person = db.session.get_one(Person, county.person_uuids[0])
        people.change_person(person, fields, Origin(supervisor, "desk", clock.now()))


def take_grid_away(app, phone: Phone, at=None) -> None:
    with app.app_context(), transaction():
        db.session.scalars(select(UserScope).where(UserScope.user_id == phone.user_id)).one().ends_at = (
            at or clock.now()
        )


def address_of(phone: Phone, op: dict[str, Any]) -> str:
    return f"/quarantine/{phone.user_id}/{op['op_uuid']}/{body_hash(op['body'])}"


# --- registering ----------------------------------------------------------------------------------------------------


def test_a_new_household_is_on_the_list_at_once_with_its_people_due(app, phone, county):
    body = new_household(
        people=[
            {
                "person_uuid": str(uuid.uuid4()),
                "name": "赵大爷",
                "id_number": f" {ID_NUMBER[:6]} {ID_NUMBER[6:]}",
                "tags": ["living_alone"],
            },
            {"person_uuid": str(uuid.uuid4()), "name": "", "relation": "孙子", "birth_on": "2019-02-28"},
        ],
        location={"lat": 45.2, "lon": 127.9, "accuracy_m": 8, "datum": "WGS84", "at": text_of(clock.now())},
    )
    op = phone.op("household.register", body)
    [receipt] = phone.push(op)
    assert (receipt["outcome"], receipt["rev"] > 0) == ("accepted", True)
    records = phone.pull()
    household = records["household", body["household_uuid"]]
    today = clock.local_date(clock.now()).isoformat()
    assert (household["name"], household["due_on"], household["lat"]) == ("赵大爷", today, 45.2)
    first, second = (records["person", person["person_uuid"]] for person in body["people"])
    assert (first["id_masked"], first["birth_on"], first["sex"]) == ("230***********0049", "1950-05-04", "f")
    assert (first["due_on"], first["tags"]) == (today, ["living_alone"])
    assert (second["name"], second["relation"], second["birth_on"]) == ("", "孙子", "2019-02-28")
    with app.app_context():
        changes = db.session.scalars(select(RegistryChange)).all()
        assert {(change.source, change.source_id, change.actor_id) for change in changes} == {
            ("phone", op["op_uuid"], phone.user_id)
        }
        assert {change.reason for change in changes} == {"没有信号"}
        found_at = db.session.get_one(Person, first["person_uuid"]).found_at
        assert found_at is not None
        assert text_of(found_at)[:19] == body["found_at"][:19]


def test_registering_twice_is_one(app, phone, county):
    before = count(app, Household)
    body = new_household()
    op = phone.op("household.register", body)
    assert [receipt["outcome"] for receipt in phone.push(op, op)] == ["accepted", "duplicate"]
    # The answer was lost: sent again, also under a new number.
    assert phone.push(op)[0]["outcome"] == "duplicate"
    assert phone.push(phone.op("household.register", body))[0]["outcome"] == "duplicate"
    [receipt] = phone.push(phone.op("household.register", {**body, "name": "钱大爷"}))
    assert (receipt["outcome"], receipt["code"]) == ("conflict", "record_exists")
    assert count(app, Household) == before + 1


def test_a_person_is_registered_once_in_a_household_that_is_there(app, phone, county):
    before = count(app, Person)
    body = {
        "person_uuid": str(uuid.uuid4()),
        "household_uuid": county.household_uuid,
        "name": "刘二宝",
        "found_at": text_of(clock.now()),
    }
    assert phone.push(phone.op("person.register", body))[0]["outcome"] == "accepted"
    assert phone.push(phone.op("person.register", body))[0]["outcome"] == "duplicate"
    [receipt] = phone.push(phone.op("person.register", {**body, "name": "刘三宝"}))
    assert receipt["code"] == "record_exists"
    assert phone.pull()["person", body["person_uuid"]]["position"] == 2
    assert count(app, Person) == before + 1


@pytest.mark.parametrize("order", ["together", "visit first", "doubly late"])
def test_a_visit_may_come_with_the_registration_or_before_it(app, phone, county, order):
    body = new_household()
    register = phone.op("household.register", body)
    visit = phone.op("visit.submit", visit_to(phone, body))
    revise = phone.op("visit.revise", {**visit["body"], "answers": {"reached": "self"}}, base=1)
    if order == "together":
        assert [receipt["outcome"] for receipt in phone.push(revise, visit, register)] == ["accepted"] * 3
    else:
        if order == "doubly late":
            assert phone.push(revise)[0]["code"] == "prerequisite_waiting"
        # Whether there is such a household is told to nobody who may not know.
        assert phone.push(visit)[0]["code"] == "not_yours"
        assert phone.push(register)[0]["outcome"] == "accepted"
        assert phone.push(visit)[0]["outcome"] == "duplicate"
    with app.app_context():
        stored = db.session.scalars(select(Visit)).one()
        assert stored.revision == (1 if order == "visit first" else 2)
        assert db.session.scalars(select(Operation.state)).all() == ["accepted"] * (
            2 if order == "visit first" else 3
        )


def test_a_person_and_a_visit_to_them_wait_for_their_household(app, phone, county):
    body = new_household()
    second = {
        "person_uuid": str(uuid.uuid4()),
        "household_uuid": body["household_uuid"],
        "name": "赵大娘",
        "found_at": text_of(clock.now()),
    }
    register = phone.op("household.register", body)
    person = phone.op("person.register", second)
    visit = phone.op("visit.submit", visit_to(phone, body, people=[second["person_uuid"]]))
    assert {receipt["code"] for receipt in phone.push(visit)} == {"not_yours"}
    assert {receipt["code"] for receipt in phone.push(person)} == {"not_yours"}
    assert phone.push(register)[0]["outcome"] == "accepted"
    assert {receipt["outcome"] for receipt in phone.push(visit, person)} == {"duplicate"}


def test_what_is_registered_outside_the_grid_is_kept_for_the_office(app, phone, county):
    before = count(app, Household)
    op = phone.op("household.register", new_household(grid_code=OTHER_GRID))
    nowhere = phone.op("household.register", new_household(grid_code="230183100055999"))
    assert {receipt["code"] for receipt in phone.push(op, nowhere)} == {"not_yours"}
    foreign = phone.op(
        "person.register",
        {
            "person_uuid": str(uuid.uuid4()),
            "household_uuid": county.other_household_uuid,
            "name": "某人",
            "found_at": text_of(clock.now()),
        },
    )
    assert phone.push(foreign)[0]["code"] == "not_yours"
    assert count(app, Household) == before
    # The township takes it in for the worker, and the visit that waited for it with it.
    visit = phone.op("visit.submit", visit_to(phone, op["body"]))
    assert phone.push(visit)[0]["code"] == "not_yours"
    desk = Desk(app)
    page = desk.get(address_of(phone, op)).text
    assert "赵大爷" in page
    assert desk.post(f"{address_of(phone, op)}/take-in").status_code == 303
    assert count(app, Household) == before + 1
    assert phone.push(op)[0]["outcome"] == "duplicate"
    assert Desk(app, "stranger").get(address_of(phone, op)).status_code == 404


def test_a_grid_that_was_taken_away_since_still_takes_what_was_found_in_it(app, phone, county):
    since = clock.now() - timedelta(hours=2)
    take_grid_away(app, phone, since)
    [before, after] = [
        phone.op("household.register", new_household(), at=text_of(since + timedelta(minutes=minutes)))
        for minutes in (-5, 5)
    ]
    assert [receipt["outcome"] for receipt in phone.push(before, after)] == ["accepted", "rejected"]


def test_what_was_found_in_a_grid_that_ended_since_goes_where_the_grid_went(app, phone, county):
    found = clock.now() - timedelta(hours=1)
    take_grid_away(app, phone)
    with app.app_context(), transaction():
        grid = db.session.get_one(Area, GRID)
        grid.valid_to, grid.successor_code = clock.local_date(clock.now()), OTHER_GRID
    body = new_household()
    visit = visit_to(phone, body, finished_at=text_of(found), started_at=text_of(found))
    ops = [phone.op("household.register", body, at=text_of(found)), phone.op("visit.submit", visit)]
    assert [receipt["outcome"] for receipt in phone.push(*ops)] == ["accepted", "accepted"]
    other = Phone(app, county, "worker2").pull()
    assert other["household", body["household_uuid"]]["grid_code"] == OTHER_GRID
    with app.app_context():
        assert db.session.get_one(Visit, visit["visit_uuid"]).area_code == GRID


def test_a_body_that_is_wrong_is_kept_and_taken_in_without_what_is_wrong(app, phone, county):
    body = new_household()
    body["people"][0]["id_number"] = "12345"
    op = phone.op("household.register", body)
    [receipt] = phone.push(op)
    assert (receipt["code"], list(receipt["fields"])) == ("body_invalid", ["people.0.id_number"])
    assert Desk(app).post(f"{address_of(phone, op)}/take-in").status_code == 303
    with app.app_context():
        assert db.session.get_one(Person, body["people"][0]["person_uuid"]).id_number is None
    bad: list[dict[str, Any]] = [
        {"people": []},
        {"name": ""},
        {"people": [*body["people"], *body["people"]]},
        {"people": [{**new_household()["people"][0], "tags": ["no_such_tag"]}]},
        {"unknown": 1},
    ]
    for change in bad:
        [receipt] = phone.push(phone.op("household.register", new_household(**change)))
        assert receipt["code"] == "body_invalid", change
    known = [{"person_uuid": county.person_uuids[0], "name": "刘玉珍"}]
    [receipt] = phone.push(phone.op("household.register", new_household(people=known)))
    assert receipt["code"] == "record_exists"


# --- correcting -----------------------------------------------------------------------------------------------------


def test_a_field_that_is_still_as_the_phone_saw_it_is_changed(app, phone, county):
    op = phone.op(
        "person.update",
        correction(
            phone,
            {"name": ("刘玉珍", "刘玉贞"), "phone": (None, "0451-5566"), "id_number": (None, ID_NUMBER)},
        ),
    )
    assert phone.push(op)[0]["outcome"] == "accepted"
    assert phone.push(op)[0]["outcome"] == "duplicate"
    record = phone.pull()["person", county.person_uuids[0]]
    assert (record["name"], record["phone"], record["id_masked"]) == (
        "刘玉贞",
        "04515566",
        "230***********0049",
    )
    # Of what it is shown masked, the phone saw the mask.
    op = phone.op("person.update", correction(phone, {"id_number": ("230***********0049", None)}))
    assert phone.push(op)[0]["outcome"] == "accepted"
    house = {
        "household_uuid": county.household_uuid,
        "fields": {"address": {"from": "幸福村2组", "to": "幸福村3组"}},
    }
    assert phone.push(phone.op("household.update", house))[0]["outcome"] == "accepted"
    with app.app_context():
        assert db.session.get_one(Household, county.household_uuid).address == "幸福村3组"


def test_of_a_field_that_was_changed_meanwhile_both_values_are_kept(app, phone, county):
    change_at_desk(app, county, name="刘玉真")
    op = phone.op(
        "person.update", correction(phone, {"name": ("刘玉珍", "刘玉贞"), "relation": ("", "户主")})
    )
    [receipt] = phone.push(op)
    assert (receipt["outcome"], receipt["code"]) == ("conflict", "fields_changed")
    assert receipt["fields"] == {"name": "changed"}
    # The other field needs nobody.
    assert (person_of(app, county)["name"], person_of(app, county)["relation"]) == ("刘玉真", "户主")
    assert phone.push(op)[0]["outcome"] == "conflict"
    desk = Desk(app)
    page = desk.get(address_of(phone, op)).text
    for value in ("刘玉珍", "刘玉真", "刘玉贞"):
        assert value in page
    assert desk.post(f"{address_of(phone, op)}/take-in").status_code == 422
    assert desk.post(f"{address_of(phone, op)}/take-in", **{"field-name": "sent"}).status_code == 303
    assert person_of(app, county)["name"] == "刘玉贞"
    assert phone.push(op)[0]["outcome"] == "duplicate"


def test_the_desk_may_keep_what_is_here(app, phone, county):
    change_at_desk(app, county, name="刘玉真")
    op = phone.op("person.update", correction(phone, {"name": ("刘玉珍", "刘玉贞")}))
    phone.push(op)
    assert Desk(app).post(f"{address_of(phone, op)}/take-in", **{"field-name": "here"}).status_code == 303
    assert person_of(app, county)["name"] == "刘玉真"
    # The same value at both ends is no contradiction.
    change_at_desk(app, county, phone="13812341234")
    same = phone.op("person.update", correction(phone, {"phone": (None, "138 1234 1234")}))
    assert phone.push(same)[0]["outcome"] == "accepted"


def test_two_phones_that_correct_the_same_field_contradict_each_other(app, phone, county):
    other = Phone(app, county)
    assert (
        phone.push(phone.op("person.update", correction(phone, {"sex": ("f", "m")})))[0]["outcome"]
        == "accepted"
    )
    [receipt] = other.push(other.op("person.update", correction(other, {"sex": ("f", "")})))
    assert receipt["code"] == "fields_changed"


def test_tags_are_added_and_taken_away_one_by_one(app, phone, county):
    change_at_desk(app, county, tags=[("living_alone", None, None), ("mental_disorder", None, None)])
    seen = phone.pull()["person", county.person_uuids[0]]["tags"]
    assert seen == ["living_alone", "visit_in_pairs"]
    change_at_desk(
        app, county, tags=[*[(tag, None, None) for tag in ("living_alone", "mental_disorder", "vagrant")]]
    )
    op = phone.op("person.update", correction(phone, {"tags": (seen, ["visit_in_pairs", "disabled"])}))
    assert phone.push(op)[0]["outcome"] == "accepted"
    assert [tag for tag, *_ in person_of(app, county)["tags"]] == ["disabled", "mental_disorder", "vagrant"]
    unknown = phone.op("person.update", correction(phone, {"tags": (seen, [*seen, "nonsense"])}))
    assert phone.push(unknown)[0]["code"] == "body_invalid"


def test_a_death_is_recorded_at_once(app, phone, county):
    today = clock.local_date(clock.now())
    op = phone.op(
        "person.update", correction(phone, {"died_on": (None, today.isoformat())}, reason="夜里走的")
    )
    assert phone.push(op)[0]["outcome"] == "accepted"
    assert (person_of(app, county)["died_on"], person_of(app, county)["due_on"]) == (today.isoformat(), None)
    later = (today + timedelta(days=1)).isoformat()
    op = phone.op("person.update", correction(phone, {"died_on": (today.isoformat(), later)}))
    assert phone.push(op)[0]["fields"] == {"fields.died_on": "in_future"}


def test_a_correction_of_somebody_elsewhere_or_from_a_grid_no_longer_held_is_kept(app, phone, county):
    body = correction(
        phone,
        {"name": ("陈立国", "陈丽国")},
        person_uuid=county.other_person_uuid,
        household_uuid=county.other_household_uuid,
    )
    nobody = correction(phone, {"name": ("", "某人")}, person_uuid=str(uuid.uuid4()))
    ops = [phone.op("person.update", body), phone.op("person.update", nobody)]
    assert {receipt["code"] for receipt in phone.push(*ops)} == {"not_yours"}
    assert Desk(app).post(f"{address_of(phone, ops[0])}/take-in").status_code == 303
    with app.app_context():
        assert db.session.get_one(Person, county.other_person_uuid).name == "陈丽国"
    assert Desk(app).get(address_of(phone, ops[1])).status_code == 200
    take_grid_away(app, phone)
    op = phone.op("person.update", correction(phone, {"name": ("刘玉珍", "刘玉贞")}))
    assert phone.push(op)[0]["code"] == "not_yours"
    op = phone.op(
        "person.update",
        correction(phone, {"name": ("刘玉珍", "刘玉贞")}),
        at=text_of(clock.now() - timedelta(hours=1)),
    )
    assert phone.push(op)[0]["outcome"] == "accepted"


def test_a_corrected_correction_takes_the_place_of_the_first(app, phone, county):
    change_at_desk(app, county, name="刘玉真")
    first = phone.op("person.update", correction(phone, {"name": ("刘玉珍", "刘玉贞")}))
    phone.push(first)
    second = phone.op(
        "person.update", correction(phone, {"name": ("刘玉真", "刘玉贞")}), replaces=first["op_uuid"]
    )
    assert phone.push(second)[0]["outcome"] == "accepted"
    assert phone.push(first)[0]["outcome"] == "duplicate"


# --- moving ---------------------------------------------------------------------------------------------------------


def move(county, to_grid: str | None, **more: Any) -> dict[str, Any]:
    return {
        "household_uuid": county.household_uuid,
        "from_grid": GRID,
        "to_grid": to_grid,
        "reason": "搬到儿子家",
        **more,
    }


def test_a_household_moves_into_another_grid_of_the_worker(app, phone, county):
    op = phone.op("household.move", move(county, OTHER_GRID))
    assert phone.push(op)[0]["code"] == "not_yours"
    with app.app_context(), transaction():
        db.session.add(
            UserScope(user_id=phone.user_id, area_code=OTHER_GRID, starts_at=clock.now() - timedelta(days=1))
        )
    again = phone.op("household.move", move(county, OTHER_GRID, reason="搬家"))
    assert phone.push(again)[0]["outcome"] == "accepted"
    assert phone.push(again)[0]["outcome"] == "duplicate"
    with app.app_context():
        moved = db.session.scalars(select(RegistryChange).where(RegistryChange.deed == "move")).one()
        assert (moved.source, moved.source_id, moved.reason) == ("phone", again["op_uuid"], "搬家")
        assert db.session.get_one(Household, county.household_uuid).grid_code == OTHER_GRID
    # Moved somewhere else meanwhile: the desk chooses.
    elsewhere = phone.op("household.move", move(county, GRID, from_grid="230183100055777"))
    [receipt] = phone.push(elsewhere)
    assert (receipt["outcome"], receipt["fields"]) == ("conflict", {"to_grid": "changed"})
    desk = Desk(app)
    assert "第2网格" in desk.get(address_of(phone, elsewhere)).text
    assert (
        desk.post(f"{address_of(phone, elsewhere)}/take-in", **{"field-to_grid": "sent"}).status_code == 303
    )
    with app.app_context():
        assert db.session.get_one(Household, county.household_uuid).grid_code == GRID


def test_a_household_that_left_for_elsewhere_is_due_no_more(app, phone, county):
    today = clock.local_date(clock.now()).isoformat()
    body = move(county, None, moved_away_on=today, moved_away_to="哈尔滨")
    assert phone.push(phone.op("household.move", body))[0]["outcome"] == "accepted"
    record = phone.pull()["person", county.person_uuids[1]]
    assert (record["moved_away_on"], record["due_on"]) == (today, None)
    assert phone.records["household", county.household_uuid]["due_on"] is None
    assert person_of(app, county)["moved_away_to"] == "哈尔滨"


@pytest.mark.parametrize(
    "kind", ["household.register", "household.update", "household.move", "person.register", "person.update"]
)
@pytest.mark.parametrize(
    "body", [{}, {"household_uuid": 7}, {"fields": {"name": 3}, "people": 5}, {"people": [[]]}]
)
def test_whatever_comes_is_kept_and_can_be_looked_at(app, phone, county, kind, body):
    op = phone.op(kind, body)
    assert phone.push(op)[0]["code"] == "body_invalid"
    assert Desk(app).get(address_of(phone, op)).status_code == 200


# --- seen at the desk -----------------------------------------------------------------------------------------------


def test_what_phones_registered_and_corrected_is_read_at_the_desk(app, phone, county):
    today = clock.local_date(clock.now()).isoformat()
    change_at_desk(app, county, tags=[("mental_disorder", None, None)])
    phone.push(
        phone.op("household.register", new_household()),
        phone.op("person.update", correction(phone, {"died_on": (None, today)}, reason="夜里走的")),
        phone.op("person.update", correction(phone, {"phone": (None, "13812341234")})),
        phone.op("visit.submit", phone.visit()),
    )
    page = Desk(app).get("/quarantine/recorded").text
    for words in ("赵大爷", "村东头蓝房子", "刘玉珍", "去世", "夜里走的", "138****1234"):
        assert words in page
    assert "13812341234" not in page
    assert page.count('class="moment"') == 3
    assert page.count("sev-red") == 1
    assert "待认定类别：赵大爷" in page
    with app.app_context(), transaction():
        person = db.session.scalars(select(Person).where(Person.name == "赵大爷")).one()
        people.change_person(person, {"main_class": "dibao_rural"}, Origin(None, "desk", clock.now()))
    assert "待认定类别" not in Desk(app).get("/quarantine/recorded").text
    assert "赵大爷" not in Desk(app, "stranger").get("/quarantine/recorded").text
    assert Desk(app, "leader").get("/quarantine/recorded").status_code == 403


def test_a_contested_correction_shows_no_restricted_tag_by_its_name(app, phone, county):
    change_at_desk(app, county, name="刘玉真", tags=[("mental_disorder", None, None)])
    body = correction(
        phone, {"name": ("刘玉珍", "刘玉贞"), "tags": (["visit_in_pairs"], ["visit_in_pairs", "disabled"])}
    )
    odd = correction(phone, {"name": ({"a": 1}, "某人"), "birth_on": ("?", "1950-01-01"), "tags": ("?", [])})
    ops = [phone.op("person.update", one) for one in (body, odd)]
    assert {receipt["code"] for receipt in phone.push(*ops)} == {"fields_changed"}
    page = Desk(app).get(address_of(phone, ops[0])).text
    assert "两人同行" in page
    assert "精神障碍" not in page
    assert Desk(app).get(address_of(phone, ops[1])).status_code == 200
