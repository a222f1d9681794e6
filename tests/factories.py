"""A small county to test on, and a phone that speaks the sync contract.

Invariant: everything is made through the app's own actions; nothing here knows the demo county.
"""

from __future__ import annotations

import hashlib
import io
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from fieldapp.areas.actions import add_grid, load_areas
from fieldapp.core import clock
from fieldapp.core.db import transaction
from fieldapp.core.feeds import entry_hash
from fieldapp.people.actions import add_household
from fieldapp.people.models import Household, Person, PersonTag
from fieldapp.policies.queries import find_policy
from fieldapp.reviews.models import ReviewPolicy
from fieldapp.reviews.policy_actions import set_policy
from fieldapp.revisits import actions as revisit_actions
from fieldapp.revisits.models import RevisitPolicy
from fieldapp.users.actions import add_user
from fieldapp.users.queries import find_user_by_name

PASSWORD = "Spring-2026-thaw"
TOWNSHIP = "230183100"
VILLAGE = "230183100055"
OTHER_VILLAGE = "230183100056"
GRID, OTHER_GRID = VILLAGE + "001", OTHER_VILLAGE + "001"
HOME = (45.2143, 127.9621)


@dataclass
class County:
    """The ids of what `make_county` made."""

    users: dict[str, int] = field(default_factory=dict)
    household_uuid: str = ""
    person_uuids: list[str] = field(default_factory=list)
    other_household_uuid: str = ""
    other_person_uuid: str = ""


def make_county(app: Flask) -> County:
    """One township with two grids, a household of two in the first, one person in the other, an account per role.

    Every visit is looked at by a person, as a test expects that says nothing else.
    """
    county = County()
    now = clock.now()
    since = now - timedelta(days=30)
    accounts = {
        "worker": ("worker", [GRID]),
        "worker2": ("worker", [OTHER_GRID]),
        "supervisor": ("supervisor", [TOWNSHIP]),
        "stranger": ("supervisor", ["230183101"]),
        "leader": ("leader", [TOWNSHIP]),
        "officer": ("officer", ["230183"]),
        "stranger_officer": ("officer", ["230183101"]),
        "admin": ("admin", []),
        "security": ("security", []),
        "audit": ("audit", []),
    }
    with app.app_context(), transaction():
        load_areas([TOWNSHIP, "230183101"])
        add_grid(GRID, "第1网格")
        add_grid(OTHER_GRID, "第2网格")
        for username, (role, areas) in accounts.items():
            user = add_user(username, PASSWORD, f"测试{username}", role, areas, actor=None, now=since)
            county.users[username] = user.id
        household = make_household(GRID, "刘玉珍", ["刘玉珍", "刘小宝"])
        add_household(household, now)
        county.household_uuid = household.household_uuid
        county.person_uuids = [person.person_uuid for person in household.people]
        other = make_household(OTHER_GRID, "陈立国", ["陈立国"])
        add_household(other, now)
        county.other_household_uuid = other.household_uuid
        county.other_person_uuid = other.people[0].person_uuid
        set_review_policy("officer", now, accepts=False)
        set_revisit_policy(now, share_percent=0)
    return county


def set_review_policy(
    officer: str, now: datetime, *, county_code: str = "230183", accepts: bool = True, share_percent: int = 0
) -> None:
    """Say whether the county accepts clean visits by itself, and how many of them are drawn for review."""
    actor = find_user_by_name(officer)
    assert actor is not None
    held = find_policy(ReviewPolicy, county_code)
    set_policy(
        actor,
        county_code,
        based_on=held.number if held else 0,
        accepts=accepts,
        share_percent=share_percent,
        checklists=[],
        classes=[],
        reason="测试",
        now=now,
    )


def set_revisit_policy(now: datetime, *, share_percent: int, **terms: Any) -> None:
    """Say how many accepted home visits of the county are drawn to be looked at again."""
    actor = find_user_by_name("officer")
    assert actor is not None
    held = find_policy(RevisitPolicy, "230183")
    values = {"more_percent": share_percent, "classes": [], "quiet_days": 180, "pauses": True, **terms}
    revisit_actions.set_policy(
        actor,
        "230183",
        based_on=held.number if held else 0,
        share_percent=share_percent,
        reason="测试",
        now=now,
        **values,
    )


def make_household(grid: str, name: str, people: list[str]) -> Household:
    """A household at HOME, not stored yet; the first person lives alone by tag."""
    return Household(
        household_uuid=str(uuid.uuid4()),
        grid_code=grid,
        name=name,
        address="幸福村2组",
        phone="19900001234",
        lat=HOME[0],
        lon=HOME[1],
        datum="WGS84",
        people=[
            Person(
                person_uuid=str(uuid.uuid4()),
                name=person,
                sex="f",
                birth_on=date(1950, 5, 4),
                main_class="dibao_rural",
                risk="high",
                tags=[PersonTag(tag="living_alone")] if place == 0 else [],
            )
            for place, person in enumerate(people)
        ],
    )


class Phone:
    """A grid worker's phone, as far as the server can tell."""

    def __init__(
        self,
        app: Flask | None,
        county: County,
        username: str = "worker",
        password: str = PASSWORD,
        client: Any = None,
    ) -> None:
        """Sign in; `client` speaks to a live server in place of `app`."""
        self.county = county
        self.client: Any = client or (app.test_client() if app else None)
        self.username = username
        self.device_uuid = str(uuid.uuid4())
        self.seq = 0
        self.headers: dict[str, str] = {}
        self.cursor: str | None = None
        self.records: dict[tuple[str, str], Any] = {}
        # Feed and rev of what was read, and what a reading from the start has not met again yet.
        self.held: dict[tuple[str, str], tuple[str, int]] = {}
        self.not_met: set[tuple[str, str]] = set()
        answer = self.sign_in(password)
        assert answer.status_code == 200, answer.text
        self.user_id = answer.json["user"]["id"]

    def sign_in(self, password: str = PASSWORD) -> TestResponse:
        """Sign in (again) on this phone; returns the whole answer."""
        token = self.client.get("/api/session").json["csrf_token"]
        answer: TestResponse = self.client.post(
            "/api/session",
            json={"username": self.username, "password": password, "device_uuid": self.device_uuid},
            headers={"X-CSRFToken": token},
        )
        if answer.status_code == 200:
            user_id = answer.json["user"]["id"]
            self.headers = {"X-CSRFToken": answer.json["csrf_token"], "X-User-Id": str(user_id)}
        return answer

    def op(self, kind: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
        """An operation of that kind, next in this phone's order."""
        self.seq += 1
        return {
            "op_uuid": str(uuid.uuid4()),
            "kind": kind,
            "schema": 1,
            "seq": self.seq,
            "at": text_of(clock.now()),
            "base": None,
            "replaces": None,
            "body": body,
            **more,
        }

    def push(self, *ops: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        """Push the operations; returns the receipts."""
        answer = self.push_raw(*ops, **more)
        assert answer.status_code == 200, answer.text
        receipts: list[dict[str, Any]] = answer.json["receipts"]
        return receipts

    def push_raw(self, *ops: Any, **more: Any) -> TestResponse:
        """Push the operations; returns the whole answer."""
        body = {"device_uuid": self.device_uuid, "sent_at": text_of(clock.now()), "ops": list(ops), **more}
        return self.client.post("/api/sync/push", json=body, headers=self.headers)

    def pull_page(self) -> dict[str, Any]:
        """The next page of changes, as the server gives it; nothing is kept of it."""
        answer = self.client.get(
            "/api/sync/pull", query_string={"cursor": self.cursor or ""}, headers=self.headers
        )
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json
        return page

    def pull(self) -> dict[tuple[str, str], Any]:
        """Read all changes since the last pull; returns the phone's records by (kind, uuid).

        Fails when what it then holds does not come to the state the server says.
        """
        more = True
        while more:
            page = self.pull_page()
            self._keep(page)
            self.cursor, more = page["cursor"], page["more"]
        state = 0
        for (kind, key), (_, rev) in self.held.items():
            state ^= entry_hash(kind, key, rev)
        assert f"{state:012x}" == page["state"]
        return {key: record for key, record in self.records.items() if record is not None}

    def _keep(self, page: dict[str, Any]) -> None:
        if page.get("from_start"):
            self.not_met = set(self.held)
        for change in page["changes"]:
            key = change["kind"], change["uuid"]
            self.not_met.discard(key)
            if not change.get("gone"):
                self.records[key] = change["record"]
                if change["feed"]:
                    self.held[key] = change["feed"], change["rev"]
            elif self.held.get(key, ("",))[0] == change["feed"]:
                del self.held[key]
                self.records.pop(key, None)
        dropped = {key for key, (feed, _) in self.held.items() if feed in page["left"]}
        if not page["more"]:
            dropped |= self.not_met
            self.not_met = set()
        for key in dropped:
            del self.held[key]
            self.records.pop(key, None)

    def put_photo(self, body: bytes, sha256: str | None = None) -> TestResponse:
        """Put a photo under its hash, or under another one."""
        sha256 = sha256 or hashlib.sha256(body).hexdigest()
        return self.client.put(
            f"/api/attachments/{sha256}",
            data=body,
            headers={**self.headers, "Content-Type": "image/jpeg"},
        )

    def visit(self, answers: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The body of a home visit to this worker's household that has just ended."""
        county = self.county
        now = clock.now()
        return {
            "visit_uuid": str(uuid.uuid4()),
            "household_uuid": county.household_uuid,
            "people": county.person_uuids[:1],
            "outcome": "reached",
            "checklist": {"key": "routine", "version": "1"},
            "method": "home",
            "started_at": text_of(now - timedelta(minutes=5)),
            "finished_at": text_of(now - timedelta(minutes=1)),
            "location": {
                "lat": HOME[0],
                "lon": HOME[1],
                "accuracy_m": 12.0,
                "datum": "WGS84",
                "at": text_of(now - timedelta(minutes=4)),
            },
            "location_declined": None,
            "answers": answers or {"reached": "reached"},
            "attachments": [],
            **more,
        }


class Desk:
    """Somebody at the desk, signed in with a browser."""

    def __init__(self, app: Flask, username: str = "supervisor", password: str = PASSWORD) -> None:
        self.client = app.test_client()
        self.token = self.client.get("/api/session").json["csrf_token"]
        answer = self.client.post(
            "/sign-in", data={"username": username, "password": password, "csrf_token": self.token}
        )
        assert answer.status_code == 303, answer.text
        self.token = self.client.get("/api/session").json["csrf_token"]

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path)

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Send a form."""
        return self.client.post(path, data={"csrf_token": self.token, **fields})


def draw_photo(seed: int = 0, size: tuple[int, int] = (64, 48), exif: bytes | None = None) -> bytes:
    """A small JPEG; another seed, another picture."""
    image = Image.new("RGB", size, ((37 * seed) % 256, (91 * seed) % 256, 120))
    out = io.BytesIO()
    image.save(out, "JPEG", **({"exif": exif} if exif else {}))
    return out.getvalue()


def text_of(instant: datetime) -> str:
    """An instant as a phone writes it."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
