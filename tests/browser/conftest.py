"""Phones and desks on the live demo county, in real Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ViewportSize, expect

from tests.browser.desk import Desk
from tests.browser.office import Office
from tests.browser.phone import Phone
from tests.browser.words import Words
from tests.factories import County, Phone as Caller
from tests.live import Live, LiveClient

# A busy machine is slow, not wrong; what is there at once is not waited for.
expect.set_options(timeout=15_000)

# A desk as the issue asks for it.
DESK_SIZE: ViewportSize = {"width": 1360, "height": 800}


@pytest.fixture
def words(request: pytest.FixtureRequest) -> Words:
    """Chinese, or the language a test is parametrised with."""
    return Words(getattr(request, "param", "zh"))


@pytest.fixture
def new_phone(open_context: Callable[..., BrowserContext], words: Words) -> Callable[..., Phone]:
    """Unpacks phones: `new_phone()`, with the browser's options where it matters."""
    return lambda **options: Phone(open_context("phone", **options), words)


@pytest.fixture
def phone(new_phone: Callable[..., Phone], live: Live) -> Phone:
    """A phone with `worker` signed in, ready to work without a network."""
    phone = new_phone()
    phone.sign_in(live.password)
    return phone


@pytest.fixture
def desk(open_context: Callable[..., BrowserContext], words: Words, live: Live) -> Desk:
    """A desk with `supervisor` signed in."""
    desk = Desk(open_context("desk", viewport=DESK_SIZE), words)
    desk.sign_in(live.password)
    return desk


class Registry:
    """What the server tells the phone of an account, asked apart from any browser."""

    def __init__(self, live: Live, username: str) -> None:
        caller = Caller(None, County(), username, live.password, LiveClient(live))
        self._records: dict[tuple[str, str], Any] = caller.pull()

    def home_of(self, name: str) -> tuple[float, float]:
        """Where a household is registered to be: degrees (lat, lon)."""
        household = self._household(name)
        return household["lat"], household["lon"]

    def count_waiting_visits(self, name: str) -> int:
        """How many visits to a household wait for review."""
        household_uuid = self._household(name)["household_uuid"]
        visits = self.records("visit")
        return sum(one["household_uuid"] == household_uuid and one["state"] == "submitted" for one in visits)

    def records(self, kind: str) -> list[Any]:
        """All records of a kind that the account's phone holds."""
        return [record for (one, _), record in self._records.items() if one == kind]

    def _household(self, name: str) -> Any:
        return next(record for record in self.records("household") if record["name"] == name)


@pytest.fixture
def ask_server(live: Live) -> Callable[[], Registry]:
    """Asks the server what it holds now for `worker`."""
    return lambda: Registry(live, "worker")


@pytest.fixture
def office(live: Live) -> Iterator[Office]:
    """The live server from behind."""
    office = Office(live)
    yield office
    office.close()
