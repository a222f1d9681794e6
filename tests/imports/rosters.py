"""Rosters of invented people as files, and an import of one from upload to end."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import openpyxl
from flask import Flask
from sqlalchemy import select

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.imports import actions
from fieldapp.imports.models import RUNNING, Import
from fieldapp.imports.tables import Limits
from fieldapp.people.rules import id_check_digit
from fieldapp.users.models import User

HEADER = (
    *("姓名", "身份证号", "户主", "与户主关系", "所属网格", "家庭住址", "联系电话"),
    *("救助类别", "风险等级", "标签", "开户行", "银行账号", "备注"),
)
LIMITS = Limits(50_000_000, 200_000)
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_GIVEN = "桂兰玉珍淑芬建国志强秀英海燕春梅庆永福德胜凤霞明远"


def make_id(number: int, *, is_wrong: bool = False) -> str:
    """The ID number of the invented person of that number."""
    # Birthdays are far enough apart that few are taken for each other.
    born = date(1935, 1, 1) + timedelta(days=(number % 1000 * 23 + number // 1000 * 7) % 25_000)
    first = f"230123{born:%Y%m%d}{number % 1000:03d}"
    digit = id_check_digit(first)
    return first + (digit if not is_wrong else "1" if digit != "1" else "2")


def make_name(number: int) -> str:
    """Their name."""
    surname, given, other = len(_SURNAMES), len(_GIVEN), len(_GIVEN)
    return (
        _SURNAMES[number % surname]
        + _GIVEN[number // surname % given]
        + _GIVEN[number // (surname * given) % other]
    )


def make_row(number: int, grid: str) -> list[str]:
    """A good row: two people to a household, the even one its head; no two heads of a grid share a name."""
    head = number - number % 2
    return [
        make_name(number),
        make_id(number),
        f"{make_name(head)}{head // 2}",
        "户主" if number == head else "配偶",
        grid,
        f"{head % 97 + 1}号",
        f"139{number:08d}",
        "农村低保",
        ("高", "中", "低")[number % 3],
        "独居老人、残疾人" if number % 5 == 0 else "",
        "农村信用社",
        f"622848{number:013d}",
        "",
    ]


def as_csv(rows: Iterable[Sequence[str]], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    """A CSV file of rows."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue().encode(encoding)


def as_xlsx(rows: Iterable[Sequence[object]], **others: Iterable[Sequence[object]]) -> bytes:
    """A workbook of rows; `others`: the rows of further sheets, by their names."""
    book = openpyxl.Workbook(write_only=True)
    for name, of_sheet in {"人员": rows, **others}.items():
        sheet = book.create_sheet(name)
        for row in of_sheet:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def find_user(username: str) -> User:
    """The account of that name; inside an app context."""
    return db.session.scalars(select(User).where(User.username == username)).one()


def stage(app: Flask, content: bytes, username: str = "supervisor") -> int:
    """Take a file in and check it with the columns as they are recognised; gives the import's number."""
    with app.app_context():
        user = find_user(username)
        held = actions.stage(user, "低保名册", "名册.xlsx", io.BytesIO(content), LIMITS, clock.now())
        with transaction():
            actions.choose_columns(user, held, held.fields)
        run(held.import_id)
        return held.import_id


def run(import_id: int) -> Import:
    """Go on with what runs until it does not; inside an app context."""
    while True:
        held = actions.go_on(import_id, clock.now(), 60)
        if held.state not in RUNNING:
            return held


def apply(app: Flask, import_id: int, *, whole: bool = False, username: str = "supervisor") -> None:
    """Write what was checked."""
    with app.app_context():
        user = find_user(username)
        with transaction():
            held = db.session.get_one(Import, import_id)
            actions.start_applying(user, held, whole=whole, now=clock.now())
        run(import_id)


def undo(app: Flask, import_id: int, username: str = "supervisor") -> None:
    """Take it back."""
    with app.app_context():
        user = find_user(username)
        with transaction():
            actions.start_undoing(user, db.session.get_one(Import, import_id), clock.now())
        run(import_id)
