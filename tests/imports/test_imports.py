"""An import from file to undo: right counts, every bad row named, nothing twice, and all as it was afterwards."""

from __future__ import annotations

import io
import os
from datetime import date
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import Base, db, transaction
from fieldapp.core.errors import AppError
from fieldapp.imports import actions, queries
from fieldapp.imports.models import APPLIED, APPLYING, UNDONE, Import, ImportRow
from fieldapp.imports.workbook import write_refused
from fieldapp.people import actions as people
from fieldapp.people.actions import Origin
from fieldapp.people.models import Carer, Household, HouseholdGrid, Person, PersonTag, RegistryChange
from fieldapp.people.queries import number_hashes
from tests.factories import GRID, OTHER_GRID, Phone
from tests.imports.rosters import (
    HEADER,
    apply,
    as_csv,
    as_xlsx,
    find_user,
    make_id,
    make_row,
    run,
    stage,
    undo,
)

REGISTRY = (Household, HouseholdGrid, Person, PersonTag, Carer)
# What is worked out again from the rest, and numbers that a table gives by itself.
DERIVED = {("household_grids", "id")}


def counts(app, import_id):
    with app.app_context():
        return queries.count_outcomes(import_id)


def refused(app, import_id):
    """{row: [(field, code) …]} of the refused rows."""
    with app.app_context():
        return {
            row.number: [(field, code) for field, code, _ in row.faults]
            for row in queries.iterate_refused(import_id)
        }


def dump(app) -> dict[str, Any]:
    """Every row of the registry's tables, readable."""
    with app.app_context():
        return {
            model.__tablename__: sorted(
                repr(
                    {
                        column.key: getattr(row, column.key)
                        for column in model.__table__.columns
                        if (model.__tablename__, column.key) not in DERIVED
                    }
                )
                for row in db.session.scalars(select(model))
            )
            for model in REGISTRY
        }


def person(name):
    return db.session.scalars(select(Person).where(Person.name == name)).one()


def row_of(**cells):
    """A row of HEADER with some cells."""
    return [cells.get(name, "") for name in HEADER]


def register(app):
    """People who are there before: by ID number, by name and birthday, and one of another grid."""
    with app.app_context(), transaction():
        origin = Origin(find_user("supervisor"), "desk", clock.now())
        for grid, head, number in ((GRID, "马有财", 90_001), (OTHER_GRID, "马外人", 90_002)):
            household = Household(
                household_uuid=f"00000000-0000-4000-8000-0000000{number}",
                grid_code=grid,
                name=head,
                address="9组",
                people=[
                    Person(
                        person_uuid=f"00000000-0000-4000-9000-0000000{number}",
                        name=head,
                        id_number=make_id(number),
                        sex="m",
                        phone="13900000009",
                        main_class="dibao_urban",
                        risk="low",
                        tags=[PersonTag(tag="lonely_elder", from_on=date(2025, 1, 1))],
                    ),
                    Person(
                        person_uuid=f"00000000-0000-4000-a000-0000000{number}",
                        name=head + "妻",
                        birth_on=date(1960, 2, 29),
                        risk="low",
                    ),
                ],
            )
            people.add_household(household, clock.now(), origin)


# `make test-long` says more.
ROWS = int(os.environ.get("IMPORT_ROWS", "1000"))
# One row of a hundred is spoiled in each of these ways.
BAD = {
    "name_missing": lambda row: row.__setitem__(0, ""),
    "rounded": lambda row: row.__setitem__(1, "2.30123E+17"),
    "id_check_digit": lambda row: row.__setitem__(1, row[1][:17] + ("1" if row[1][17] != "1" else "2")),
    "id_birthday": lambda row: row.__setitem__(1, "230123195013070028"),
    "place_unknown": lambda row: row.__setitem__(4, "没有这个网格"),
    "phone_odd": lambda row: row.__setitem__(6, "打不通"),
    "class_unknown": lambda row: row.__setitem__(7, "五保"),
    "risk_unknown": lambda row: row.__setitem__(8, "很高"),
    "tag_unknown": lambda row: row.__setitem__(9, "外星人"),
    "account_odd": lambda row: row.__setitem__(11, "一卡通"),
}


def test_thousands_with_bad_rows_of_every_kind(app, county):
    rows = [make_row(number, (GRID, OTHER_GRID)[number // 2 % 2]) for number in range(ROWS)]
    expected = {}
    for place, (code, spoil) in enumerate(BAD.items()):
        for number in range(8 * place + 1, ROWS, 100):
            spoil(rows[number])
            # The names of the columns stand in row 1.
            expected[number + 2] = code
    rows.append(list(rows[10]))
    expected[ROWS + 2] = "twice"
    before = dump(app)
    import_id = stage(app, as_xlsx([HEADER, *rows]))
    assert {number: [code for _, code in faults] for number, faults in refused(app, import_id).items()} == {
        number: [code] for number, code in expected.items()
    }
    good = ROWS + 1 - len(expected)
    assert counts(app, import_id) == {"add": good, "refused": len(expected)}

    apply(app, import_id)
    with app.app_context():
        assert db.session.get(Import, import_id).state == APPLIED
        assert len(db.session.scalars(select(Person)).all()) == 3 + good
        assert len(db.session.scalars(select(Household)).all()) == 2 + ROWS // 2
        # Among so many a name comes back, a number does not.
        hashed = number_hashes(rows[20][1], "id")[0]
        someone = db.session.scalars(select(Person).where(Person.id_hash == hashed)).one()
        assert (someone.id_number, someone.phone, someone.bank_account) == (
            rows[20][1],
            rows[20][6],
            rows[20][11],
        )
        assert {tag.tag for tag in someone.tags} == {"living_alone", "disabled"}
        assert (someone.main_class, someone.relation) == ("dibao_rural", "户主")
        assert [one.name for one in someone.household.people] == [rows[20][0], rows[21][0]]
        made = select(RegistryChange).where(RegistryChange.source_id == str(import_id))
        assert {change.source for change in db.session.scalars(made)} == {"import"}
    again = stage(app, as_csv([HEADER, *rows], "gb18030"))
    assert counts(app, again) == {"same": good, "refused": len(expected)}
    with app.app_context(), pytest.raises(AppError, match="import_nothing"), transaction():
        actions.start_applying(
            find_user("supervisor"), db.session.get_one(Import, again), whole=False, now=clock.now()
        )
    undo(app, import_id)
    with app.app_context():
        assert db.session.get(Import, import_id).state == UNDONE
        assert queries.count_left(import_id) == 0
    assert dump(app) == before


def test_people_who_are_there_are_changed_field_by_field_and_given_back(app, county):
    register(app)
    before = dump(app)
    rows = [
        row_of(
            姓名="马有财",
            身份证号=make_id(90_001),
            户主="马有财",
            所属网格=GRID,
            联系电话="13911111111",
            标签="独居老人",
        ),
        row_of(姓名="马有财妻", 户主="马有财", 所属网格=GRID, 备注="有狗", 救助类别="农村低保"),
        row_of(姓名="马有财", 身份证号=make_id(90_002), 所属网格=OTHER_GRID, 户主="别人"),
        row_of(姓名="马外人", 身份证号=make_id(90_002), 所属网格=GRID),
    ]
    header = [*HEADER, "出生日期"]
    content = [header, rows[0] + [""], rows[1] + ["1960.2.29"], rows[2] + [""], rows[3] + [""]]
    import_id = stage(app, as_xlsx(content))
    assert refused(app, import_id) == {4: [("id_number", "id_in_household")], 5: [("grid", "id_in_grid")]}
    with app.app_context():
        first, second = queries.list_next_rows(import_id, 0, 2)
        assert (first.outcome, second.outcome) == ("change", "change")
        # The ID number tells the birthday, which was not there.
        assert first.plan["person"] == {
            "phone": ["13900000009", "13911111111"],
            "birth_on": [None, "1936-10-15"],
            "tags": [
                [["lonely_elder", "2025-01-01", None]],
                [["living_alone", None, None], ["lonely_elder", "2025-01-01", None]],
            ],
        }
        assert second.plan["person"] == {"main_class": ["none", "dibao_rural"]}
        assert second.plan["household"] == {"note": ["", "有狗"]}
    apply(app, import_id)
    with app.app_context():
        assert person("马有财").phone == "13911111111"
        assert person("马有财妻").main_class == "dibao_rural"
        assert person("马有财").household.note == "有狗"
    undo(app, import_id)
    assert dump(app) == before


def test_nothing_is_written_with_all_or_nothing_and_a_refused_row(app, county):
    rows = [make_row(number, GRID) for number in range(4)]
    rows[3][8] = "很高"
    import_id = stage(app, as_csv([HEADER, *rows]))
    before = dump(app)
    with pytest.raises(AppError, match="import_refused"):
        apply(app, import_id, whole=True)
    assert dump(app) == before
    apply(app, import_id, whole=False)
    assert counts(app, import_id) == {"add": 3, "refused": 1}


def test_what_somebody_changes_in_between_is_not_overwritten(app, county):
    register(app)
    cells = row_of(
        姓名="马有财", 身份证号=make_id(90_001), 户主="马有财", 所属网格=GRID, 联系电话="13911111111"
    )
    rows = [HEADER, make_row(0, GRID), cells]
    for whole in (False, True):
        import_id = stage(app, as_csv(rows))
        with app.app_context(), transaction():
            phone = "13922222222" if not whole else "13933333333"
            people.change_person(
                person("马有财"), {"phone": phone}, Origin(find_user("supervisor"), "desk", clock.now())
            )
        before = dump(app)
        apply(app, import_id, whole=whole)
        assert refused(app, import_id) == {3: [("", "changed_meanwhile")]}
        with app.app_context():
            assert person("马有财").phone == phone
            assert db.session.get(Import, import_id).state == (UNDONE if whole else APPLIED)
        if not whole:
            undo(app, import_id)
        assert dump(app) == before


def test_undoing_leaves_what_was_touched_since(app, county):
    rows = [HEADER, *(make_row(number, GRID) for number in range(8))]
    register(app)
    rows.append(
        row_of(
            姓名="马有财",
            身份证号=make_id(90_001),
            户主="马有财",
            所属网格=GRID,
            联系电话="13911111111",
            风险等级="高",
        )
    )
    import_id = stage(app, as_csv(rows))
    apply(app, import_id)
    phone = Phone(app, county)
    with app.app_context():
        visited = person(rows[1][0])
        body = phone.visit(
            household_uuid=visited.household_uuid,
            people=[visited.person_uuid],
            answers={"reached": "reached"},
        )
        with transaction():
            origin = Origin(find_user("supervisor"), "desk", clock.now())
            people.change_person(person(rows[4][0]), {"relation": "妹妹"}, origin)
            people.change_person(person("马有财"), {"phone": "13922222222"}, origin)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    undo(app, import_id)
    with app.app_context():
        left = {row.number: row.left for row in queries.list_rows(import_id, "left", 1)[0]}
        # Both people of the household that was visited; the one that was edited; the phone, but not the risk.
        assert left == {2: ["stays"], 3: ["stays"], 5: ["stays"], 10: ["phone"]}
        assert {one.name for one in person(rows[1][0]).household.people} == {rows[1][0], rows[2][0]}
        assert [one.name for one in person(rows[4][0]).household.people] == [rows[4][0]]
        assert (person("马有财").phone, person("马有财").risk) == ("13922222222", "low")
        assert db.session.scalars(select(AuditEntry).where(AuditEntry.action == "import.undo")).one()


def test_phones_are_told_of_who_comes_and_goes(app, county):
    phone = Phone(app, county)
    phone.pull()
    names = {record["name"] for (kind, _), record in phone.records.items() if kind == "person"}
    rows = [make_row(number, GRID) for number in range(4)]
    import_id = stage(app, as_csv([HEADER, *rows]))
    apply(app, import_id)
    phone.pull()
    now = {record["name"] for (kind, _), record in phone.records.items() if kind == "person"}
    assert now == names | {row[0] for row in rows}
    undo(app, import_id)
    phone.pull()
    assert {record["name"] for (kind, _), record in phone.records.items() if kind == "person"} == names


def test_a_step_that_is_cut_off_goes_on_where_it_was(app, county, monkeypatch):
    rows = [HEADER, *(make_row(number, GRID) for number in range(350))]
    import_id = stage(app, as_csv(rows))
    before = dump(app)

    def cut_off(after, name):
        """Let so many calls pass, then fail as a killed process would: in the middle of a transaction."""
        original, calls = getattr(people, name), iter(range(after))

        def maybe(*arguments):
            if next(calls, None) is None:
                raise KeyboardInterrupt
            return original(*arguments)

        monkeypatch.setattr(people, name, maybe)

    cut_off(2, "add_households")
    with pytest.raises(KeyboardInterrupt):
        apply(app, import_id)
    monkeypatch.undo()
    with app.app_context():
        assert db.session.get(Import, import_id).state == APPLYING
        assert len(db.session.scalars(select(Household)).all()) == 2 + 100
        run(import_id)
        assert len(db.session.scalars(select(Person)).all()) == 3 + 350
        added = select(RegistryChange.uuid).where(
            RegistryChange.deed == "add", RegistryChange.kind == "person"
        )
        assert len(set(db.session.scalars(added))) == len(db.session.scalars(added).all()) == 350
    cut_off(2, "remove_people")
    with pytest.raises(KeyboardInterrupt):
        undo(app, import_id)
    monkeypatch.undo()
    with app.app_context():
        assert run(import_id).state == UNDONE
    assert dump(app) == before


def test_households_of_the_file_are_told_apart(app, county):
    header = [*HEADER, "户号"]
    rows = [
        [
            *row_of(
                姓名="王伟",
                身份证号=make_id(1),
                户主="王伟",
                与户主关系="户主",
                所属网格=GRID,
                家庭住址="1组",
            ),
            "A1",
        ],
        [
            *row_of(
                姓名="王伟",
                身份证号=make_id(2),
                户主="王伟",
                与户主关系="户主",
                所属网格=GRID,
                家庭住址="2组",
            ),
            "A2",
        ],
        [*row_of(姓名="王小", 身份证号=make_id(3), 户主="王伟", 所属网格=GRID), "A2"],
        [*row_of(姓名="王三", 身份证号=make_id(4), 户主="王伟", 所属网格=GRID, 家庭住址="3组"), "A2"],
        [*row_of(姓名="王大", 身份证号=make_id(5), 户主="王伟", 与户主关系="户主", 所属网格=GRID), "A1"],
    ]
    import_id = stage(app, as_xlsx([header, *rows]))
    assert refused(app, import_id) == {
        5: [("address", "household_differs")],
        6: [("relation", "second_head")],
    }
    apply(app, import_id)
    with app.app_context():
        households = db.session.scalars(
            select(Household).where(Household.name == "王伟").order_by(Household.address)
        )
        assert [(each.address, len(each.people)) for each in households] == [("1组", 1), ("2组", 2)]
    again = stage(app, as_xlsx([header, *rows]))
    assert counts(app, again) == {"same": 3, "refused": 2}


def test_people_outside_the_areas_are_neither_added_nor_shown(app, county):
    register(app)
    import_id = stage(
        app, as_csv([HEADER, make_row(0, GRID), row_of(姓名="马有财", 身份证号=make_id(90_001))]), "stranger"
    )
    assert refused(app, import_id) == {2: [("grid", "place_unknown")], 3: [("id_number", "id_elsewhere")]}


def test_the_refused_rows_are_a_workbook_that_can_be_brought_in_again(app, county):
    rows = [make_row(number, GRID) for number in range(6)]
    rows[1][8], rows[4][0], rows[4][6] = "很高", "", "打不通"
    import_id = stage(app, as_csv([HEADER, *rows]))
    with app.app_context():
        content = write_refused(db.session.get_one(Import, import_id))
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    table = [[cell.value or "" for cell in row] for row in sheet.iter_rows()]
    assert [name for name in table[0] if "⚠" not in name] == list(HEADER)
    assert [row[0] for row in table[1:]] == ["3", "6"]
    beside = table[0].index("风险等级") + 1
    assert table[0][beside] == "⚠ 风险等级"
    assert "高" in table[1][beside]
    assert table[2][beside] == ""
    # Mended, it is a roster like any other.
    table[1][beside - 1] = "高"
    table[2][table[0].index("姓名")], table[2][table[0].index("联系电话")] = "补名", "13900000001"
    mended = stage(app, as_xlsx(table))
    assert counts(app, mended) == {"add": 2}


def test_staged_rows_can_be_read_by_nobody_and_are_erased(app, county):
    row = make_row(7, GRID)
    import_id = stage(app, as_csv([HEADER, row]))
    with app.app_context():
        # As they lie in the tables, and in a dump of them.
        stored = repr(
            [
                db.session.execute(table.select()).mappings().all()
                for table in (Base.metadata.tables["imports"],)
            ]
        )
        raw = db.session.connection().exec_driver_sql("SELECT * FROM import_rows").all()
        stored += repr(
            [[bytes(value) if isinstance(value, memoryview) else value for value in each] for each in raw]
        )
        for secret in (row[0], row[1], row[6], row[11]):
            assert secret not in stored
        actions.throw_away(find_user("supervisor"), db.session.get_one(Import, import_id), clock.now())
        assert db.session.scalars(select(ImportRow)).all() == []
        assert db.session.scalars(select(Import)).all() == []
    import_id = stage(app, as_csv([HEADER, row]))
    apply(app, import_id)
    with app.app_context():
        assert actions.forget_rows(clock.now()) == 0
        assert actions.forget_rows(clock.now() + actions.KEEP_ROWS) == 1
    with pytest.raises(AppError, match="import_forgotten"):
        undo(app, import_id)


def test_what_is_thrown_away_is_not_applied_meanwhile(app, county, monkeypatch):
    import_id = stage(app, as_xlsx([HEADER, make_row(0, GRID)]))
    really_erase = actions._erase

    def apply_first(number: int) -> None:
        with pytest.raises(AppError) as refused:
            apply(app, number)
        assert refused.value.code == "import_state_wrong"
        really_erase(number)

    monkeypatch.setattr(actions, "_erase", apply_first)
    with app.app_context():
        held = db.session.get_one(Import, import_id)
        actions.throw_away(find_user("supervisor"), held, clock.now())
        assert db.session.scalars(select(Import)).all() == []
