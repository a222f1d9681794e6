"""`python -m fieldapp import`: what the desk's pages do, from the command line."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from fieldapp.core.db import db
from fieldapp.people.models import Person
from tests.factories import GRID
from tests.imports.rosters import HEADER, as_xlsx, make_row
from tests.live import run_command


def test_a_roster_is_checked_then_written(app, county, settings, tmp_path):
    book = tmp_path / "roster.xlsx"
    book.write_bytes(as_xlsx([HEADER, *(make_row(number, GRID) for number in range(5))]))
    where = {"data_dir": settings.data_dir}
    if settings.database_url:
        where["database_url"] = settings.database_url
    arguments = ("import", book, "--by", "supervisor", "--source", "低保名册")
    assert "5 add" in run_command(*arguments, **where)
    with app.app_context():
        assert len(db.session.scalars(select(Person)).all()) == 3
    assert "5 add" in run_command(*arguments, "--write", "all", **where)
    with app.app_context():
        assert len(db.session.scalars(select(Person)).all()) == 8
    # There is nothing left to do, which is said and not done.
    with pytest.raises(RuntimeError, match="no row adds or changes anything"):
        run_command(*arguments, "--write", "all", **where)
    with pytest.raises(RuntimeError, match="no such supervisor or officer"):
        run_command("import", book, "--by", "worker", "--source", "x", **where)
