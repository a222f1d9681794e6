"""Adding and editing people and households at the desk, through the pages, as their users do."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.codes import Code
from fieldapp.core.db import db, transaction
from fieldapp.people import period_actions, queries
from fieldapp.people.models import Carer, Household, Person, PersonTag, RegistryChange
from fieldapp.people.rules import id_check_digit
from fieldapp.users.models import User
from tests.factories import GRID, TOWNSHIP, Desk, Phone
from tests.people.pages import edit, fields_of, words_of

ID = "230183195005041242"
BAD_CHECK = "230183195005041245"


@pytest.fixture
def desk(app, county):
    return Desk(app)


@pytest.fixture
def household(county):
    return f"/households/{county.household_uuid}"


@pytest.fixture
def person(county):
    return f"/people/{county.person_uuids[0]}"


def person_of(app, person_uuid) -> Person:
    with app.app_context():
        person = db.session.get_one(Person, person_uuid)
        _ = person.tags, person.carers, person.household
        return person


def household_of(app, household_uuid) -> Household:
    with app.app_context():
        return db.session.get_one(Household, household_uuid)


def history_of(app, uuid) -> list[RegistryChange]:
    with app.app_context():
        found = select(RegistryChange).where(RegistryChange.uuid == uuid).order_by(RegistryChange.id)
        return list(db.session.scalars(found))


# --- adding -----------------------------------------------------------------------------------------------------


def test_household_and_its_people_are_put_on_the_list_and_reach_the_phone(app, county, desk):
    answer = edit(
        desk,
        "/people/new-household",
        grid=GRID,
        name="孙国强",
        address="幸福村3组5号",
        phone="０４５１－８８８８ ６６６６",
        note="院里有狗",
    )
    assert answer.status_code == 303, words_of(answer)
    new_person = answer.location
    page = desk.get(new_person)
    assert fields_of(page)["name"] == "孙国强"
    answer = edit(
        desk,
        new_person,
        relation="户主",
        id_number="230183 1950 0504 124２",
        phone="138 1234 5678",
        bank_name="农业银行",
        bank_account="6228 4800 1234 5678 901",
        main_class="dibao_rural",
        risk="middle",
        causes=["illness", "old_age"],
        **{
            "carers-0-role": "emergency",
            "carers-0-name": "孙梅",
            "carers-0-relation": "女儿",
            "carers-0-phone": "13900001111",
        },
    )
    assert answer.status_code == 303, words_of(answer)
    with app.app_context():
        person = db.session.scalars(select(Person).where(Person.name == "孙国强")).one()
        assert (person.id_number, person.birth_on, person.sex) == (ID, date(1950, 5, 4), "f")
        assert (person.phone, person.bank_account) == ("13812345678", "6228480012345678901")
        assert person.causes == ["illness", "old_age"]
        assert person.due_on == clock.local_date(clock.now())
        assert person.found_at is not None
        assert [(carer.name, carer.phone) for carer in person.carers] == [("孙梅", "13900001111")]
        assert person.household.phone == "045188886666"
        uuids = [person.household_uuid, person.person_uuid]
    assert [(change.deed, change.source) for uuid in uuids for change in history_of(app, uuid)] == [
        ("add", "desk")
    ] * 2
    record = Phone(app, county).pull()["person", uuids[1]]
    assert record["name"] == "孙国强"
    words = words_of(desk.get(f"/households/{uuids[0]}"))
    assert "230***********1242" in words
    assert "138****5678" in words
    assert "****8901" in words
    assert "139****1111" in words
    for secret in (ID, "13812345678", "6228480012345678901", "13900001111", "045188886666"):
        assert secret not in desk.get(f"/households/{uuids[0]}").text


def test_somebody_without_name_or_id_is_put_on_the_list(app, county, desk, household):
    answer = edit(desk, f"{household}/people/new", name="", id_number="")
    assert answer.status_code == 303
    assert "no name" in words_of(desk.client.get(household + "?lang=en"))


def test_household_outside_ones_area_cannot_be_added(app, county):
    stranger = Desk(app, "stranger")
    answer = stranger.post("/people/new-household", grid=GRID, name="某某", address="某处", datum="WGS84")
    assert answer.status_code == 422
    with app.app_context():
        assert db.session.scalars(select(Household).where(Household.name == "某某")).first() is None


# --- ID numbers -------------------------------------------------------------------------------------------------

OLD_AREA = "210102195005041" + "24"
FITS = [
    ID,
    "230183195005041242",
    " 230183 19500504 1242 ",
    "230183-19500504-1242",
    "２３０１８３１９５００５０４１２４２",
    "11010519491231002x",
    OLD_AREA + id_check_digit(OLD_AREA),
]
REFUSED = {
    "12345": "应为 18 位，现在是 5 位",
    "2301831950050412420": "应为 18 位，现在是 19 位",
    "230183195005041O49": "前 17 位是数字",
    "23018319500504124Y": "前 17 位是数字",
    "230183195002301249": "第 7 到 14 位：19500230",
    "230183299905041249": "第 7 到 14 位：29990504",
    "230183170005041249": "第 7 到 14 位：17000504",
    BAD_CHECK: "按规则应为 2",
}


@pytest.mark.parametrize("typed", FITS)
def test_id_number_is_taken_however_it_is_written(app, county, desk, person, typed):
    answer = edit(desk, person + "/edit", id_number=typed, sex="", birth_on="")
    assert answer.status_code == 303, words_of(answer)
    kept = person_of(app, county.person_uuids[0])
    assert kept.id_number
    assert re.fullmatch(r"\d{17}[\dX]", kept.id_number)
    assert kept.birth_on == date.fromisoformat(kept.id_number[6:14])


@pytest.mark.parametrize(("typed", "said"), REFUSED.items())
def test_wrong_id_number_is_refused_in_words_and_nothing_typed_is_lost(
    app, county, desk, person, typed, said
):
    answer = edit(
        desk, person + "/edit", id_number=typed, name="刘玉贞", phone="13812345678", causes=["illness"]
    )
    assert answer.status_code == 422
    assert said in words_of(answer)
    assert fields_of(answer) | {
        "id_number": typed,
        "name": "刘玉贞",
        "phone": "13812345678",
        "causes": ["illness"],
    } == fields_of(answer)
    assert person_of(app, county.person_uuids[0]).name == "刘玉珍"


def test_wrong_check_digit_passes_with_a_reason(app, county, desk, person):
    asked = edit(desk, person + "/edit", id_number=BAD_CHECK)
    assert "id_reason" in fields_of(asked)
    assert edit(desk, person + "/edit", asked, id_reason="证件上就是这样印的").status_code == 303
    kept = person_of(app, county.person_uuids[0])
    assert (kept.id_number, kept.id_reason) == (BAD_CHECK, "证件上就是这样印的")
    # Once the number is right, the reason is gone.
    assert edit(desk, person + "/edit", id_number=ID).status_code == 303
    assert person_of(app, county.person_uuids[0]).id_reason is None


@pytest.mark.parametrize(
    ("typed", "said"),
    [({"birth_on": "1951-05-04"}, "出生日期是1950年5月4日"), ({"sex": "m"}, "性别是女")],
)
def test_contradiction_to_the_id_number_is_said_now_and_later(app, county, desk, person, typed, said):
    assert said in words_of(edit(desk, person + "/edit", id_number=ID, **typed))
    assert edit(desk, person + "/edit", id_number=ID).status_code == 303
    # The number that is kept counts, too, though the form does not show it.
    answer = edit(desk, person + "/edit", **typed)
    assert answer.status_code == 422
    assert said in words_of(answer)
    assert edit(desk, person + "/edit", answer, id_reason="户口本登记如此").status_code == 303


# --- what is kept -----------------------------------------------------------------------------------------------


def test_numbers_left_empty_stay_and_a_tick_takes_them_away(app, county, desk, person):
    numbers = {"id_number": ID, "phone": "13812345678", "bank_account": "6228480012345678901"}
    assert edit(desk, person + "/edit", **numbers).status_code == 303
    page = desk.get(person + "/edit")
    assert not any(number in page.text for number in numbers.values())
    assert edit(desk, person + "/edit", page, name="刘玉贞").status_code == 303
    kept = person_of(app, county.person_uuids[0])
    assert {name: getattr(kept, name) for name in numbers} == numbers
    assert edit(desk, person + "/edit", **{f"{name}_gone": "y" for name in numbers}).status_code == 303
    kept = person_of(app, county.person_uuids[0])
    assert [getattr(kept, name) for name in numbers] == [None] * 3
    assert [kept.id_hash, kept.phone_hash, kept.bank_account_hash] == [None] * 3


def test_phone_of_a_carer_stays_though_the_form_does_not_show_it(app, county, desk, person):
    first = {"carers-0-role": "guardian", "carers-0-name": "刘强", "carers-0-phone": "13900001111"}
    assert edit(desk, person + "/edit", **first).status_code == 303
    page = desk.get(person + "/edit")
    assert "13900001111" not in page.text
    more = {"carers-0-relation": "儿子", "carers-1-role": "helper", "carers-1-name": "王敏"}
    assert edit(desk, person + "/edit", page, **more).status_code == 303
    carers = person_of(app, county.person_uuids[0]).carers
    assert [(carer.name, carer.relation, carer.phone) for carer in carers] == [
        ("刘强", "儿子", "13900001111"),
        ("王敏", "", None),
    ]


def test_tags_have_dates(app, county, desk, person):
    page = desk.get(person + "/edit")
    fields = fields_of(page)
    row = next(name.removesuffix("code") for name, value in fields.items() if value == "serious_illness")
    wrong = edit(
        desk,
        person + "/edit",
        page,
        **{row + "held": "y", row + "from_on": "2026-11-10", row + "to_on": "2026-11-01"},
    )
    assert wrong.status_code == 422
    assert "结束早于开始" in words_of(wrong)
    assert edit(desk, person + "/edit", wrong, **{row + "to_on": "2026-12-01"}).status_code == 303
    tags = person_of(app, county.person_uuids[0]).tags
    assert [(tag.tag, tag.from_on, tag.to_on) for tag in tags] == [
        ("living_alone", None, None),
        ("serious_illness", date(2026, 11, 10), date(2026, 12, 1)),
    ]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": " "}, "请填大家怎么称呼这户人家"),
        ({"phone": "一三八"}, "电话是 7 到 15 位数字"),
        ({"lat": ""}, "经度、纬度要一起填"),
        ({"lat": "127.96", "lon": "45.21"}, "经度和纬度是不是填反了"),
        ({"lat": "nan", "lon": "inf"}, "这个位置不在国内"),
        ({"name": "户" * 81}, "81"),
    ],
)
def test_household_form_says_what_is_wrong(app, county, desk, household, typed, said):
    answer = edit(desk, household + "/edit", **typed)
    assert answer.status_code == 422
    if said != "81":
        assert said in words_of(answer)
    assert household_of(app, county.household_uuid).name == "刘玉珍"


def test_household_is_edited_and_nothing_else_of_it_changes(app, county, desk, household):
    assert edit(desk, household + "/edit", note="院里有狗\0", reason="走访时得知").status_code == 303
    [change] = history_of(app, county.household_uuid)
    assert (change.values, change.reason) == ({"note": ["", "院里有狗"]}, "走访时得知")
    assert household_of(app, county.household_uuid).phone == "19900001234"
    assert "没有改动" in words_of(desk.client.get(edit(desk, household + "/edit").location))


def test_retired_code_is_offered_only_to_who_holds_it(app, county, desk, household, person):
    with app.app_context(), transaction():
        for table, code in (("class", "dibao_rural"), ("cause", "illness"), ("tag", "living_alone")):
            db.session.get_one(Code, (table, code)).retired_on = clock.local_date(clock.now())
    holds, new = desk.get(person + "/edit").text, desk.get(household + "/people/new").text
    assert ('value="dibao_rural"' in holds, 'value="dibao_rural"' in new) == (True, False)
    assert ('value="living_alone"' in holds, 'value="living_alone"' in new) == (True, False)
    assert 'value="illness"' not in holds


# --- two at once ------------------------------------------------------------------------------------------------


def test_second_editor_of_other_fields_overwrites_nothing(app, county, desk, person):
    page = desk.get(person + "/edit")
    with app.app_context(), transaction():
        admin = db.session.scalars(select(User).where(User.username == "supervisor")).one()
        admin.display_name = "王敏"
    assert edit(desk, person + "/edit", risk="low").status_code == 303
    answer = edit(desk, person + "/edit", page, phone="13812345678")
    assert answer.status_code == 303
    kept = person_of(app, county.person_uuids[0])
    assert (kept.risk, kept.phone) == ("low", "13812345678")
    assert "同时有别人改了：风险 (王敏)" in words_of(desk.client.get(answer.location))


def test_second_editor_of_the_same_field_is_told_what_and_by_whom_and_loses_nothing(
    app, county, desk, person
):
    page = desk.get(person + "/edit")
    assert edit(desk, person + "/edit", phone="13800002222", risk="low", name="刘玉贞").status_code == 303
    answer = edit(desk, person + "/edit", page, phone="13812345678", relation="户主", reason="本人来电")
    assert answer.status_code == 409
    words = words_of(answer)
    assert "测试supervisor在" in words
    assert "138****2222" in words
    assert "13800002222" not in answer.text
    typed = fields_of(answer)
    assert (typed["phone"], typed["relation"], typed["reason"]) == ("13812345678", "户主", "本人来电")
    # What only the other one changed is as they left it.
    assert (typed["name"], typed["risk"]) == ("刘玉贞", "low")
    assert person_of(app, county.person_uuids[0]).phone == "13800002222"
    assert edit(desk, person + "/edit", answer).status_code == 303
    kept = person_of(app, county.person_uuids[0])
    assert (kept.phone, kept.relation, kept.risk, kept.name) == ("13812345678", "户主", "low", "刘玉贞")


def test_two_who_change_a_field_alike_do_not_clash(app, county, desk, household):
    page = desk.get(household + "/edit")
    assert edit(desk, household + "/edit", address="幸福村9组").status_code == 303
    assert edit(desk, household + "/edit", page, address="幸福村9组").status_code == 303
    assert len(history_of(app, county.household_uuid)) == 1


def test_tick_that_takes_a_number_away_survives_a_clash(app, county, desk, household):
    page = desk.get(household + "/edit")
    assert edit(desk, household + "/edit", phone="13800002222").status_code == 303
    answer = edit(desk, household + "/edit", page, phone_gone="y")
    assert answer.status_code == 409
    assert edit(desk, household + "/edit", answer).status_code == 303
    assert household_of(app, county.household_uuid).phone is None


# --- leaving ----------------------------------------------------------------------------------------------------


def test_death_ends_visits_at_once_and_a_wrong_one_is_taken_back(app, county, desk, person):
    today = clock.local_date(clock.now())
    assert desk.post(person + "/death", died_on=today.isoformat(), reason="村委来电").status_code == 303
    kept = person_of(app, county.person_uuids[0])
    assert (kept.died_on, kept.due_on) == (today, None)
    assert Phone(app, county).pull()["person", kept.person_uuid]["died_on"] == today.isoformat()
    assert desk.post(person + "/back", reason=" ").status_code == 422
    assert desk.post(person + "/back", reason="同名登错了人").status_code == 303
    kept = person_of(app, county.person_uuids[0])
    assert (kept.died_on, kept.due_on) == (None, today)
    assert [(c.values["died_on"], c.reason) for c in history_of(app, kept.person_uuid)] == [
        ([None, today.isoformat()], "村委来电"),
        ([today.isoformat(), None], "同名登错了人"),
    ]


def test_moving_away_ends_visits_and_coming_back_begins_them_again(app, county, desk, household, person):
    moved = {"moved_away_on": "2026-11-01", "moved_away_to": "大庆市女儿家"}
    assert desk.post(person + "/moving-away", **moved).status_code == 303
    assert person_of(app, county.person_uuids[0]).due_on is None
    assert "大庆市女儿家" in words_of(desk.get(household))
    assert desk.post(person + "/back", reason="又回来了").status_code == 303
    kept = person_of(app, county.person_uuids[0])
    assert (kept.moved_away_on, kept.moved_away_to, kept.due_on is None) == (None, None, False)


@pytest.mark.parametrize("day", ["", "2999-01-01", "1500-01-01", "gestern"])
def test_no_such_day_of_death(app, county, desk, person, day):
    answer = desk.post(person + "/death", died_on=day, reason="村委来电")
    assert answer.status_code == 422
    assert "村委来电" in answer.text
    assert person_of(app, county.person_uuids[0]).died_on is None


# --- history, numbers in full, restricted tags ------------------------------------------------------------------


def test_history_says_who_what_and_why_and_masks_numbers(app, county, desk, household, person):
    numbers = {"id_number": ID, "phone": "13812345678", "bank_account": "6228480012345678901"}
    carer = {"carers-0-role": "guardian", "carers-0-name": "刘强", "carers-0-phone": "13900001111"}
    assert edit(desk, person + "/edit", reason="核对户口本", **numbers, **carer).status_code == 303
    assert edit(desk, person + "/edit", phone="13700003333").status_code == 303
    page = Desk(app, "officer").get(household + "/history")
    words = words_of(page)
    for told in (
        "测试supervisor",
        "核对户口本",
        "230***********1242",
        "****8901",
        "138****5678 → 137****3333",
        "139****1111",
    ):
        assert told in words, told
    assert not any(number in page.text for number in [*numbers.values(), "13900001111", "13700003333"])


def test_long_history_comes_in_pages(app, county, desk, household, person, monkeypatch):
    monkeypatch.setattr(queries, "CHANGES_PER_PAGE", 1)
    for phone in ("13812345678", "13700003333"):
        assert edit(desk, person + "/edit", phone=phone).status_code == 303
    newest, older = (words_of(desk.get(f"{household}/history{page}")) for page in ("", "?page=2"))
    assert "138****5678 → 137****3333" in newest
    assert "下一页" in newest
    assert "138****5678 → 137****3333" not in older
    assert "138****5678" in older


def test_number_is_shown_in_full_once_with_a_reason_that_is_audited(app, county, desk, household, person):
    assert edit(desk, person + "/edit", id_number=ID).status_code == 303
    page = desk.get(household + "/numbers")
    assert ID not in page.text
    key = f"{county.person_uuids[0]}.id_number"
    unsaid = desk.post(household + "/numbers", number=key, reason=" ")
    assert unsaid.status_code == 422
    assert ID not in unsaid.text
    shown = desk.post(household + "/numbers", number=key, reason="核对银行卡")
    assert ID in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert ID not in desk.get(household + "/numbers").text
    with app.app_context():
        [entry] = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "number.reveal"))
        assert (entry.actor_name, entry.subject_kind, entry.subject_id) == (
            "supervisor",
            "person",
            county.person_uuids[0],
        )
        assert entry.values == {"number": "id_number", "reason": "核对银行卡"}
    assert Desk(app, "stranger").post(household + "/numbers", number=key, reason="x").status_code == 404
    other = f"{county.other_person_uuid}.id_number"
    assert desk.post(household + "/numbers", number=other, reason="x").status_code == 422


@pytest.fixture
def restricted(app, county):
    with app.app_context(), transaction():
        person = db.session.get_one(Person, county.person_uuids[0])
        person.tags.append(PersonTag(tag="mental_disorder", from_on=date(2026, 1, 1)))
        person.carers.append(Carer(role="guardian", name="刘强"))


def test_restricted_tag_has_its_name_only_for_who_is_allowed_to_read_it(
    app, county, restricted, household, person
):
    admin, desk, leader = Desk(app, "admin"), Desk(app), Desk(app, "leader")
    phone = Phone(app, county)
    body = phone.visit()
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    for reader in (desk, leader):
        for page in (household, f"/reviews/{body['visit_uuid']}"):
            shown = reader.get(page)
            assert "两人同行" in words_of(shown)
            assert "精神障碍" not in shown.text
    assert "mental_disorder" not in desk.get(person + "/edit").text
    account = f"/accounts/{county.users['leader']}/restricted-tags"
    assert admin.post(account, allowed="yes").status_code == 303
    assert "精神障碍患者" in words_of(leader.get(household))
    assert "精神障碍" not in desk.get(household).text
    assert admin.post(account, allowed="").status_code == 303
    assert "精神障碍" not in leader.get(household).text
    with app.app_context():
        permissions = select(AuditEntry).where(AuditEntry.action == "account.restricted_tags")
        found = db.session.scalars(permissions.order_by(AuditEntry.id))
        assert [entry.values for entry in found] == [{"allowed": True}, {"allowed": False}]


def test_editor_who_is_not_told_a_restricted_tag_cannot_take_it_away(
    app, county, restricted, desk, household, person
):
    assert edit(desk, person + "/edit", risk="low").status_code == 303
    tags = person_of(app, county.person_uuids[0]).tags
    assert [(tag.tag, tag.from_on) for tag in tags] == [
        ("living_alone", None),
        ("mental_disorder", date(2026, 1, 1)),
    ]
    with app.app_context(), transaction():
        db.session.get_one(User, county.users["supervisor"]).sees_restricted = True
    page = desk.get(person + "/edit")
    row = next(
        name.removesuffix("code") for name, value in fields_of(page).items() if value == "mental_disorder"
    )
    fields = {name: value for name, value in fields_of(page).items() if name != row + "held"}
    assert desk.post(person + "/edit", **fields).status_code == 303
    assert [tag.tag for tag in person_of(app, county.person_uuids[0]).tags] == ["living_alone"]
    words = words_of(Desk(app, "leader").get(household + "/history"))
    assert "精神障碍" not in words
    assert "两人同行" in words


@pytest.mark.parametrize("username", ["leader", "officer"])
def test_leaders_and_officers_read_and_are_offered_no_editing(app, county, household, username):
    page = Desk(app, username).get(household)
    assert "/edit" not in page.text
    assert "/leaving" not in page.text
    assert "/history" in page.text


def test_leaving_dibao_while_a_period_pauses_that_asks_for_a_reason_and_loses_nothing(
    app, county, desk, person
):
    with app.app_context(), transaction():
        officer = db.session.scalars(select(User).where(User.username == "officer")).one()
        today = clock.local_date(clock.now())
        period_actions.start_period(
            officer,
            TOWNSHIP,
            "寒潮",
            from_on=today,
            until_on=None,
            risk_days={"high": 3},
            tags=[],
            pauses_exit=True,
            relaxed_papers=False,
            now=clock.now(),
        )
    answer = edit(desk, person + "/edit", main_class="none", phone="13812345678")
    assert answer.status_code == 409
    assert "寒潮" in words_of(answer)
    assert fields_of(answer)["phone"] == "13812345678"
    answer = edit(desk, person + "/edit", answer, overrides_pause="y")
    assert answer.status_code == 422
    assert edit(desk, person + "/edit", answer, reason="本人书面放弃").status_code == 303
    assert person_of(app, county.person_uuids[0]).main_class == "none"
    # A death is never paused.
    other = f"/people/{county.person_uuids[1]}"
    assert desk.post(other + "/death", died_on=today.isoformat()).status_code == 303
