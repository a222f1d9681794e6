"""A table of figures says what the report says, whatever its rows are."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest

from fieldapp.areas.models import Area
from fieldapp.core.db import db
from fieldapp.reports import queries
from fieldapp.reports.rules import write_figure
from fieldapp.rollups.columns import DISTINCT
from fieldapp.tables import figures
from fieldapp.tables.figures import COLUMNS
from tests.factories import Desk
from tests.reports.city import CITY
from tests.reports.spring import W1, W2, W3, A, Spring, week_of

EVERY = "&".join(f"column={name}" for name in COLUMNS)


def read_table(page: str) -> dict[str, list[str]]:
    """The cells of each row by its head."""
    rows = re.findall(r'<tr[^>]*><th scope="row"[^>]*>(.*?)</th>(.*?)</tr>', page, re.S)
    return {
        unescape(re.sub("<[^>]+>", "", head)).strip(): [
            unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", cells)
        ]
        for head, cells in rows
    }


@pytest.fixture
def three_weeks(spring: Spring) -> Spring:
    spring.first_week()
    spring.second_week()
    spring.third_week()
    return spring


def test_figures_of_areas_and_weeks_are_those_of_the_report(three_weeks: Spring) -> None:
    spring = three_weeks
    desk = Desk(spring.city.app, "city")
    with spring.city.app.app_context():
        city = db.session.get_one(Area, CITY)
        live = {week_on: queries.read_live(city, week_of(week_on)) for week_on in (W1, W2, W3)}
        county = queries.read_live(db.session.get_one(Area, A), week_of(W2))

    def as_said(counted, **more) -> dict[str, str]:
        known = {**counted, **more}
        return {name: write_figure(known[name], column.kind) for name, column in COLUMNS.items()}

    def shown(query: str) -> dict[str, dict[str, str]]:
        page = desk.get(f"/tables/table?kind=figures&{EVERY}&{query}")
        assert page.status_code == 200
        return {head: dict(zip(COLUMNS, cells, strict=True)) for head, cells in read_table(page.text).items()}

    week = shown(f"area={CITY}&rows=county&period=chosen&from={W2}&until={W2}")
    total = shown(f"area={CITY}&rows=county&period=total")  # the last week that is over is the third
    for row in [live[W2].sum, *live[W2].rows]:
        head = "合计" if row.code == CITY else row.name
        # The report knows what is open of all that runs; a week by itself has it too, as it was at its end.
        assert week[head] == as_said(row.week, open=row.total["open"]), head
    for row in [live[W3].sum, *live[W3].rows]:
        assert total["合计" if row.code == CITY else row.name] == as_said(row.total)
    # Below the counties 市本级 stands beside the townships of all of them.
    townships = shown(f"area={CITY}&rows=township&period=total")
    assert townships["哈尔滨市本级"] == total["哈尔滨市本级"]
    assert townships["合计"] == total["合计"]
    of_county = shown(f"area={A}&rows=township&period=chosen&from={W2}&until={W2}")
    for row in county.rows:
        assert of_county[row.name] == as_said(row.week, open=row.total["open"])
    # By weeks: each as by itself; of three together it is not known who was seen in several of them.
    weeks = shown(f"area={CITY}&rows=weeks&period=chosen&from={W1}&until={W3}")
    for week_on, report in live.items():
        said = as_said(report.sum.week, open=report.sum.total["open"])
        assert weeks[f"至{week_on.year}年{week_on.month}月{week_on.day}日的一周"] == said
    assert {weeks["合计"][name] for name in DISTINCT} == {"—"}
    assert int(weeks["合计"]["contacts"]) == sum(
        (report.sum.week or {}).get("contacts", 0) for report in live.values()
    )


def test_a_file_of_figures_has_the_numbers_of_the_page(three_weeks: Spring) -> None:
    app = three_weeks.city.app
    query = f"kind=figures&{EVERY}&area={CITY}&rows=grid&period=total"
    desk = Desk(app, "city")
    file = desk.post(f"/tables/table/file?{query}", reason="年度总结", format="csv")
    heads, *rows = csv.reader(io.StringIO(file.data.decode("utf-8-sig")))
    assert len(heads) == 1 + len(COLUMNS)
    page = read_table(desk.get(f"/tables/table?{query}").text)
    assert {row[0] for row in rows} == page.keys()
    for head, *cells in rows:
        for name, cell in zip(COLUMNS, cells, strict=True):
            scale = {"yuan": 100, "pieces": 1000}.get(COLUMNS[name].kind, 1)
            assert (
                write_figure(round(float(cell) * scale), COLUMNS[name].kind)
                == page[head][list(COLUMNS).index(name)]
            ), (head, name)
    # The unit directly under the city stands beside the grids.
    assert "哈尔滨市本级 救助管理站" in page


def test_pages_of_a_table_come_to_all_of_it(three_weeks: Spring, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(three_weeks.city.app, "city")
    address = f"/tables/table?kind=figures&area={CITY}&rows=grid&period=total&column=contacts"
    whole = read_table(desk.get(address).text)
    monkeypatch.setattr(figures, "PAGE_ROWS", 2)
    seen: list[str] = []
    while address:
        page = desk.get(address).text
        seen += [head for head in read_table(page) if head != "合计"]
        following = re.search(r'<nav class="pages[^>]*><a class="button" href="([^"]+)"', page)
        address = unescape(following[1]) if following else ""
    assert ["合计", *seen] == list(whole)
    assert len(seen) > 2
