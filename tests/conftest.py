"""What tests stand on: an app on a fresh database, on SQLite and on PostgreSQL; a live server; a browser.

Invariant: every test starts from the same state, an installation just set up, and leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import FileSystemBytecodeCache
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from fieldapp import create_app
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.web import limiter
from fieldapp.settings import Settings
from fieldapp.users import actions as user_actions
from tests import chromium, postgresql
from tests.factories import County, Phone, make_county, set_review_policy
from tests.live import Live, make_demo_county, run_command

# Every test that touches the database runs on both.
ENGINES = ("sqlite", "postgres")
# Tests running side by side may share a PostgreSQL server, never a database.
DATABASE = "fieldapp_test_" + os.environ.get("PYTEST_XDIST_WORKER", "alone")
# What Playwright says last when the browser itself has stopped drawing: asked whether something stands still, it never answered.
# Of whatever a page does wrong it would have said more. Seen once in some thousand tests; such a test begins anew, once.
STOPPED_DRAWING = r"Timeout \d+ms exceeded\.(?s:.*)waiting for element to be visible, enabled and stable\s*\Z"


def pytest_configure(config: pytest.Config) -> None:
    """End as on Ctrl-C when told to stop, so that servers started by fixtures are stopped too."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Still argon2, but without its cost: a hundred tests make nine accounts each.
    user_actions.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what drives the app in Chromium as `browser`, and run it last: what it rests on is reported first."""
    for item in items:
        if "browser" in item.path.relative_to(Path(__file__).parent).parts:
            item.add_marker("browser")
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=STOPPED_DRAWING))
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


# --- an app on a database of its own ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    try:
        with postgresql.server_url() as url:
            yield url
    except postgresql.PostgresMissing as missing:
        pytest.exit(str(missing), returncode=1)


@dataclass(frozen=True)
class Installation:
    """One to be copied: its data folder, its database when that is on PostgreSQL, and the county in it, if any."""

    folder: Path
    database: str = ""
    county: County | None = None


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation just set up."""
    installation = Installation(tmp_path_factory.mktemp("sqlite"))
    run_command("init", data_dir=installation.folder)
    return installation


@pytest.fixture(scope="session")
def sqlite_with_county(sqlite: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The same with the county of tests/factories.py."""
    folder = tmp_path_factory.mktemp("county") / "data"
    shutil.copytree(sqlite.folder, folder)
    return Installation(folder, county=_add_county(Settings(data_dir=folder)))


@pytest.fixture(scope="session")
def postgres(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation just set up, its database on PostgreSQL."""
    installation = Installation(tmp_path_factory.mktemp("postgres"), DATABASE + "_empty")
    url = postgresql.create_database(postgres_server, installation.database)
    run_command("init", data_dir=installation.folder, database_url=url)
    yield installation
    # That of the tests themselves is kept between them.
    for name in (DATABASE, installation.database):
        postgresql.drop_database(postgres_server, name)


@pytest.fixture(scope="session")
def postgres_with_county(postgres_server: str, postgres: Installation) -> Iterator[Installation]:
    """The same with the county of tests/factories.py."""
    name = DATABASE + "_county"
    url = postgresql.create_database(postgres_server, name, postgres.database)
    county = _add_county(Settings(data_dir=postgres.folder, database_url=url))
    yield Installation(postgres.folder, name, county)
    postgresql.drop_database(postgres_server, name)


def _add_county(settings: Settings) -> County:
    app = create_app(settings)
    county = make_county(app)
    with app.app_context():
        db.engine.dispose()
    return county


@pytest.fixture(params=ENGINES)
def installation(request: pytest.FixtureRequest) -> Installation:
    """What the test's own installation is a copy of: on either engine, with the county if the test asks for `county`."""
    with_county = "_with_county" if "county" in request.fixturenames else ""
    return request.getfixturevalue(request.param + with_county)


@pytest.fixture
def settings(
    request: pytest.FixtureRequest, installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings of an installation in a folder and a database that the test has to itself, always the same ones."""
    folder = tmp_path_factory.getbasetemp() / f"data-{'postgres' if installation.database else 'sqlite'}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(installation.folder, folder)
    if not installation.database:
        return Settings(data_dir=folder)
    server = request.getfixturevalue("postgres_server")
    return Settings(
        data_dir=folder, database_url=postgresql.renew_database(server, DATABASE, installation.database)
    )


@pytest.fixture
def county(installation: Installation) -> County:
    """The county of tests/factories.py, which the test's installation then holds."""
    assert installation.county
    return deepcopy(installation.county)


@pytest.fixture
def phone(app: Flask, county: County) -> Phone:
    """The phone of the county's `worker`."""
    return Phone(app, county)


@pytest.fixture(scope="session")
def apps(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Settings], Flask]:
    """The app of an installation, made once: making it, its templates and its queries anew would take half the time."""
    templates = FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))
    made: dict[tuple[Path, str], Flask] = {}

    def get_app(settings: Settings) -> Flask:
        key = settings.data_dir, settings.resolved_database_url
        if key not in made:
            made[key] = create_app(settings)
            made[key].jinja_env.bytecode_cache = templates
        app = made[key]
        app.testing, app.config["FIELDAPP"] = True, settings
        return app

    return get_app


@pytest.fixture
def app(settings: Settings, apps: Callable[[Settings], Flask]) -> Iterator[Flask]:
    """The app on a fresh database. No context is open: requests must not share one, nor with the test."""
    app = apps(settings)
    limiter.reset()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A caller with cookies of its own; more of them: `app.test_client()`."""
    return app.test_client()


# --- the real server, and a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def demo_county(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A data folder with the demo county, made once and copied, and the password of its accounts.

    Every visit is looked at by a person there, as in the county of tests/factories.py.
    """
    folder = tmp_path_factory.mktemp("demo")
    password = make_demo_county(folder)
    app = create_app(Settings(data_dir=folder))
    with app.app_context():
        with transaction():
            set_review_policy("officer", clock.now(), county_code="230123", accepts=False)
        db.engine.dispose()
    return folder, password


@pytest.fixture(scope="session")
def next_live(
    demo_county: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Live]]:
    """Gives a server on its own copy of the demo county; while a test uses it, the next one gets ready."""
    folder, password = demo_county
    waiting: list[Live] = []

    def launch() -> None:
        data_dir = tmp_path_factory.mktemp("live") / "data"
        shutil.copytree(folder, data_dir)
        waiting.append(Live(data_dir, password))
        waiting[-1].launch()

    def take() -> Live:
        server = waiting.pop()
        launch()
        server.wait_until_it_answers()
        return server

    launch()
    yield take
    waiting.pop().kill()


@pytest.fixture
def live(next_live: Callable[[], Live]) -> Iterator[Live]:
    """The real server on the demo county, as `make run` starts it; it may be stopped and started."""
    server = next_live()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def open_context(browser: Browser, live: Live) -> Iterator[Callable[..., BrowserContext]]:
    """Opens browser contexts on the live server: `open_context("phone", locale="en-US")`, or "desk".

    Ends the test with a failure when a page threw an error nobody caught.
    """
    opened: list[BrowserContext] = []
    thrown: list[str] = []

    def open_one(kind: str, **options: object) -> BrowserContext:
        context = browser.new_context(**{**chromium.SCREENS[kind], "base_url": live.url, **options})
        context.on("weberror", lambda caught: thrown.append(str(caught.error)))
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()
    assert not thrown, "errors nobody caught: " + "; ".join(thrown)
