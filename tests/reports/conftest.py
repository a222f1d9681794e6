"""The city of the reports."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from fieldapp.core import clock
from tests.factories import County
from tests.reports.city import City
from tests.reports.spring import Spring


@pytest.fixture
def city(app: Flask, county: County, monkeypatch: pytest.MonkeyPatch) -> City:
    """A city of three counties; it is the morning of Monday, 2 March 2026."""
    told = [datetime(2026, 3, 2, 9, tzinfo=clock.LOCAL)]
    monkeypatch.setattr(clock, "now", lambda: told[0])
    return City(app, lambda now: told.__setitem__(0, now))


@pytest.fixture
def spring(city: City) -> Spring:
    """That city in the spring of 2026; nothing has happened yet."""
    return Spring(city)
