"""The report as an Excel workbook, opened and read cell by cell."""

from __future__ import annotations

import io
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter

from fieldapp.reports.layout import COLUMNS
from tests.factories import Desk
from tests.reports.city import CITY, PROPER
from tests.reports.spring import ALL, W1, W2, A, B, Spring


def test_the_workbook_has_three_sheets_with_merged_heads_across_a3(spring: Spring) -> None:
    spring.first_week()
    spring.report(W1, ALL)
    spring.second_week()
    spring.report(W2, (A, B, PROPER))
    desk = Desk(spring.city.app, "city")
    answer = desk.get(f"/reports/{CITY}-{W2}.xlsx?number=0")
    assert answer.status_code == 200
    book = load_workbook(io.BytesIO(answer.data))
    assert len(book.sheetnames) == 3
    seen: dict[str, list[Any]] = {}
    for page in book:
        assert (page.page_setup.orientation, page.page_setup.paperSize) == ("landscape", 8)
        # Pressed into the width of A3 (less its margins), the smallest letters still have 8 points.
        widths = [page.column_dimensions[get_column_letter(at)].width for at in range(1, page.max_column + 1)]
        scale = min(1, (420 - 2 * 0.4 * 25.4) / 25.4 * 72 / sum(width * 7 * 0.75 for width in widths))
        smallest = min(
            cell.font.size for row in page.iter_rows() for cell in row if cell.value not in (None, "")
        )
        assert smallest * scale >= 8, (page.title, scale)
        heads = [str(merged) for merged in page.merged_cells.ranges]
        assert f"A1:{page.cell(1, page.max_column).coordinate}" in heads
        assert "A3:A5" in heads
        names = [page.cell(4, at).value for at in range(3, page.max_column + 1)]
        for line in range(6, page.max_row - 1, 2):
            area = page.cell(line, 1).value
            for place, part in enumerate(("week", "total")):
                values = [page.cell(line + place, at).value for at in range(3, page.max_column + 1)]
                seen.setdefault(f"{area} {part}", []).extend(zip(names, values, strict=True))
    order = list(COLUMNS.values())
    sent = spring.sheet(W2)
    for row in [sent.sum, *sent.rows]:
        area = "合计" if row is sent.sum else row.name
        for part in ("week", "total"):
            cells = [value for _, value in seen[f"{area} {part}"]]
            figures = getattr(row, part)
            if figures is None:
                assert set(cells) == {"未报"}
                continue
            for column, cell in zip(order, cells, strict=True):
                value = figures.get(column.name)
                scale = {"yuan": 100, "pieces": 1000}.get(column.kind, 1)
                assert cell == (None if value is None else value / scale), (area, part, column.name)
    answer = desk.get(f"/reports/{CITY}-{W2}.xlsx?number=0&paper=A4")
    assert {page.page_setup.paperSize for page in load_workbook(io.BytesIO(answer.data))} == {9}
