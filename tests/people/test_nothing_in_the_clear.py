"""ID, phone and account numbers stand nowhere in the clear: not in the database, its files, a plain dump, nor a backup.

The same search finds them all, in every place that holds them, once nothing is encrypted.
"""

from __future__ import annotations

import io
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.engine import make_url

from fieldapp.areas.actions import UnitFacts, add_unit, load_areas
from fieldapp.areas.queries import get_area
from fieldapp.core import clock, crypto
from fieldapp.core.db import db, transaction
from fieldapp.upkeep.backup import make_backup
from fieldapp.upkeep.snapshots import _find_program
from tests.factories import GRID, County, Desk, Phone
from tests.imports.rosters import HEADER, as_csv, make_id, make_row

NUMBERS = {
    "ID number": "230183195005041242",
    "ID number before": "11010519491231002X",
    "phone": "13812345678",
    "phone before": "13700003333",
    "household's phone": "045188886666",
    "carer's phone": "13900001111",
    "unit's phone": "045166667777",
    "account": "6228480012345678901",
    "phone in an answer": "13600004444",
    "ID number in an answer": "440524188001010014",
    "phone in what waits at the office": "13500005555",
    "account in what waits at the office": "6217000012345678902",
    "phone in a reason": "13400006666",
    "ID number in a reason for looking": "230183196001011230",
    "ID number imported": make_id(0),
    "phone imported": make_row(0, GRID)[6],
    "account imported": make_row(0, GRID)[11],
    "ID number that is refused": make_id(2, is_wrong=True),
    "ID number in place of a heading": make_id(4),
    "phone in place of a heading": make_row(4, GRID)[6],
    "ID number beside one that was compared": make_id(8),
    "account in a remark of aid": "6228480098765432109",
    "phone of who took aid": "13300007777",
    "phone in a reason for aid that was wrong": "13300008888",
    "phone in a reason for receipts": "13300009999",
    "ID number of a payment": make_id(12),
    "account of a payment": "6217000087654321098",
    "ID number in place of a heading of payments": make_id(14),
    "ID number in a reason of a payment": make_id(16),
}
UNSEALED = b"\x00"
# Each of these tables holds some of them, or the search has nothing to find.
HOLDERS = {
    *("households", "people", "carers", "registry_changes", "visit_revisions", "operations", "audit_entries"),
    *("imports", "import_rows", "import_sources", "screening_rows", "units", "aid", "aid_policies"),
    *("payment_lists", "payment_rows"),
}


@pytest.fixture(params=[True, False], ids=["sealed", "unsealed"])
def sealed(request, monkeypatch) -> bool:
    if not request.param:
        really_open = crypto.Cipher.open

        def open_either(cipher: crypto.Cipher, kept: bytes, place: str) -> bytes:
            # What the county began with is sealed.
            return kept[1:] if kept[:1] == UNSEALED else really_open(cipher, kept, place)

        monkeypatch.setattr(crypto.Cipher, "seal", lambda _self, plain, _place: UNSEALED + plain)
        monkeypatch.setattr(crypto.Cipher, "open", open_either)
    return bool(request.param)


def work(app: Flask, county: County) -> None:
    """Every way in which a number comes into the system: typed and changed at the desk, answered, refused, looked at."""
    desk, phone = Desk(app), Phone(app, county)
    person, household = f"/people/{county.person_uuids[0]}", f"/households/{county.household_uuid}"
    first = {
        "id_number": NUMBERS["ID number before"],
        "birth_on": "1949-12-31",
        "phone": NUMBERS["phone before"],
    }
    then = {"id_number": NUMBERS["ID number"], "birth_on": "1950-05-04", "phone": NUMBERS["phone"]}
    kept = {
        "name": "刘玉珍",
        "sex": "f",
        "main_class": "dibao_rural",
        "risk": "high",
        "bank_account": NUMBERS["account"],
        "carers-0-role": "guardian",
        "carers-0-name": "刘强",
        "carers-0-phone": NUMBERS["carer's phone"],
    }
    for seen, numbers in enumerate((first, then)):
        changed = desk.post(
            person + "/edit",
            seen=10 * seen,
            reason=f"本人来电 {NUMBERS['phone in a reason']}",
            **kept,
            **numbers,
        )
        assert changed.status_code == 303, changed.text
    changed = desk.post(
        household + "/edit",
        datum="WGS84",
        seen=0,
        name="刘玉珍",
        address="幸福村2组",
        phone=NUMBERS["household's phone"],
    )
    assert changed.status_code == 303
    key = f"{county.person_uuids[0]}.id_number"
    why = f"与 {NUMBERS['ID number in a reason for looking']} 核对"
    assert desk.post(household + "/numbers", number=key, reason=why).status_code == 200
    told = f"打 {NUMBERS['phone in an answer']}，证件 {NUMBERS['ID number in an answer']}"
    answered = {"reached": "reached", "home": {"food_days": "lt3", "urgent_note": told}}
    assert phone.push(phone.op("visit.submit", phone.visit(answered)))[0]["outcome"] == "accepted"
    told = f"{NUMBERS['phone in what waits at the office']} {NUMBERS['account in what waits at the office']}"
    foreign = Phone(app, county, "worker2")
    waits = foreign.op("visit.submit", foreign.visit({"reached": "reached", "home": {"urgent_note": told}}))
    assert foreign.push(waits)[0]["outcome"] == "rejected"
    give_aid(app, county, phone)
    good, refused, headless = make_row(0, GRID), make_row(2, GRID), make_row(4, GRID)
    refused[1] = NUMBERS["ID number that is refused"]
    bring_in(desk, [HEADER, good, refused])
    # The headings are forgotten, and somebody's first row takes their place.
    bring_in(desk, [headless, good], source="残联")
    compared = f"身份证号,配偶\n{make_id(6)},{make_id(8)}\n"
    screened = Desk(app, "officer").post(
        "/screenings",
        form_uuid=str(uuid.uuid4()),
        name="比对",
        area="230183",
        screened_on="2026-11-20",
        file=(io.BytesIO(compared.encode()), "名单.csv"),
    )
    assert screened.status_code == 303
    pay(
        desk,
        [
            ["姓名", "身份证号", "账号", "金额"],
            ["王桂兰", make_id(12), NUMBERS["account of a payment"], "五百"],
        ],
    )
    pay(desk, [["王桂芝", make_id(14), "6217000012340000", "500"], ["王桂兰", make_id(12), "", "500"]])
    with app.app_context(), transaction():
        load_areas(["230100"])
        facts = UnitFacts("welfare_institute", phone=NUMBERS["unit's phone"])
        add_unit(get_area("230100"), "230100000000001", "福利院", facts)


def give_aid(app: Flask, county: County, phone: Phone) -> None:
    """What is written of aid on a phone, and why a county wants receipts of it."""
    entry = {"aid_uuid": str(uuid.uuid4()), "household_uuid": county.household_uuid}
    given = {
        "kind": "cash",
        "programme": "condolence",
        "source": "public",
        "amount_cents": 100_00,
        "is_given": True,
        "on": "2026-11-20",
        "note": f"打到 {NUMBERS['account in a remark of aid']}",
        "received_by": f"女儿 {NUMBERS['phone of who took aid']}",
    }
    wrong = {"reason": f"应为 {NUMBERS['phone in a reason for aid that was wrong']}"}
    for kind, body in (("aid.record", entry | given), ("aid.take_back", entry | wrong)):
        assert phone.push(phone.op(kind, body))[0]["outcome"] == "accepted"
    why = f"问 {NUMBERS['phone in a reason for receipts']}"
    terms = {"cash": "always", "goods": "never", "based_on": "0", "reason": why}
    assert Desk(app, "officer").post(f"/aid/policy/{GRID[:6]}", **terms).status_code == 303


def bring_in(desk: Desk, rows: Sequence[Sequence[str]], source: str = "低保名册") -> None:
    """A roster is brought in and its good rows are applied; where its columns are not known, it is left there."""
    page = desk.post("/imports", file=(io.BytesIO(as_csv(rows)), "名册.csv"), source=source).location
    fields = (
        "name",
        "id_number",
        "",
        "relation",
        "grid",
        "address",
        "phone",
        "",
        "",
        "",
        "bank_name",
        "bank_account",
        "",
    )
    desk.post(f"{page}/columns", **{f"column-{place}": name for place, name in enumerate(fields)})
    for step in (None, "apply"):
        if step:
            desk.post(f"{page}/{step}", rows="good")
        while "progress" in desk.get(page).text:
            assert desk.post(f"{page}/go-on").status_code == 303


def pay(desk: Desk, rows: Sequence[Sequence[str]]) -> None:
    """A list of payments is brought in and compared; why it leaves as a file names a number, too."""
    page = desk.post(
        "/payments", file=(io.BytesIO(as_csv(rows)), f"{NUMBERS['account of a payment']}.csv")
    ).location
    terms = {"programme": "dibao", "source": "public", "period": "2026-10", "paid_on": "2026-11-05"}
    fields = ("name", "id_number", "account", "amount")
    desk.post(f"{page}/columns", **terms, **{f"column-{place}": name for place, name in enumerate(fields)})
    while "progress" in desk.get(page).text:
        assert desk.post(f"{page}/go-on").status_code == 303
    reason = f"退回财政局，{NUMBERS['ID number in a reason of a payment']}"
    assert desk.post(f"{page}/unmatched.xlsx", reason=reason).status_code == 200


def list_places(app: Flask, folder: Path, backups: Path) -> Iterator[tuple[str, bytes]]:
    """All that is kept, by place: the rows of each table, the files of the installation and of a backup, a plain dump."""
    with app.app_context():
        for table in db.metadata.sorted_tables:
            # As the database holds it: no column type of ours opens anything.
            for row in db.session.execute(text(f'SELECT * FROM "{table.name}"')):
                for value in row:
                    yield (
                        f"table {table.name}",
                        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode(),
                    )
        make_backup(backups, 7, clock.now())
        url = db.engine.url.render_as_string(hide_password=False)
        db.engine.dispose()
    if make_url(url).get_backend_name() == "postgresql":
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        dump = [_find_program("pg_dump"), "--format=plain", f"--dbname={plain}"]
        yield "dump", subprocess.run(dump, check=True, capture_output=True).stdout
    for kind, place in (("file", folder), ("backup", backups)):
        for file in place.rglob("*"):
            if file.is_file():
                yield f"{kind} {file.name}", file.read_bytes()


def find_numbers(places: Iterator[tuple[str, bytes]]) -> dict[str, set[str]]:
    """Which numbers are found, as text of any width or as hexadecimal digits of it, and where."""
    spelled = {
        what: [number.encode(), number.encode("utf-16-le"), number.encode().hex().encode()]
        for what, number in NUMBERS.items()
    }
    found: dict[str, set[str]] = {}
    for place, content in places:
        for what, spellings in spelled.items():
            if any(one in content for one in spellings):
                found.setdefault(place, set()).add(what)
    return found


def test_numbers_stand_nowhere_in_the_clear_and_are_all_found_without_encryption(
    app, county, settings, tmp_path, sealed
):
    work(app, county)
    found = find_numbers(list_places(app, settings.data_dir, tmp_path / "backups"))
    if sealed:
        assert found == {}
        return
    assert {place.removeprefix("table ") for place in found if place.startswith("table ")} >= HOLDERS
    assert set.union(*(found[f"table {table}"] for table in HOLDERS)) == set(NUMBERS)
    if "dump" in found:
        assert found["dump"] == set(NUMBERS)
        # The backup of PostgreSQL is packed; what a dump of it says is what the plain one says.
    else:
        assert set.union(*(whats for place, whats in found.items() if place.startswith("file "))) == set(
            NUMBERS
        )
        assert set.union(*(whats for place, whats in found.items() if place.startswith("backup "))) == set(
            NUMBERS
        )
