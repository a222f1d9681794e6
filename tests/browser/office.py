"""The live server from behind: what its database holds, and what an administrator does there.

Invariant: it looks at what is stored, not at what any page says of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import select

from fieldapp import create_app
from fieldapp.core import clock, storage
from fieldapp.core.db import db, transaction
from fieldapp.followups import actions as followups
from fieldapp.people.actions import Origin, add_household
from fieldapp.people.models import Household, Person, PersonTag
from fieldapp.reviews import actions as reviews
from fieldapp.settings import Settings
from fieldapp.sync.models import Operation
from fieldapp.users import actions as users, queries
from fieldapp.users.models import Device, User
from fieldapp.visits.models import Visit
from tests.live import Live


@dataclass(frozen=True)
class StoredVisit:
    """A visit received since the test began, with how many of its photos are here."""

    name: str
    revisions: int = 1
    photos: int = 0
    held: int = 0


class Office:
    """The database of `live`, and the writes of its administrator."""

    def __init__(self, live: Live) -> None:
        self._app = create_app(Settings(data_dir=live.data_dir))
        self._since = clock.now()

    def close(self) -> None:
        """Let go of the database."""
        with self._app.app_context():
            db.engine.dispose()

    def visits(self) -> list[StoredVisit]:
        """Every visit received since the test began, by the household's name."""
        with self._app.app_context():
            found = db.session.execute(
                select(Visit, Household.name)
                .join(Household, Household.household_uuid == Visit.household_uuid)
                .where(Visit.received_at >= self._since)
                .order_by(Household.name)
            )
            return [
                StoredVisit(name, visit.revision, len(shas), sum(map(_is_held, shas)))
                for visit, name in found
                for shas in [{named["sha256"] for named in visit.revisions[-1].body["attachments"]}]
            ]

    def quarantined(self) -> list[str]:
        """The households of what waits at the office because it could not be applied."""
        with self._app.app_context():
            waiting = select(Operation).where(
                Operation.state == "rejected", Operation.received_at >= self._since
            )
            return [
                db.session.get_one(Household, op.quarantine["body"]["household_uuid"]).name
                for op in db.session.scalars(waiting)
            ]

    def id_numbers(self) -> list[str]:
        """Of all people registered."""
        with self._app.app_context():
            return list(db.session.scalars(select(Person.id_number).where(Person.id_number.is_not(None))))

    def return_visit(self, name: str, reason: str) -> None:
        """Give the visit to a household that waits for review back to its worker."""
        with self._app.app_context(), transaction():
            supervisor = db.session.scalars(select(User).where(User.username == "supervisor")).one()
            to_household = select(Visit).join(Household, Household.household_uuid == Visit.household_uuid)
            waiting = to_household.where(Household.name == name, Visit.state == "submitted")
            visit = db.session.scalars(waiting).one()
            reviews.return_visit(
                supervisor, visit.visit_uuid, visit.revision, reason=reason, notes={}, now=clock.now()
            )

    def register_again(self, name: str) -> None:
        """Put a household and whoever it is called by on the list once more, as a second phone might."""
        with self._app.app_context(), transaction():
            household = db.session.scalars(select(Household).where(Household.name == name)).one()
            [person] = [one for one in household.people if one.name == name]
            twin = Person(
                person_uuid=str(uuid.uuid4()),
                name=name,
                birth_on=person.birth_on,
                phone="13800009999",
                tags=[PersonTag(tag="disabled")],
                found_at=clock.now(),
            )
            again = Household(
                household_uuid=str(uuid.uuid4()),
                grid_code=household.grid_code,
                name=name,
                address=household.address,
                people=[twin],
            )
            add_household(again, clock.now(), Origin(None, "phone", clock.now()))

    def let_pass(self, time: timedelta) -> None:
        """Do what the server does each minute, as if so much time had passed."""
        with self._app.app_context():
            followups.climb(clock.now() + time)

    def end_account(self, username: str) -> None:
        """End an account."""
        self._write(username, users.end_account)

    def revoke_phone(self, username: str) -> None:
        """Revoke the phone of an account that has one."""
        device_uuid = self._device(username).device_uuid
        self._write(username, partial(users.revoke_device, device_uuid=device_uuid, reason="手机换了"))

    def erased_at(self, username: str) -> datetime | None:
        """When the phone of an account that has one told that it had erased itself."""
        return self._device(username).erased_at

    def _device(self, username: str) -> Device:
        with self._app.app_context():
            held = select(Device).join(User, User.id == Device.user_id).where(User.username == username)
            return db.session.scalars(held).one()

    def _write(self, username: str, action: Callable[..., Any]) -> Any:
        with self._app.app_context(), transaction():
            admin = db.session.scalars(select(User).where(User.username == "admin")).one()
            user = queries.find_user_by_name(username)
            return action(admin, user.id, now=clock.now())


def _is_held(sha256: str) -> bool:
    return db.session.get(storage.Attachment, sha256) is not None and storage.path_of(sha256).is_file()
