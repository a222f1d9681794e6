"""Bringing in a phone's file at the desk: operations and photos as that phone would have sent them.

Invariant: everything goes through the doors a phone's own requests go through, so a file may be brought in any number
of times, and its phone may send the same later.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from flask_babel import gettext

from fieldapp.core import audit, clock, scope, storage
from fieldapp.core.crypto import Cipher
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.reviews import actions as reviews
from fieldapp.sync import actions, handover, rules
from fieldapp.sync.actions import Receipt
from fieldapp.sync.envelopes import Push
from fieldapp.sync.handover import Handover, OpHead, PhotoHead, Unreadable
from fieldapp.users import queries as users
from fieldapp.users.models import User


@dataclass(frozen=True)
class BroughtOp:
    """An operation of the file and what became of it."""

    kind: str
    at: datetime | None
    title: str | None  # as its phone showed it; None where it may be about somebody the reader may not see
    receipt: Receipt


@dataclass(frozen=True)
class Brought:
    """What came of a phone's file."""

    worker: User
    exported_at: datetime
    ending: str  # handover.WHOLE, CUT_OFF or DAMAGED
    ops: list[BroughtOp]
    ops_unreadable: int
    photos: int  # in the file
    photo_faults: Counter[str]  # of those that were not taken in: how many by what is said of them


def bring_in(reader: User, file: BinaryIO, now: datetime) -> Brought:
    """Take in a phone's file, for the worker whose it is; runs its own transactions.

    Raises handover_unknown, handover_version, handover_damaged, handover_elsewhere, and not_found for a worker who
    never worked in the reader's areas.
    """
    found = Handover(file)
    cipher = found.open_key()
    areas = reader.area_codes(now)
    worker = users.get_worker_ever_in(found.head.user_id, areas)
    ops, ops_unreadable = _bring_ops(found, cipher, worker, reader, now)
    photos, photo_faults = _bring_photos(found, cipher, worker.id)
    with transaction():
        audit.record(
            reader,
            "handover.bring_in",
            "user",
            worker.id,
            at=now,
            device_uuid=found.head.device_uuid,
            exported_at=clock.iso(found.head.exported_at),
            ending=found.ending,
            outcomes=Counter(op.receipt["outcome"] for op in ops),
            photos=photos,
            photos_refused=photo_faults.total(),
        )
    return Brought(worker, found.head.exported_at, found.ending, ops, ops_unreadable, photos, photo_faults)


def _bring_ops(
    found: Handover, cipher: Cipher, worker: User, reader: User, now: datetime
) -> tuple[list[BroughtOp], int]:
    """Apply the operations in their phone's order; returns them, and how many were unreadable."""
    areas = reader.area_codes(now)
    shows_titles = all(scope.covers(areas, held.area_code) for held in worker.scopes)
    opened: list[tuple[dict[str, Any], str]] = []
    unreadable = 0
    for item in found.items(OpHead, handover.MAX_OP_BYTES):
        try:
            opened.append(handover.read_op(item.open(cipher), item.head))
        except Unreadable:
            unreadable += 1
    opened.sort(key=lambda op: rules.order_of(op[0]))
    ops = []
    for start in range(0, len(opened), rules.MAX_OPS):
        batch = opened[start : start + rules.MAX_OPS]
        # The phone's clock against ours was not measured: sent just now, it counts as right.
        request = Push(device_uuid=found.head.device_uuid, sent_at=now, ops=[raw for raw, _ in batch])
        receipts = actions.push(worker.id, request, now, brought_by=reader.id)
        ops += [
            BroughtOp(raw["kind"], _instant(raw["at"]), title if shows_titles else None, receipt)
            for (raw, title), receipt in zip(batch, receipts, strict=True)
        ]
    return ops, unreadable


def _bring_photos(found: Handover, cipher: Cipher, worker_id: int) -> tuple[int, Counter[str]]:
    """Store the photos; returns how many there were, and what is said of those that could not be stored."""
    photos, faults = 0, Counter[str]()
    for item in found.items(PhotoHead, max(storage.limits().values()) + handover.SEAL_BYTES):
        photos += 1
        try:
            reviews.store_attachment(item.head.key, io.BytesIO(item.open(cipher)), worker_id, clock.now())
        except Unreadable:
            faults[gettext("damaged in the file")] += 1
        except AppError as error:
            faults[error.message] += 1
    return photos, faults


def _instant(text: str) -> datetime | None:
    try:
        return clock.parse_instant(text)
    except ValueError:
        return None
