"""A small village for one schedule: its workers and their phones, and its desk.

Invariant: villages share an installation and nothing else: accounts, grids, households and checklists are each one's own.
"""

from __future__ import annotations

import functools
import hashlib
import io
import itertools
import struct
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from pathlib import Path

from flask import Flask
from sqlalchemy import select, update

from fieldapp.aid import actions as aid
from fieldapp.aid.actions import Given, Subject
from fieldapp.aid.models import Aid
from fieldapp.areas.actions import add_grid
from fieldapp.areas.models import Area
from fieldapp.checklists import actions as checklists
from fieldapp.checklists.compiler.compile import Compiled
from fieldapp.core import clock, feeds, storage
from fieldapp.core.db import db, transaction
from fieldapp.core.errors import AppError
from fieldapp.core.feeds import ServerState
from fieldapp.people.actions import add_household
from fieldapp.people.models import Household
from fieldapp.reviews import actions as reviews
from fieldapp.sync import actions as sync, desk_actions as desk, desk_queries, registry, rules
from fieldapp.sync.envelopes import Push
from fieldapp.sync.models import Operation
from fieldapp.upkeep.backup import make_backup
from fieldapp.upkeep.restore import restore
from fieldapp.users import actions as users
from fieldapp.users.models import User, UserSession
from fieldapp.visits import actions as visits
from fieldapp.visits.models import Visit
from tests.checklists.vectors import workbook_of
from tests.factories import PASSWORD, draw_photo, make_household, text_of
from tests.sync.network import Answer, Json, Link, Network, Request, Server
from tests.sync.sim_phone import Draft, Op, SimPhone

COUNTY = "230183"
# Village codes no shipped area has.
FIRST_VILLAGE = 500_000
GRIDS = 3
HOUSEHOLDS_PER_GRID = 2
# Each with the place of their grid.
WORKERS = {"a": 0, "b": 1}
# Whose they are, and how far their clocks are ahead, in seconds.
PHONES = {"A1": ("a", 0), "A2": ("a", 7200), "B1": ("b", -86_400 * 3)}
STEP = timedelta(seconds=2)
# Far longer than any request is under way.
PAUSE = timedelta(minutes=5)


class Wrong(Enum):
    """What is wrong with a visit when it is finished."""

    NOTHING = "nothing"
    FIELD_MISSING = "a field is missing"
    UNKNOWN_VERSION = "made with a version nobody published"
    ELSEWHERE = "to a household of a grid that never was the worker's"
    NOWHERE = "to a household that does not exist"
    PHOTO_DAMAGED = "its photos are damaged"

    def __repr__(self) -> str:
        return f"Wrong.{self.name}"


@dataclass
class Finished:
    """A visit as it was finished on a phone."""

    phone: SimPhone
    op: Op
    # Nothing is wrong with it, and nobody else touches it: it must be accepted.
    is_plain: bool
    photos: set[str]
    # Its phone had handed it in and erased itself before the server was lost.
    was_erased: bool = False

    def __str__(self) -> str:
        sent = self.op.sent
        return (
            f"{self.phone}'s {sent['kind']} {sent['op_uuid']} of {sent['body'].get('visit_uuid')}"
            f" ({self.op.state}, {self.op.fault})"
        )


class Village:
    """One village on a shared installation, and everything its people can do."""

    def __init__(
        self,
        app: Flask,
        server: Server,
        number: int,
        observe: Callable[[Request, Answer], None],
        advance: Callable[[timedelta], None] | None = None,
        workers: Mapping[str, int] = WORKERS,
        phones: Mapping[str, tuple[str, int]] = PHONES,
    ) -> None:
        """`app` is the desk's way in; `observe` is shown all answers; `advance` moves the clock, where it can be moved."""
        self.app, self.number = app, number
        # What is decided at the very second of a visit goes either way, where time passes by itself.
        self.is_exact = advance is not None
        self.advance = advance or (lambda _by: None)
        self.network = Network(server, observe)
        self.village = f"{COUNTY}{FIRST_VILLAGE + number:06d}"
        self.grids = [f"{self.village}{place:03d}" for place in range(1, GRIDS + 1)]
        self.households: list[str] = []
        self.users: dict[str, int] = {}
        self.phones: dict[str, SimPhone] = {}
        self.finished: list[Finished] = []
        self.photos: dict[str, bytes] = {}
        self.damaged: dict[str, int] = Counter()
        self.workers = workers
        self._uuids = itertools.count(1)
        self._versions = 0
        with app.app_context(), transaction():
            self._make_village()
        for name, (username, ahead_s) in phones.items():
            ahead = timedelta(seconds=ahead_s)
            self.phones[name] = self._make_phone(name, self.username(username), ahead)

    # --- the village -----------------------------------------------------------------------------------------------

    def _make_village(self) -> None:
        now = clock.now()
        levels = {2: "province", 4: "city", 6: "county", 9: "township", 12: "village"}
        parent = None
        for digits, level in levels.items():
            code = self.village[:digits]
            if db.session.get(Area, code) is None:
                db.session.add(Area(code=code, name=code, level=level, parent_code=parent))
                db.session.flush()
            parent = code
        for place, grid in enumerate(self.grids, start=1):
            add_grid(grid, f"第{place}网格")
        accounts = {
            **{name: ("worker", [self.grids[place]]) for name, place in self.workers.items()},
            "supervisor": ("supervisor", [self.village]),
            "officer": ("officer", [self.village]),
            "admin": ("admin", [self.village]),
        }
        for name, (role, areas) in accounts.items():
            user = users.add_user(self.username(name), PASSWORD, name, role, areas, actor=None, now=now)
            self.users[name] = user.id
        for grid in self.grids:
            for place in range(HOUSEHOLDS_PER_GRID):
                # Nobody is like anybody else: the villages lie in one township.
                home = f"{grid[-6:]}-{place}"
                household = make_household(grid, home, [f"{home}户主", f"{home}家人"])
                household.household_uuid = self.new_uuid()
                for person in household.people:
                    person.person_uuid = self.new_uuid()
                add_household(household, now)
                self.households.append(household.household_uuid)
        self.publish_checklist()

    def username(self, name: str) -> str:
        """The account's name on the shared installation."""
        return f"{name}{self.number}"

    def new_uuid(self) -> str:
        """The same ones in the same order each time a schedule is run."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.village}-{next(self._uuids)}"))

    def publish_checklist(self) -> None:
        """Put the next version of the village's checklist in force."""
        officer, now, village = self.actor("officer"), clock.now(), self.village
        self._versions += 1
        compiled = _compile(self._versions)
        compiled = replace(compiled, document={**compiled.document, "key": self.checklist})
        content = f"workbook {self._versions}".encode()
        version, _ = checklists.store_version(officer, village, "visit.xlsx", content, {}, compiled, now)
        checklists.register_checklist(
            officer, self.checklist, village, owner="县民政局", purpose="走访", valid_until=None, now=now
        )
        checklists.publish_version(
            officer,
            self.checklist,
            version.version,
            [village],
            from_on=clock.local_date(now),
            until_on=None,
            now=now,
        )

    @property
    def checklist(self) -> str:
        """Key of the village's own checklist."""
        return f"visit_{self.number}"

    def actor(self, name: str) -> User:
        """An account of the village (inside an app context)."""
        return db.session.get_one(User, self.users[name])

    # --- phones ----------------------------------------------------------------------------------------------------

    def _make_phone(self, name: str, username: str, ahead: timedelta) -> SimPhone:
        device_uuid = self.new_uuid()
        link = Link(self.network, lambda: self._end_session(device_uuid))
        return SimPhone(name, username, device_uuid, self.new_uuid, lambda: clock.now() + ahead, link)

    def _end_session(self, device_uuid: str) -> None:
        with self.app.app_context(), transaction():
            db.session.execute(
                update(UserSession)
                .where(UserSession.device_uuid == device_uuid, UserSession.revoked_at.is_(None))
                .values(revoked_at=clock.now())
            )

    def photo(self, place: int, is_damaged: bool = False) -> bytes:
        """The picture of that number; no other world has it."""
        text = f"{self.village}-{place}".encode()
        plain = draw_photo(place)
        whole = plain[:2] + b"\xff\xfe" + struct.pack(">H", 2 + len(text)) + text + plain[2:]
        if is_damaged:
            return whole[: len(whole) - 40]
        self.photos[hashlib.sha256(whole).hexdigest()] = whole
        return whole

    # --- what workers do -------------------------------------------------------------------------------------------

    def begin_visit(self, name: str, place: int) -> Draft | None:
        """Open a draft for a household on that phone, if it knows any."""
        phone = self.phones[name]
        known = sorted(phone.list_records("household"))
        # A phone that only hands in, or is empty, begins nothing.
        if phone.hand_in or not known or not phone.list_records("checklist"):
            return None
        return phone.begin(known[place % len(known)])

    def finish_visit(
        self, name: str, place: int, content: int, photos: list[int], wrong: Wrong = Wrong.NOTHING
    ) -> None:
        """Begin a visit and finish it."""
        draft = self.begin_visit(name, place)
        if draft is not None:
            self._finish(self.phones[name], draft, content, photos, wrong)

    def finish_draft(self, name: str, content: int, photos: list[int]) -> None:
        """Finish the oldest draft, if there is one."""
        phone = self.phones[name]
        if phone.drafts:
            self._finish(phone, next(iter(phone.drafts.values())), content, photos, Wrong.NOTHING)

    def register(self, name: str, content: int, is_visited: bool) -> None:
        """Register somebody found in the worker's first grid, and visit them at once."""
        phone = self.phones[name]
        grid = self.grids[self.workers[PHONES[name][0]]]
        if phone.hand_in or not phone.list_records("checklist"):
            return
        person_uuid = self.new_uuid()
        found = f"新发现{person_uuid[:8]}"
        body = {
            "household_uuid": self.new_uuid(),
            "grid_code": grid,
            "name": found,
            "address": "村东头",
            "found_at": text_of(phone.now()),
            "people": [{"person_uuid": person_uuid, "name": found}],
        }
        with self.app.app_context():
            user = db.session.get_one(User, phone.user_id)
            is_plain = user.is_active and grid in user.area_codes(clock.now())
        op = phone.finish("household.register", body, self.new_uuid())
        self._note(phone, op, is_plain)
        if is_visited:
            draft = phone.begin(str(body["household_uuid"]))
            draft.people = [person_uuid]
            self._finish(phone, draft, content, [], Wrong.NOTHING, after=op)

    def correct_person(self, name: str, place: int, content: int) -> None:
        """Correct what the phone shows of somebody: what is on its way counts as shown."""
        phone = self.phones[name]
        known = [record for _, record in sorted(phone.list_records("person").items())]
        if phone.hand_in or not known:
            return
        record = known[place % len(known)]
        on_its_way = [
            op.sent["body"]["fields"]["relation"]["to"]
            for op in phone.ops.values()
            if op.state == "waiting"
            and op.sent["kind"] == "person.update"
            and op.sent["body"]["person_uuid"] == record["person_uuid"]
        ]
        shown = on_its_way[-1] if on_its_way else record["relation"]
        body = {
            "person_uuid": record["person_uuid"],
            "household_uuid": record["household_uuid"],
            "fields": {"relation": {"from": shown, "to": f"亲属{content}"}},
        }
        self._note(phone, phone.finish("person.update", body, self.new_uuid()), is_plain=False)

    def record_aid(self, name: str, place: int, content: int, photos: list[int], wrong: Wrong) -> None:
        """Record money or rice, given or promised, that belongs to the household's last visit on that phone, if there is one."""
        phone = self.phones[name]
        known = sorted(phone.list_records("household"))
        if phone.hand_in or not known:
            return
        household_uuid = known[place % len(known)]
        visits_here = [
            op.sent["body"]["visit_uuid"]
            for op in phone.ops.values()
            if op.sent["kind"] == "visit.submit" and op.sent["body"].get("household_uuid") == household_uuid
        ]
        draft_uuid, is_cash = self.new_uuid(), content % 2 == 0
        body = {
            "aid_uuid": self.new_uuid(),
            "household_uuid": household_uuid,
            "visit_uuid": visits_here[-1] if visits_here else self.new_uuid() if content % 3 == 1 else None,
            "kind": "cash" if is_cash else "goods",
            "programme": "condolence",
            "source": ("public", "charity")[content % 2],
            "amount_cents": 100 + content if is_cash else None,
            "item": None if is_cash else "rice",
            "quantity_milli": None if is_cash else 1000 * (1 + content),
            "unit": None if is_cash else "bag",
            "is_given": content % 3 != 0,
            "on": clock.local_date(phone.now()).isoformat(),
            "attachments": self._take_receipts(phone, draft_uuid, photos if content % 3 else []),
        }
        is_plain = wrong == Wrong.NOTHING and self._is_in_reach(phone, household_uuid)
        match wrong:
            case Wrong.FIELD_MISSING:
                del body["is_given"]
            case Wrong.UNKNOWN_VERSION:
                body["programme"] = "never"
            case Wrong.ELSEWHERE:
                body["household_uuid"] = self._household_elsewhere(phone)
            case Wrong.NOWHERE:
                body["household_uuid"] = self.new_uuid()
            case Wrong.PHOTO_DAMAGED:
                is_plain = False
        self._note(phone, phone.finish("aid.record", body, draft_uuid), is_plain)

    def give_due(self, name: str, place: int, photos: list[int]) -> None:
        """Hand over what the phone shows as due, or gave already: a second tap, or the office's clerk was quicker."""
        phone = self.phones[name]
        known = [record for _, record in sorted(phone.list_records("aid").items())]
        if phone.hand_in or not known:
            return
        due = [record for record in known if record["state"] == "due"] or known
        record, draft_uuid = due[place % len(due)], self.new_uuid()
        body = {
            "aid_uuid": record["aid_uuid"],
            "household_uuid": record["household_uuid"],
            "on": clock.local_date(phone.now()).isoformat(),
            "attachments": self._take_receipts(phone, draft_uuid, photos),
        }
        self._note(phone, phone.finish("aid.give", body, draft_uuid), is_plain=False)

    def take_back_aid(self, name: str, place: int) -> None:
        """Take back what this phone recorded, whether it is at the office yet or not, or what the phone shows as its worker's."""
        phone = self.phones[name]
        recorded = [op.sent["body"] for op in phone.ops.values() if op.sent["kind"] == "aid.record"]
        shown = [record for _, record in sorted(phone.list_records("aid").items()) if record["own"]]
        own = [*recorded, *shown]
        if phone.hand_in or not own:
            return
        wrong = own[place % len(own)]
        body = {
            "aid_uuid": wrong["aid_uuid"],
            "household_uuid": wrong["household_uuid"],
            "reason": f"记错{place}",
        }
        self._note(phone, phone.finish("aid.take_back", body, self.new_uuid()), is_plain=False)

    def _take_receipts(self, phone: SimPhone, draft_uuid: str, photos: list[int]) -> list[Json]:
        return [{**one, "question": "signature"} for one in self._take_photos(phone, draft_uuid, photos)]

    def _finish(
        self,
        phone: SimPhone,
        draft: Draft,
        content: int,
        photos: list[int],
        wrong: Wrong,
        after: Op | None = None,
    ) -> None:
        body = {
            "visit_uuid": self.new_uuid(),
            "household_uuid": draft.household_uuid,
            "people": draft.people[: content % 3],
            "outcome": ("reached", "not_reached")[content % 5 == 4],
            "checklist": draft.checklist,
            "method": ("home", "phone")[content % 2],
            "started_at": text_of(draft.started_at),
            "finished_at": text_of(phone.now()),
            "location": None,
            "location_declined": "没有信号",
            "answers": {"gas": ("no", "yes")[content % 3 == 0], "note": f"第{content}次"},
            "attachments": self._take_photos(phone, draft.draft_uuid, photos, wrong == Wrong.PHOTO_DAMAGED),
        }
        stranger = self._household_elsewhere(phone)
        is_plain = wrong == Wrong.NOTHING and self._is_in_reach(phone, draft.household_uuid)
        match wrong:
            case Wrong.FIELD_MISSING:
                del body["outcome"]
            case Wrong.UNKNOWN_VERSION:
                body["checklist"] = {"key": self.checklist, "version": "never"}
            case Wrong.ELSEWHERE:
                body |= {"household_uuid": stranger, "people": []}
            case Wrong.NOWHERE:
                body |= {"household_uuid": self.new_uuid(), "people": []}
        if after is not None:
            is_plain = wrong == Wrong.NOTHING and self.finished[-1].is_plain
        op = phone.finish(
            "visit.submit",
            body,
            draft.draft_uuid,
            urgent=content % 3 == 0,
            after=after.sent["op_uuid"] if after else None,
        )
        self._note(phone, op, is_plain)

    def _take_photos(
        self, phone: SimPhone, draft_uuid: str, photos: list[int], are_damaged: bool = False
    ) -> list[Json]:
        taken = [phone.take_photo(self.photo(place, are_damaged), draft_uuid) for place in photos]
        return [{"sha256": sha256, "question": "photo", "taken_at": None, "size": 1} for sha256 in taken]

    def _note(self, phone: SimPhone, op: Op, is_plain: bool) -> None:
        named = {attachment["sha256"] for attachment in op.sent["body"].get("attachments", [])}
        self.finished.append(Finished(phone, op, is_plain and self.is_exact, named))

    def correct_returned(self, name: str, place: int, content: int) -> None:
        """Correct a visit that this phone knows came back: a photo more, other words."""
        phone = self.phones[name]
        returned = [
            record
            for _, record in sorted(phone.list_records("visit").items())
            if record["state"] == "returned"
        ]
        if not returned:
            return
        record = returned[place % len(returned)]
        before = [
            {key: attachment[key] for key in ("sha256", "question", "taken_at", "size")}
            for attachment in record["attachments"]
        ]
        draft_uuid = self.new_uuid()
        body = {
            **{
                key: record[key] for key in ("visit_uuid", "household_uuid", "people", "outcome", "checklist")
            },
            **{key: record[key] for key in ("method", "started_at", "finished_at")},
            **{key: record[key] for key in ("location", "location_declined")},
            "answers": {**record["answers"], "note": f"改正{content}"},
            "attachments": before + self._take_photos(phone, draft_uuid, [content + 10]),
        }
        op = phone.finish("visit.revise", body, draft_uuid, base=record["revision"])
        self._note(phone, op, is_plain=False)

    def correct_rejected(self, name: str, place: int) -> None:
        """Edit what was not accepted into something that could be, and send it in its place."""
        phone = self.phones[name]
        rejected = [
            op for op in phone.ops.values() if op.state == "rejected" and "outcome" in op.sent["body"]
        ]
        if not rejected:
            return
        old = rejected[place % len(rejected)]
        body = dict(old.sent["body"])
        body |= {"outcome": "reached", "checklist": {"key": self.checklist, "version": "1"}}
        op = phone.finish(
            old.sent["kind"],
            body,
            self.new_uuid(),
            base=old.sent["base"],
            replaces=old.sent["op_uuid"],
        )
        self._note(phone, op, is_plain=False)

    def copy_to_other_phone(self, place: int, same_op: bool, same_content: bool) -> None:
        """A visit, or aid, of one of the worker's two phones is in the other's outbox too."""
        own = [
            one
            for one in self.finished
            if one.phone.username == self.username("a")
            and one.op.sent["kind"] in {"visit.submit", "visit.revise", "aid.record", "aid.give"}
        ]
        if not own:
            return
        one = own[place % len(own)]
        other = self.phones["A2" if one.phone.name == "A1" else "A1"]
        sent = one.op.sent
        if other.hand_in or not other.user_id or sent["op_uuid"] in other.ops:
            return
        other_words = "received_by" if sent["kind"].startswith("aid.") else "location_declined"
        body = sent["body"] if same_content else {**sent["body"], other_words: "不方便"}
        draft_uuid = self.new_uuid()
        for attachment in body["attachments"]:
            photo = one.phone.photos.get(attachment["sha256"])
            if photo is not None:
                other.take_photo(photo.body, draft_uuid)
        op = other.finish(
            sent["kind"],
            body,
            draft_uuid,
            base=sent["base"],
            op_uuid=sent["op_uuid"] if same_op else None,
        )
        for each in self.finished:
            key = "aid_uuid" if sent["kind"].startswith("aid.") else "visit_uuid"
            if each.op.sent["body"].get(key) == body[key]:
                each.is_plain = False
        self._note(other, op, is_plain=False)

    def _is_in_reach(self, phone: SimPhone, household_uuid: str) -> bool:
        with self.app.app_context():
            user = db.session.get_one(User, phone.user_id)
            household = db.session.get(Household, household_uuid)
            # One that was registered may be lost with its server, until its phone gives it again.
            return (
                user.is_active
                and household is not None
                and household.grid_code in user.area_codes(clock.now())
            )

    def _household_elsewhere(self, phone: SimPhone) -> str:
        """A household of the last grid, unless the worker knows it: then of no grid at all."""
        uuid = self.households[-1]
        return self.new_uuid() if uuid in phone.list_records("household") else uuid

    # --- what the desk does ----------------------------------------------------------------------------------------

    def pause(self, how_long: timedelta) -> None:
        """Time passes: what was under way has arrived by then."""
        while self.network.late:
            self.network.deliver(0)
        self.advance(how_long)

    def review(self, place: int, decision: str) -> None:
        """Decide on a visit as it is now; raises AppError."""
        workers = [self.users[name] for name in self.workers]
        with self.app.app_context(), transaction():
            states = ["submitted", "approved"] if decision == "void" else ["submitted"]
            received = db.session.scalars(
                select(Visit)
                .where(Visit.worker_id.in_(workers), Visit.state.in_(states))
                .order_by(Visit.received_at, Visit.visit_uuid)
            ).all()
            if not received:
                return
            visit, actor, now = received[place % len(received)], self.actor("supervisor"), clock.now()
            if decision == "return":
                reviews.return_visit(
                    actor, visit.visit_uuid, visit.revision, reason="请补拍", notes={}, now=now
                )
            elif decision == "approve":
                reviews.approve_visit(actor, visit.visit_uuid, visit.revision, now=now)
            else:
                reviews.void_visit(actor, visit.visit_uuid, visit.revision, reason="重复", now=now)

    def settle_upload(self, place: int, is_taken_in: bool) -> None:
        """Take in what could not be applied, corrected where the office can, or refuse it; raises AppError."""
        workers = [self.users[name] for name in self.workers]
        with self.app.app_context(), transaction():
            waiting = db.session.scalars(
                select(Operation)
                .where(Operation.user_id.in_(workers), Operation.state.in_(["rejected", "conflict"]))
                .order_by(Operation.received_at, Operation.op_uuid, Operation.body_hash)
            ).all()
            if not waiting:
                return
            operation, supervisor, now = waiting[place % len(waiting)], self.actor("supervisor"), clock.now()
            if not is_taken_in:
                desk.refuse(supervisor, operation, reason="重复上传", now=now)
                return
            sent = operation.quarantine["body"]
            if operation.kind in registry.KINDS:
                chosen = desk.Corrections(fields=dict.fromkeys(operation.fields or (), place % 2 == 0))
                desk.take_in(supervisor, operation, chosen, revision=None, reason="核实过", now=now)
                return
            if operation.kind in rules.OF_AID:
                desk.take_in(
                    supervisor, operation, desk.Corrections(), revision=None, reason="核实过", now=now
                )
                return
            here = desk_queries.find_visit_here(operation.user_id, sent)
            known = db.session.get(Household, sent["household_uuid"])
            household = known or db.session.get_one(Household, self.households[place])
            members = [person.person_uuid for person in household.people]
            corrections = desk.Corrections(
                household_uuid=household.household_uuid,
                people=tuple(members[: len(sent["people"])]),
                checklist=(self.checklist, "1"),
                outcome=sent.get("outcome", "reached"),
            )
            revision = here.revision if here else None
            desk.take_in(supervisor, operation, corrections, revision=revision, reason="核实过", now=now)

    def owe(self, place: int) -> None:
        """The office enters what is still to be given to a household."""
        with self.app.app_context(), transaction():
            household = db.session.get_one(Household, self.households[place % len(self.households)])
            aid.enter_aid(
                self.actor("supervisor"),
                self.new_uuid(),
                Subject(household=household),
                Given(kind="cash", programme="heating", source="public", amount_cents=500_00),
                is_given=False,
                on=clock.local_date(clock.now()),
                received_by=None,
                now=clock.now(),
            )

    def settle_aid(self, place: int, step: int) -> None:
        """The office gives what is due, cancels it, or takes back what was given; raises AppError."""
        with self.app.app_context(), transaction():
            state = ("due", "due", "given")[step % 3]
            found = db.session.scalars(
                select(Aid)
                .where(Aid.area_code.in_(self.grids), Aid.state == state)
                .order_by(Aid.entered_at, Aid.aid_uuid)
            ).all()
            if not found:
                return
            actor, now = self.actor("supervisor"), clock.now()
            aid_uuid = found[place % len(found)].aid_uuid
            match step % 3:
                case 0:
                    on = clock.local_date(now)
                    aid.give_aid(actor, aid_uuid, on=on, received_by=None, now=now)
                case 1:
                    aid.cancel_aid(actor, aid_uuid, reason="不再发放", now=now)
                case 2:
                    aid.reverse_aid(actor, aid_uuid, reason="重复登记", now=now)

    def grant(self, worker: str, place: int) -> None:
        """Give a worker one of the grids they do not have."""
        with self.app.app_context(), transaction():
            held = self.actor(worker).area_codes(clock.now())
            others = [grid for grid in self.grids if grid not in held]
            if others:
                grid = others[place % len(others)]
                users.grant_area(self.actor("admin"), self.users[worker], grid, clock.now())

    def withdraw(self, worker: str, place: int) -> None:
        """Take one of their grids away from a worker."""
        with self.app.app_context(), transaction():
            held = self.actor(worker).area_codes(clock.now())
            if held:
                grid = held[place % len(held)]
                users.withdraw_area(self.actor("admin"), self.users[worker], grid, clock.now())

    def move(self, place: int, grid: int) -> None:
        """A household moves to another grid."""
        with self.app.app_context(), transaction():
            household = db.session.get_one(Household, self.households[place % len(self.households)])
            others = [code for code in self.grids if code != household.grid_code]
            reviews.move_household(
                self.actor("supervisor"),
                household.household_uuid,
                others[grid % len(others)],
                now=clock.now(),
            )

    def bring_in(self, name: str) -> None:
        """The desk brings in a file of what a phone could not send, as `sync.imports` does once it is opened."""
        phone, now = self.phones[name], clock.now()
        ops = [op.sent for op in phone.ops.values() if op.is_open]
        photos = [photo.body for photo in phone.photos.values() if photo.state == "waiting"]
        if not ops and not photos:
            return
        for one in self.finished:
            # A file does not tell how wrong its phone's clock is.
            one.is_plain = one.is_plain and one.op.sent not in ops
        with self.app.app_context():
            sync.push(
                phone.user_id,
                Push(device_uuid=phone.device_uuid, sent_at=now, ops=ops),
                now,
                brought_by=self.users["supervisor"],
            )
            for body in photos:
                with suppress(AppError):
                    storage.store_attachment(
                        hashlib.sha256(body).hexdigest(), io.BytesIO(body), phone.user_id, now
                    )

    def compact(self) -> None:
        """What is run weekly: old visits leave the phones, what is gone is forgotten."""
        with self.app.app_context():
            visits.withdraw_old_visits(clock.now())
            aid.refresh_phones(clock.now())
            feeds.compact(clock.now())

    def end_account(self, worker: str) -> None:
        """End a worker's account."""
        with self.app.app_context(), transaction():
            users.end_account(self.actor("admin"), self.users[worker], clock.now())

    def revoke_device(self, name: str) -> None:
        """Say that a phone was replaced; raises AppError when nobody signed in on it yet."""
        phone = self.phones[name]
        with self.app.app_context(), transaction():
            users.revoke_device(
                self.actor("admin"), phone.user_id, phone.device_uuid, "换新手机", clock.now()
            )

    def publish(self) -> None:
        """Put the next version of the village's checklist in force."""
        with self.app.app_context(), transaction():
            self.publish_checklist()

    def change_epoch(self) -> None:
        """Make phones believe that the server was restored."""
        with self.app.app_context(), transaction():
            db.session.get_one(ServerState, "epoch").value = str(uuid.uuid4())

    def back_up(self, folder: Path) -> str:
        """Back up the installation to `folder`; returns the snapshot's name."""
        with self.app.app_context():
            return make_backup(folder, 100, clock.now()).snapshot.name

    def restore(self, folder: Path, snapshot: str) -> None:
        """The machine is lost; another one, with that snapshot, takes its place. Nobody was asking it meanwhile."""
        self.network.late.clear()
        with self.app.app_context():
            db.engine.dispose()
        restore(self.app.config["FIELDAPP"], folder, snapshot, clock.now(), replaces=True)


@functools.cache
def _compile(variant: int) -> Compiled:
    survey = [
        {"type": "select_one yes_no", "name": "gas", "label": f"Gas {variant}"},
        {"type": "image", "name": "photo", "label": "Photo"},
        {"type": "text", "name": "note", "label": "Note"},
    ]
    choices = [
        {"list_name": "yes_no", "name": "yes", "label": "Yes", "flag": "orange", "followup": "service"},
        {"list_name": "yes_no", "name": "no", "label": "No"},
    ]
    return checklists.compile_upload(workbook_of({"survey": survey, "choices": choices}), {})
