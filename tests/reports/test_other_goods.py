"""What the other goods were is written out: of a county and a city, on the page, in the workbook and in a sheet that was sent."""

from __future__ import annotations

import io
import re

from openpyxl import load_workbook
from sqlalchemy import update

from fieldapp.aid.actions import Given
from fieldapp.aid.models import Aid
from fieldapp.core.codes import Code
from fieldapp.core.db import db, transaction
from fieldapp.reports import recount
from tests import statements
from tests.factories import Desk
from tests.followups.test_pages import words_of
from tests.reports.city import CITY, COUNTIES, City
from tests.reports.spring import ALL, W1 as FIRST_WEEK, A, Spring

W1, W2 = "2026-03-06", "2026-03-13"
MOST = 15


def goods(item: str, number: int, unit: str) -> Given:
    milli = number * 1000
    return Given(
        kind="goods", programme="condolence", source="public", item=item, quantity_milli=milli, unit=unit
    )


def lines(answer) -> list[str]:
    """What the page says of other goods."""
    return [line for line in answer.text.split('<p class="small">') if line.startswith("其他物品")]


def said(answer) -> list[str]:
    return [line.split("</p>")[0] for line in lines(answer)]


def foot_of(answer) -> list[str]:
    """The same, of the third sheet of the workbook."""
    page = load_workbook(io.BytesIO(answer.data)).worksheets[2]
    return [cell.value for cell in page["A"] if str(cell.value or "").startswith("其他物品")]


def test_other_goods_are_written_out_of_county_and_city(city: City) -> None:
    app, (one, other) = city.app, COUNTIES[:2]
    with app.app_context(), transaction():
        wheelchair = {"column": "other", "units": {"vehicle": 1000}}
        db.session.add(
            Code(table="aid_goods", code="wheelchair", zh="轮椅", en="Wheelchair", extra=wheelchair)
        )
        db.session.add(Code(table="aid_unit", code="vehicle", zh="辆", en="pieces", extra={}))
    home, there = (
        city.add_household(next(grid for grid in city.grids if grid.startswith(county)), ("none", ()))[0]
        for county in (one, other)
    )
    city.at("2026-03-03 10:00")
    city.give(home, goods("other", 3, "piece"))
    # Nobody knows how many portions a drum of rice is.
    city.give(home, goods("rice", 2, "drum"))
    city.give(home, goods("rice", 5, "bag"))
    wrong = city.give(there, goods("wheelchair", 1, "vehicle"))
    city.at("2026-03-07 10:00")
    city.give(home, goods("rice", 1, "drum"))
    city.give(there, goods("wheelchair", 2, "vehicle"))
    city.reverse(wrong)

    names = {
        code: words_of(Desk(app, f"county_{code}").get(f"/reports/{code}-{W1}")) for code in (one, other)
    }
    assert "轮椅 1 辆" in names[other]
    assert "轮椅" not in names[one]
    county = said(Desk(app, f"county_{one}").get(f"/reports/{one}-{W2}"))
    # In all, and the township.
    assert county[0] == "其他物品（合计）：本周 大米 1 桶；累计 其他物品 3 件、大米 3 桶。"
    assert len(county) == 2
    assert said(Desk(app, f"county_{other}").get(f"/reports/{other}-{W2}"))[0] == (
        "其他物品（合计）：本周 轮椅 1 辆；累计 轮椅 2 辆。"
    )
    live = Desk(app, "city").get(f"/reports/{CITY}-{W2}?view=live")
    sums = "其他物品（合计）：本周 大米 1 桶、轮椅 1 辆；累计 其他物品 3 件、大米 3 桶、轮椅 2 辆。"
    assert said(live)[0] == sums
    assert len(said(live)) == 3
    assert foot_of(Desk(app, "city").get(f"/reports/{CITY}-{W2}.xlsx?view=live")) == said(live)

    # A county that has not confirmed is in no sum; what was confirmed stays as it was.
    city.at("2026-03-13 15:00")
    desk = Desk(app, f"county_{one}")
    page = desk.get(f"/reports/{one}-{W2}")
    seen = page.text.split('name="seen"')[1].split('value="')[1].split('"')[0]
    answer = desk.post(f"/reports/{one}-{W2}/confirm", seen=seen, head="", checker="", filler="", phone="")
    assert answer.status_code == 303, answer.text
    city.at("2026-03-13 16:00")
    city.give(home, goods("other", 7, "piece"))
    gathered = Desk(app, "city").get(f"/reports/{CITY}-{W2}")
    assert said(gathered)[0] == county[0]
    assert len(said(gathered)) == 2
    assert foot_of(Desk(app, "city").get(f"/reports/{CITY}-{W2}.xlsx")) == said(gathered)
    # Signed in an hour ago, at the desk.
    desk = Desk(app, f"county_{one}")
    sheet = desk.get(f"/reports/{one}-{W2}/sheets/0")
    assert said(sheet) == county
    assert foot_of(desk.get(f"/reports/{one}-{W2}.xlsx?number=0")) == county
    with statements.noted() as sent:
        desk.get(f"/reports/{one}-{W2}")
    assert sum(one.startswith(("SELECT", "WITH")) for one in sent) <= MOST
    with app.app_context():
        assert recount.list_wrong() == {}


def test_nothing_is_said_of_other_goods_where_there_are_none(city: City) -> None:
    home, _ = city.add_household(city.grids[0], ("none", ()))
    city.at("2026-03-03 10:00")
    city.give(home, goods("rice", 5, "bag"))
    page = Desk(city.app, "city").get(f"/reports/{CITY}-{W1}?view=live")
    assert said(page) == []


def test_goods_replaced_by_others_of_the_same_amount_are_a_difference_and_make_a_correction(
    spring: Spring,
) -> None:
    city = spring.city
    spring.first_week()
    city.at("2026-04-09 16:00")
    for number in (2, 1):
        city.give(spring.h1, goods("rice", number, "drum"))
        city.give(spring.h1, goods("other", number, "piece"))
    city.at("2026-04-10 15:00")
    spring.report(FIRST_WEEK, ALL)
    swapped = update(Aid).where(Aid.item == "other", Aid.quantity_milli == 2_000)
    with city.app.app_context(), transaction():
        db.session.execute(swapped.values(item="rice", unit="drum"))

    changes = Desk(city.app, "city").get(f"/reports/{CITY}-{FIRST_WEEK}").text.split('id="changes-title"')[1]
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th><td>(.*?)</td><td>(.*?)</td>(.*?)</tr>", changes)
    said = [(area, part, column, re.findall(r">([^<]*)</td>", values)) for area, part, column, values in rows]
    name = next(area for area, *_ in said if area != "合计")
    assert said == [
        (area, part, column, values)
        for area in ("合计", name)
        for part in ("本周", "累计")
        for column, values in (("其他物品：其他物品（件）", ["3", "1"]), ("其他物品：大米（桶）", ["3", "5"]))
    ]
    assert spring.correct(FIRST_WEEK, "品名录错") == 1
    kept = {(one.item, one.unit): one.week_milli for one in spring.sheet(FIRST_WEEK).sum.goods}
    assert kept == {("other", "piece"): 1_000, ("rice", "drum"): 5_000}
    confirmed = Desk(city.app, f"county_{A}").get(f"/reports/{A}-{FIRST_WEEK}").text
    assert "其他物品：大米（桶）" in confirmed
