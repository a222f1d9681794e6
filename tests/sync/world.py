"""What must be true of a village, whatever happened: compared at every answer, and when all has settled.

Invariant: the database is read beside the server, as somebody else would read it.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select

from fieldapp.aid.models import Aid
from fieldapp.aid.rules import is_on_phones
from fieldapp.core import clock, scope, storage
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db
from fieldapp.followups.models import Followup
from fieldapp.people.models import Household, RegistryChange
from fieldapp.people.tally_queries import list_wrong
from fieldapp.reviews.counting import list_wrong as list_wrong_of_reviews
from fieldapp.reviews.models import Flag
from fieldapp.rollups.models import Rollup, RollupChange
from fieldapp.rollups.rules import WEEK
from fieldapp.sync import desk_queries, registry
from fieldapp.sync.models import Operation
from fieldapp.sync.rules import OF_AID, body_hash
from fieldapp.users.models import Device, User
from fieldapp.visits.models import Visit, VisitRevision
from fieldapp.visits.queries import RECENT
from tests.sync.network import Answer, Json, Request, Server
from tests.sync.sim_phone import SimPhone
from tests.sync.village import PHONES, STEP, WORKERS, Finished, Village

QUIET_WITHIN = 15
# What only aid is counted in.
AID_COLUMNS = ("money_other", "money_charity", "goods_food")


@dataclass(frozen=True)
class Claim:
    """What an answer said of one operation or one photo."""

    user_id: int
    outcome: str
    sent: Json = field(default_factory=dict)
    photo: bytes = b""


class World(Village):
    """A village that is watched."""

    def __init__(
        self,
        app: Flask,
        server: Server,
        number: int,
        advance: Callable[[timedelta], None] | None = None,
        workers: Mapping[str, int] = WORKERS,
        phones: Mapping[str, tuple[str, int]] = PHONES,
    ) -> None:
        """As a Village."""
        self.claims: list[Claim] = []
        self.was_restored = False
        super().__init__(app, server, number, self._observe, advance, workers, phones)

    def restore(self, folder: Path, snapshot: str) -> None:
        """The machine is lost. What it had said holds again when the phones have given back what came after the snapshot;
        what the desk did since then is lost, and with it what phones had handed in before they erased themselves.
        """
        super().restore(folder, snapshot)
        self.claims, self.was_restored = [], True
        for one in self.finished:
            one.is_plain = False
            one.was_erased |= one.phone.has_erased

    def _observe(self, request: Request, answer: Answer) -> None:
        """Every answer: what it claims must be in the database by now, and a page must hold nothing of others."""
        claims = claims_of(request, answer)
        self.check_claims(claims)
        self.claims += claims
        if answer.status == 200 and request.path.startswith("/api/sync/pull"):
            self._check_page(int(request.headers["X-User-Id"]), json.loads(answer.body))

    def check_claims(self, claims: list[Claim]) -> None:
        """Compare what was claimed with the database, as somebody else reads it."""
        if not claims:
            return
        with self.app.app_context():
            for claim in claims:
                if claim.photo:
                    sha256 = hashlib.sha256(claim.photo).hexdigest()
                    assert db.session.get(storage.Attachment, sha256), "a photo without a row"
                    assert read_photo(sha256) == claim.photo
                    continue
                op = self._find_operation(claim.user_id, claim.sent)
                assert op is not None, f"{claim.outcome}, and nothing of it is there: {claim.sent}"
                if claim.outcome in {"accepted", "duplicate"}:
                    assert op.state in {"accepted", "replaced"}, (op.state, claim)
                self._check_kept(op, claim.sent["body"])

    def _find_operation(self, user_id: int, sent: Json) -> Operation | None:
        return db.session.get(Operation, (sent["op_uuid"], user_id, body_hash(sent["body"])))

    def _check_kept(self, op: Operation, body: Json) -> None:
        """The operation is stored as a revision of its visit, or whole in quarantine; both when the desk took it in."""
        if op.state != "accepted" or op.settled_by:
            assert op.quarantine["body"] == body, f"{op.state}, and not in quarantine: {body}"
        if op.state == "accepted" and op.kind in registry.KINDS:
            self._check_registered(op)
        elif op.state == "accepted" and op.kind in OF_AID:
            self._check_aid(op, body)
        elif op.state == "accepted":
            stored = db.session.scalars(
                select(VisitRevision).where(
                    VisitRevision.visit_uuid == op.record_uuid, VisitRevision.body_hash == op.body_hash
                )
            ).all()
            assert stored, f"accepted, and not stored: {body}"
            if all(revision.body != body for revision in stored):
                # The desk corrected what it took in, under this operation's number or another's with the same content.
                taken_in = db.session.scalars(
                    select(Operation).where(
                        Operation.user_id == op.user_id,
                        Operation.body_hash == op.body_hash,
                        Operation.state == "accepted",
                        Operation.settled_by.is_not(None),
                    )
                ).all()
                assert any(one.quarantine["body"] == body for one in taken_in), f"stored as another: {body}"

    def _check_registered(self, op: Operation) -> None:
        """What was registered is on the list, once; no operation changed anything twice."""
        changes = db.session.scalars(select(RegistryChange).where(RegistryChange.source_id == op.op_uuid))
        times = Counter((change.kind, change.uuid, change.deed) for change in changes)
        assert not times or set(times.values()) == {1}, f"{op.kind} was applied twice: {times}"
        if op.kind == "household.register":
            added = select(RegistryChange).where(
                RegistryChange.uuid == op.record_uuid, RegistryChange.deed == "add"
            )
            assert len(db.session.scalars(added).all()) == 1, f"registered, and not once: {op.record_uuid}"
            assert db.session.get(Household, op.record_uuid) is not None

    def _check_aid(self, op: Operation, body: Json) -> None:
        """The entry is here as it was recorded; a step that was taken shows in its state."""
        entry = db.session.get(Aid, op.record_uuid)
        assert entry is not None, f"accepted, and not there: {body}"
        states = {
            "aid.record": {"due", "given", "cancelled", "reversed"},
            "aid.give": {"given", "reversed"},
            "aid.take_back": {"cancelled", "reversed"},
        }
        assert entry.state in states[op.kind], f"{op.kind} was accepted, and it is {entry.state}"
        if op.kind == "aid.record" and not op.settled_by:
            said = {name: getattr(entry, name) for name in ("kind", "item", "amount_cents", "quantity_milli")}
            assert said == {name: body[name] for name in said}, f"{body} is kept as {said}"

    def _check_aid_once(self) -> None:
        """Every entry that came from a phone is what one phone sent; none is counted twice, or not at all."""
        told = {one.op.sent["op_uuid"] for one in self.finished}
        entries = db.session.scalars(select(Aid).where(scope.within(Aid.area_code, [self.village]))).all()
        from_phones = [uuid for entry in entries for uuid in (entry.op_uuid, entry.settled_op_uuid) if uuid]
        assert not from_phones or set(Counter(from_phones).values()) == {1}, "one operation, two entries"
        assert set(from_phones) <= told, f"nobody sent {set(from_phones) - told}"
        reversed_ = {entry.aid_uuid for entry in entries if entry.state == "reversed"}
        assert reversed_ == {entry.reverses_uuid for entry in entries if entry.state == "reversal"}
        for entry in entries:
            uses = storage.list_uses("aid", entry.aid_uuid, 1)
            assert entry.state in {"given", "reversed"} or not uses
        counted: Counter[tuple[str, str]] = Counter()
        for entry in entries:
            for column, value in (entry.counted or {}).items():
                counted[entry.area_code, column] += value
        kept: Counter[tuple[str, str]] = Counter()
        for model in (Rollup, RollupChange):
            columns = [model.__table__.c[name] for name in AID_COLUMNS]
            for code, *values in db.session.execute(
                select(model.area_code, *columns).where(
                    scope.within(model.area_code, [self.village]), model.since == WEEK
                )
            ):
                for name, value in zip(AID_COLUMNS, values, strict=True):
                    kept[code, name] += value
        said = {key: value for key, value in counted.items() if value and key[1] in AID_COLUMNS}
        assert said == {key: value for key, value in kept.items() if value}

    def _check_page(self, user_id: int, page: Json) -> None:
        with self.app.app_context():
            user = db.session.get_one(User, user_id)
            codes = user.area_codes(clock.now())
            grids = {
                record["grid_code"]
                for change in page["changes"]
                if (record := change["record"]) and change["kind"] == "household"
            }
            assert grids <= set(codes), f"{user.username} was given households of {grids - set(codes)}"

    # --- the end ---------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """No more mishaps: whatever is under way arrives, and every phone syncs until nothing moves any more."""
        self.pause(timedelta(days=1))
        for name, phone in self.phones.items():
            phone.link.meet([])
            phone.may_rebuild = True
            # Its worker finishes what was begun before handing in.
            while phone.drafts:
                self.finish_draft(name, 1, [])
        for _ in range(QUIET_WITHIN):
            while self.network.late:
                self.network.deliver(0)
            self.advance(STEP)
            quiet = [self._is_quiet(phone) for phone in self.phones.values()]
            if all(quiet):
                return
        raise AssertionError("not quiet: " + "; ".join(map(str, self.finished)))

    def _is_quiet(self, phone: SimPhone) -> bool:
        """Whether a phone had nothing to send and learned nothing new."""
        phone.changes, waited = 0, phone.waits
        fault = phone.sync()
        if fault is not None and fault.code == "sign_in_wrong":
            # An account that has ended, on a phone it was never used on.
            assert not phone.ops
            return True
        return fault is None and not waited and phone.changes == 0

    def check(self) -> None:
        """Everything that must be true once all is quiet."""
        self.check_claims(self.claims)
        with self.app.app_context():
            for one in self.finished:
                if not one.was_erased:
                    self._check_finished(one)
            self._check_stored_once()
            self._check_aid_once()
            wrong = {**list_wrong(), **list_wrong_of_reviews()}
            assert wrong == {}, wrong
        fresh: dict[str, SimPhone] = {}
        for phone in self.phones.values():
            if phone.hand_in:
                self._check_handed_in(phone)
            elif phone.is_signed_in:
                if phone.username not in fresh:
                    fresh[phone.username] = self._read_anew(phone)
                self._check_cache(phone, fresh[phone.username])

    def _check_finished(self, one: Finished) -> None:
        op, sent = one.op, one.op.sent
        assert op.state in {"received", "rejected", "refused", "replaced"}, f"lost sight of {one}"
        if one.is_plain:
            assert op.state == "received", f"{one} had to be accepted"
        if op.state == "replaced":
            return
        if op.state != "received":
            assert one.phone.has_erased or sent["op_uuid"] in one.phone.ops, f"{one} is gone from its phone"
        kept = self._find_operation(one.phone.user_id, sent)
        assert kept is not None, f"{one} is not on the server"
        self._check_kept(kept, sent["body"])
        if op.state == "received":
            assert kept.state in {"accepted", "replaced"}, f"{one}: {kept.state}"
        elif op.state == "refused":
            assert kept.state == "refused", f"{one}: {kept.state}"
        elif not one.phone.has_erased:
            # What waited at the office when a phone erased itself may have been settled since.
            assert kept.state in {"rejected", "conflict"}, f"{one}: {kept.state}"
            assert op.fault == kept.code, f"{one}: {kept.code}"
            desk_queries.get_operation(kept.user_id, kept.op_uuid, kept.body_hash, [self.village])
        for sha256 in one.photos & self.photos.keys():
            holding = [phone.photos[sha256] for phone in self.phones.values() if sha256 in phone.photos]
            if any((held.state, held.fault) == ("rejected", "too_large") for held in holding):
                # A proxy said so: it stays on the phone it was taken with, with the reason. A correction made on
                # another phone names it too.
                continue
            assert db.session.get(storage.Attachment, sha256), f"a photo of {one} is not stored"
            assert read_photo(sha256) == self.photos[sha256]

    def _check_stored_once(self) -> None:
        """In the database is what phones sent, all of it once, and nothing else."""
        told = {(one.op.sent["op_uuid"], body_hash(one.op.sent["body"])): one for one in self.finished}
        workers = [self.users[name] for name in self.workers]
        stored = db.session.scalars(select(Visit).where(Visit.worker_id.in_(workers))).all()
        times = Counter(
            (revision.op_uuid, revision.body_hash) for visit in stored for revision in visit.revisions
        )
        assert not times or set(times.values()) == {1}, f"stored twice: {times}"
        assert set(times) <= set(told), f"nobody sent {set(times) - set(told)}"
        for pair in times:
            # What waited at the office when a phone erased itself may have been taken in since.
            is_gone = told[pair].was_erased or told[pair].phone.has_erased
            assert is_gone or told[pair].op.state in {"received", "replaced"}, told[pair]
        for visit in stored:
            numbers = [revision.revision for revision in visit.revisions]
            assert numbers == list(range(1, visit.revision + 1))
            for revision in visit.revisions:
                # Each corrects the one before it, and the first corrects none; the desk may decide otherwise.
                base = told[revision.op_uuid, revision.body_hash].op.sent["base"] or 0
                assert base == revision.revision - 1 or revision.taken_in_by
            flags = Counter(
                (flag.rule, flag.question, flag.choice, flag.person_uuid)
                for flag in db.session.scalars(select(Flag).where(Flag.visit_uuid == visit.visit_uuid))
            )
            assert all(count == 1 for count in flags.values()), flags
            tasks = Counter(
                db.session.scalars(select(Followup.flag_id).where(Followup.visit_uuid == visit.visit_uuid))
            )
            assert all(count == 1 for count in tasks.values()), tasks
            said = db.session.scalars(
                select(AuditEntry.action).where(
                    AuditEntry.subject_id == visit.visit_uuid, AuditEntry.action.startswith("visit.")
                )
            ).all()
            assert said.count("visit.submit") == 1
            assert said.count("visit.revise") == visit.revision - 1
            for revision in visit.revisions:
                named = {attachment["sha256"] for attachment in revision.body["attachments"]}
                uses = storage.list_uses("visit", visit.visit_uuid, revision.revision)
                assert {use.sha256 for use, _ in uses} == named

    def _read_anew(self, phone: SimPhone) -> SimPhone:
        """A new phone of the same account, after its first sync: it holds what the database says."""
        fresh = self._make_phone("fresh", phone.username, timedelta())
        assert fresh.sync() is None
        with self.app.app_context():
            grids = db.session.get_one(User, phone.user_id).area_codes(clock.now())
            households = db.session.scalars(
                select(Household.household_uuid).where(Household.grid_code.in_(grids))
            )
            assert set(fresh.list_records("household")) == set(households)
            own = db.session.scalars(
                select(Visit).where(
                    Visit.worker_id == phone.user_id,
                    (Visit.state == "returned") | (Visit.finished_at > clock.now() - RECENT),
                )
            )
            states = {visit.visit_uuid: (visit.state, visit.revision) for visit in own}
            today = clock.local_date(clock.now())
            aid_here = {
                entry.aid_uuid
                for entry in db.session.scalars(
                    select(Aid).join(Household).where(Household.grid_code.in_(grids))
                )
                if is_on_phones(entry.state, entry.given_on, today)
            }
        held = fresh.list_records("visit").items()
        assert {uuid: (record["state"], record["revision"]) for uuid, record in held} == states
        assert set(fresh.list_records("aid")) == aid_here
        return fresh

    def _check_cache(self, phone: SimPhone, fresh: SimPhone) -> None:
        """The phone holds what a new one was given, and did not have to read everything for it."""
        assert not phone.leaving
        ours = {key: (row.rev, without_copies(row.record)) for key, row in phone.rows.items()}
        theirs = {key: (row.rev, without_copies(row.record)) for key, row in fresh.rows.items()}
        assert ours == theirs, f"{phone}'s cache: {difference(ours, theirs)}"
        assert phone.rebuilds <= self.damaged[phone.name], f"{phone} read everything again for nothing"

    def _check_handed_in(self, phone: SimPhone) -> None:
        """It is empty, and the desk knows; a photo the server cannot take waits for a person's word."""
        if any(photo.state == "rejected" for photo in phone.photos.values()):
            return
        assert phone.has_erased
        assert not phone.rows
        with self.app.app_context():
            erased_at = db.session.get_one(Device, (phone.device_uuid, phone.user_id)).erased_at
        assert erased_at or self.was_restored


def without_copies(record: Json | None) -> Json | None:
    """A record without what a returned visit tells of the household: that is as it was when the phone read it."""
    return record and {name: value for name, value in record.items() if name not in {"household", "members"}}


def difference(ours: dict[Any, Any], theirs: dict[Any, Any]) -> str:
    """Where two caches differ."""
    return "; ".join(
        f"{key}: {ours.get(key)} here, {theirs.get(key)} there"
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
    )


def claims_of(request: Request, answer: Answer) -> list[Claim]:
    """What an answer claims of what was sent."""
    if answer.status >= 300:
        return []
    user_id = int(request.headers.get("X-User-Id", "0"))
    if request.method == "PUT":
        return [Claim(user_id, "stored", photo=request.body)]
    if request.path != "/api/sync/push":
        return []
    ops = {op["op_uuid"]: op for op in json.loads(request.body)["ops"]}
    return [
        Claim(user_id, receipt["outcome"], ops[receipt["op_uuid"]])
        for receipt in json.loads(answer.body)["receipts"]
        if receipt["outcome"] != "retry"
    ]


def read_photo(sha256: str) -> bytes:
    """What the server keeps of a photo, opened again."""
    with storage.open_attachment(sha256) as file:
        return file.read()
