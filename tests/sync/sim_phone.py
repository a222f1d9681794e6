"""A grid worker's phone without a browser: the store, the outbox and the rules of static/src/phone, one for one.

Invariant: what was finished stays in `ops` and `photos` until the server's receipt for that very item says that it
has it, and after that until the server says that it is backed up. Only back-off is left out: whatever may go, goes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from fieldapp.core.clock import parse_instant
from fieldapp.core.feeds import entry_hash
from tests.factories import PASSWORD, text_of
from tests.sync.network import Fault, Json, Link

# Operations per request: few, so that a schedule has many requests.
BATCH = 3
# Items that may meet a server fault before a run stops asking.
PATIENCE = 3


@dataclass
class Item:
    """What waits for its receipt."""

    state: str = "waiting"  # waiting, received, rejected, refused, replaced; a photo also: draft
    fault: str | None = None
    received_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still has a way to go."""
        return self.state in {"waiting", "rejected"}

    def receive(self, at: str) -> None:
        """The server has it."""
        self.state, self.fault, self.received_at = "received", None, parse_instant(at)

    def fail(self, why: str) -> None:
        """It got no receipt of its own; why it was not accepted before is still so."""
        if self.state != "rejected":
            self.fault = why


@dataclass
class Op(Item):
    """An operation in the outbox."""

    sent: Json = field(default_factory=dict)
    urgent: bool = False


@dataclass
class Photo(Item):
    """A photo and the drafts it was taken for."""

    body: bytes = b""
    owners: set[str] = field(default_factory=set)


@dataclass
class Row:
    """A record as one feed gave it; None: not for this account, but counted in the feed's state."""

    rev: int
    reading: int
    record: Json | None


@dataclass
class Draft:
    """A visit that was begun: to a household, with the version of the checklist that was offered then."""

    draft_uuid: str
    household_uuid: str
    people: list[str]
    checklist: Json
    started_at: datetime


class SimPhone:
    """One device of one worker."""

    def __init__(
        self,
        name: str,
        username: str,
        device_uuid: str,
        new_uuid: Callable[[], str],
        now: Callable[[], datetime],
        link: Link,
    ) -> None:
        """`now` is this device's own clock, `link` its way to the server."""
        self.name, self.username, self.device_uuid = name, username, device_uuid
        self.new_uuid, self.now, self.link = new_uuid, now, link
        self.user_id = 0
        self.is_signed_in = False
        self.hand_in: str | None = None
        self.has_erased = False
        self._again = False
        # What is kept whatever happens to the cache.
        self.drafts: dict[str, Draft] = {}
        self.ops: dict[str, Op] = {}
        self.photos: dict[str, Photo] = {}
        self.seq = 0
        self.epoch: str | None = None
        self.backed_up_to: datetime | None = None
        # The cache.
        self.rows: dict[tuple[str, str, str], Row] = {}
        self.checklists: dict[tuple[str, str], Json] = {}
        self.cursor: str | None = None
        self.leaving: set[str] = set()
        self.reading = 0
        self.reads_anew = False
        self.rebuilds = 0
        self.may_rebuild = True
        # Read so far, for whoever wants to know whether anything still moves.
        self.changes = 0

    def __repr__(self) -> str:
        return self.name

    @property
    def waits(self) -> bool:
        """Whether something waits for its receipt."""
        items: list[Item] = [*self.ops.values(), *self.photos.values()]
        return any(item.state == "waiting" for item in items)

    # --- what its worker does --------------------------------------------------------------------------------------

    def list_records(self, kind: str) -> dict[str, Json]:
        """What the screens show of a kind, by uuid."""
        return {
            uuid: row.record
            for (_, of_kind, uuid), row in self.rows.items()
            if of_kind == kind and row.record is not None
        }

    def begin(self, household_uuid: str) -> Draft:
        """Open a draft for a household of the cache, with the newest checklist offered for it."""
        offers = [offer for offer in self.list_records("checklist").values() if offer["use"] == "visit"]
        newest = max(offers, key=lambda offer: int(offer["version"]))
        people = [
            record["person_uuid"]
            for record in self.list_records("person").values()
            if record["household_uuid"] == household_uuid
        ]
        draft = Draft(
            self.new_uuid(),
            household_uuid,
            sorted(people),
            {"key": newest["key"], "version": newest["version"]},
            self.now(),
        )
        self.drafts[draft.draft_uuid] = draft
        return draft

    def take_photo(self, body: bytes, draft_uuid: str) -> str:
        """Keep a photo of a draft; returns its hash."""
        sha256 = hashlib.sha256(body).hexdigest()
        photo = self.photos.setdefault(sha256, Photo(state="draft", body=body))
        photo.owners.add(draft_uuid)
        return sha256

    def finish(
        self,
        kind: str,
        body: Json,
        draft_uuid: str,
        *,
        base: int | None = None,
        replaces: str | None = None,
        urgent: bool = False,
        op_uuid: str | None = None,
        after: str | None = None,
    ) -> Op:
        """A draft becomes an operation, and its photos wait: one transaction of the store.

        `after` is the operation that registers whom it is about: it goes along to the front.
        """
        self.seq += 1
        op = Op(
            sent={
                "op_uuid": op_uuid or self.new_uuid(),
                "kind": kind,
                "schema": 1,
                "seq": self.seq,
                "at": text_of(self.now()),
                "base": base,
                "replaces": replaces,
                "body": body,
            },
            urgent=urgent,
        )
        self.ops[op.sent["op_uuid"]] = op
        if replaces in self.ops:
            self.ops[replaces].state = "replaced"
        if urgent and after in self.ops:
            self.ops[after].urgent = True
        named = {attachment["sha256"] for attachment in body.get("attachments", [])}
        for sha256, photo in list(self.photos.items()):
            if photo.state == "draft" and sha256 in named:
                photo.state = "waiting"
            elif photo.state == "draft" and draft_uuid in photo.owners:
                photo.owners.discard(draft_uuid)
                if not photo.owners:
                    del self.photos[sha256]
        self.drafts.pop(draft_uuid, None)
        return op

    # --- sync.js ---------------------------------------------------------------------------------------------------

    def sign_in(self) -> None:
        """Sign in; raises Fault."""
        self.link.send("GET", "/api/session")
        answer = self.link.send(
            "POST",
            "/api/session",
            json={"username": self.username, "password": PASSWORD, "device_uuid": self.device_uuid},
        )
        self.user_id, self.is_signed_in = answer["user"]["id"], True
        self.hand_in = answer.get("hand_in")

    def sync(self) -> Fault | None:
        """Run until there is nothing more to do at once. Gives what the last run met, if anything.

        Raises TabKilled.
        """
        self._again = True
        fault = None
        while self._again and not self.has_erased:
            self._again = False
            fault = self._run_once()
        return fault

    def _run_once(self) -> Fault | None:
        fault: Fault | None = None
        if not self.is_signed_in:
            try:
                self.sign_in()
            except Fault as met:
                return met
        for work in (self._push_ops, self._pull, self._send_photos):
            if work == self._pull and self.hand_in:
                continue
            try:
                work()
            except Fault as met:
                fault = met
                if met.kind in {"signed_out", "wrong_account"}:
                    self.is_signed_in = False
                if met.code == "hand_in_only":
                    self.hand_in = self._ask_hand_in()
                if met.stops:
                    break
        if fault is None:
            self._tidy()
        return fault

    def _ask_hand_in(self) -> str | None:
        try:
            return self.link.send("GET", "/api/session").get("hand_in")
        except Fault:
            return None

    def _push_ops(self) -> None:
        batches, patience = self._list_batches(), PATIENCE
        while batches:
            batch = batches.pop(0)
            try:
                self._push_batch(batch)
            except Fault as fault:
                if fault.stops:
                    raise
                if len(batch) > 1:
                    half = -(-len(batch) // 2)
                    batches[:0] = [batch[:half], batch[half:]]
                    continue
                batch[0].fail(fault.code)
                patience -= fault.kind == "busy"
                if patience == 0:
                    raise

    def _list_batches(self) -> list[list[Op]]:
        due = [op for op in self.ops.values() if op.is_open]
        due.sort(key=lambda op: (not op.urgent, op.sent["seq"]))
        batches: list[list[Op]] = []
        for op in due:
            if batches and len(batches[-1]) < BATCH and batches[-1][0].urgent == op.urgent:
                batches[-1].append(op)
            else:
                batches.append([op])
        return batches

    def _push_batch(self, batch: list[Op]) -> None:
        answer = self.link.send(
            "POST",
            "/api/sync/push",
            json={
                "device_uuid": self.device_uuid,
                "sent_at": text_of(self.now()),
                "ops": [op.sent for op in batch],
            },
        )
        if not isinstance(answer.get("receipts"), list) or not answer.get("server_time"):
            raise Fault("portal")
        self._note(answer)
        receipts = {receipt["op_uuid"]: receipt for receipt in answer["receipts"]}
        for op in batch:
            self.link.step()
            self._note_receipt(op, receipts.get(op.sent["op_uuid"]), answer["server_time"])

    def _note_receipt(self, op: Op, receipt: Json | None, server_time: str) -> None:
        if op.state == "replaced":
            return
        if receipt is None:
            op.fail("no_receipt")
        elif receipt["outcome"] in {"accepted", "duplicate"}:
            op.receive(server_time)
        elif receipt["outcome"] in {"rejected", "conflict"}:
            refused = receipt["code"] == "refused_by_office"
            op.state, op.fault = "refused" if refused else "rejected", receipt["code"]
            op.received_at = parse_instant(server_time) if refused else None
            assert receipt["message"], receipt
        else:
            op.fail(receipt["code"])

    def _note(self, answer: Json) -> None:
        if answer.get("backed_up_to"):
            self.backed_up_to = parse_instant(answer["backed_up_to"])
        epoch = answer.get("epoch")
        if epoch is None:
            return
        if self.epoch not in {None, epoch}:
            # That server was restored from a backup: whatever is still here is offered to it again.
            for item in [*self.ops.values(), *self.photos.values()]:
                if item.state not in {"replaced", "draft"}:
                    item.state, item.fault, item.received_at = "waiting", None, None
            self._again = True
        self.epoch = epoch

    def _pull(self) -> None:
        more = True
        while more:
            page = self.link.send("GET", "/api/sync/pull", query={"cursor": self.cursor or ""})
            if not isinstance(page.get("changes"), list) or not isinstance(page.get("cursor"), str):
                raise Fault("portal")
            self._note(page)
            self.link.step()
            self._apply(page)
            more = page["more"]
        if "state" in page:
            self._compare(page["state"])

    def _apply(self, page: Json) -> None:
        from_start, more = page.get("from_start", False), page["more"]
        self.reading += from_start
        for change in page["changes"]:
            key, record = (change["feed"], change["kind"], change["uuid"]), change["record"]
            value = record
            if record and change["kind"] == "checklist":
                self.checklists[record["key"], record["version"]] = record["document"]
                offer = record["offer"]
                value = offer and {"key": record["key"], "version": record["version"], **offer}
            if change.get("gone"):
                self.rows.pop(key, None)
            elif value or not record:
                self.rows[key] = Row(change["rev"], self.reading, value)
        arrived = {change["feed"] for change in page["changes"]}
        self.leaving |= set(page["left"])
        self.leaving = {feed for feed in self.leaving if feed in page["left"] or feed not in arrived}
        self.cursor = page["cursor"]
        self.changes += len(page["changes"]) + len(page["left"])
        is_read_anew = from_start or self.reads_anew
        self.reads_anew = is_read_anew and more
        if is_read_anew and not more:
            self.rows = {key: row for key, row in self.rows.items() if row.reading == self.reading}

    def state(self) -> str:
        """What the cache comes to, as the server computes it of its feeds."""
        total = 0
        for (feed, kind, uuid), row in self.rows.items():
            if feed not in self.leaving:
                total ^= entry_hash(kind, uuid, row.rev)
        return f"{total:012x}"

    def _compare(self, state: str) -> None:
        if self.state() != state and self.may_rebuild:
            self.rebuilds += 1
            self.may_rebuild = False
            self.cursor = None
            self._again = True

    def _send_photos(self) -> None:
        patience = PATIENCE
        for sha256, photo in sorted(self.photos.items(), key=lambda item: len(item[1].body)):
            if photo.state != "waiting":
                continue
            try:
                answer = self.link.send("PUT", f"/api/attachments/{sha256}", data=photo.body)
                if answer.get("sha256") != sha256 or not answer.get("server_time"):
                    raise Fault("portal")
                self.link.step()
                photo.receive(answer["server_time"])
            except Fault as fault:
                if fault.stops:
                    raise
                if fault.status in {413, 415, 422} and fault.code != "photo_hash_wrong":
                    photo.state, photo.fault = "rejected", fault.code
                else:
                    photo.fail(fault.code)
                patience -= fault.kind == "busy"
                if patience == 0:
                    raise

    def _tidy(self) -> None:
        if self.hand_in:
            waits = any(op.state == "waiting" for op in self.ops.values())
            if not (waits or self.drafts or any(photo.is_open for photo in self.photos.values())):
                self._erase()
            return
        if not self.waits:
            self.rows = {key: row for key, row in self.rows.items() if key[0] not in self.leaving}
            self.leaving = set()
        if self.backed_up_to is not None:
            self._forget_backed_up(self.backed_up_to)

    def _erase(self) -> None:
        self.link.send("DELETE", "/api/session", query={"erased": "true"})
        self.link.step()
        self.rows, self.checklists, self.ops, self.photos = {}, {}, {}, {}
        self.has_erased = True

    def _forget_backed_up(self, backed_up_to: datetime) -> None:
        def is_safe(item: Item) -> bool:
            return (
                item.state == "received" and item.received_at is not None and item.received_at <= backed_up_to
            )

        for op_uuid, op in list(self.ops.items()):
            if is_safe(op):
                del self.ops[op_uuid]
                self.ops.pop(op.sent["replaces"], None)
        for sha256, photo in list(self.photos.items()):
            if is_safe(photo) and not photo.owners & set(self.drafts):
                del self.photos[sha256]

    # --- what the browser does to it -------------------------------------------------------------------------------

    def lose_part_of_cache(self, share: int) -> bool:
        """The browser evicts a row of the cache; True when there was one."""
        if not self.rows:
            return False
        keys = sorted(self.rows)
        del self.rows[keys[share % len(keys)]]
        return True
