"""Reads of quarantined operations for the desk: what waits to be settled, and what was.

Invariant: a reader sees the operations of workers all of whose areas, at any time, lie in the reader's; of a worker who
also worked elsewhere only those about a household in the reader's areas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, Select, case, func, select

from fieldapp.core import clock, scope
from fieldapp.core.bodies import YEARS
from fieldapp.core.db import db
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, SUPERVISOR
from fieldapp.core.severity import SEVERITIES
from fieldapp.core.storage import Attachment, AttachmentUpload, AttachmentUse
from fieldapp.people.models import Household
from fieldapp.sync import registry, rules
from fieldapp.sync.models import Operation
from fieldapp.users import queries as users
from fieldapp.users.models import User, UserScope
from fieldapp.visits import queries as visits
from fieldapp.visits.models import Visit
from fieldapp.visits.sync import AttachmentRef

PAGE_ROWS = 50
WAITING, SETTLED = "waiting", "settled"
VIEWS = (WAITING, SETTLED)
# Who settles operations.
SETTLERS = (SUPERVISOR, OFFICER)
_WAITS = Operation.state.in_(("rejected", "conflict"))
_RANK = case(
    {severity: rank for rank, severity in enumerate(SEVERITIES)},
    value=Operation.severity,
    else_=len(SEVERITIES),
)


@dataclass(frozen=True)
class OperationItem:
    """An operation as a row of the list."""

    operation: Operation
    worker_name: str
    household_name: str  # of one the reader may see
    settled_by: str


def select_waiting(area_codes: Sequence[str]) -> Select[str | None, int]:
    """What waits for a reader of those areas, by severity."""
    return (
        select(Operation.severity, func.count())
        .where(_WAITS, _is_visible(area_codes))
        .group_by(Operation.severity)
    )


def list_operations(area_codes: Sequence[str], view: str, page: int) -> tuple[list[OperationItem], bool]:
    """A page of those that wait, the worst and then the oldest first, or of the settled ones, the latest first; and
    whether there are more.
    """
    waits = view == WAITING
    found = list(
        db.session.scalars(
            select(Operation)
            .where(_WAITS if waits else Operation.settled_at.is_not(None), _is_visible(area_codes))
            .order_by(
                *((_RANK, Operation.received_at) if waits else (Operation.settled_at.desc(),)),
                Operation.op_uuid,
                Operation.body_hash,
            )
            .offset((page - 1) * PAGE_ROWS)
            .limit(PAGE_ROWS + 1)
        )
    )
    shown = found[:PAGE_ROWS]
    households: dict[Any, str] = dict(
        db.session.execute(
            select(Household.household_uuid, Household.name).where(
                Household.household_uuid.in_([operation.household_uuid for operation in shown]),
                scope.within(Household.grid_code, area_codes),
            )
        ).all()
    )
    names = users.get_display_names(
        id_ for operation in shown for id_ in (operation.user_id, operation.settled_by) if id_ is not None
    )
    items = [
        OperationItem(
            operation,
            names.get(operation.user_id, ""),
            households.get(operation.household_uuid, ""),
            names.get(operation.settled_by or 0, ""),
        )
        for operation in shown
    ]
    return items, len(found) > PAGE_ROWS


def list_recorded(area_codes: Sequence[str], page: int) -> tuple[list[Operation], bool]:
    """A page of what workers registered and corrected in those areas, the latest first; and whether there is more."""
    found = list(
        db.session.scalars(
            select(Operation)
            .where(
                scope.within(Operation.feed, area_codes),
                Operation.kind.in_(registry.KINDS),
                Operation.state == "accepted",
            )
            .order_by(Operation.received_at.desc(), Operation.op_uuid)
            .offset((page - 1) * PAGE_ROWS)
            .limit(PAGE_ROWS + 1)
        )
    )
    return found[:PAGE_ROWS], len(found) > PAGE_ROWS


def get_operation(user_id: int, op_uuid: str, body_hash: str, area_codes: Sequence[str]) -> Operation:
    """One that waits or was settled, when the reader may see it; raises not_found."""
    operation = db.session.scalar(
        select(Operation).where(
            Operation.op_uuid == op_uuid,
            Operation.user_id == user_id,
            Operation.body_hash == body_hash,
            Operation.quarantine.is_not(None),
            _is_visible(area_codes),
        )
    )
    if operation is None:
        raise AppError("not_found")
    return operation


def lock_operation(operation: Operation) -> Operation:
    """The operation as it is now, locked until the transaction ends, when it still waits; raises operation_settled."""
    key = (operation.op_uuid, operation.user_id, operation.body_hash)
    locked = db.session.get_one(Operation, key, with_for_update=True, populate_existing=True)
    if locked.state not in {"rejected", "conflict"}:
        raise AppError("operation_settled")
    return locked


def when_written(operation: Operation) -> datetime:
    """When a quarantined operation was written by its phone's clock; when it came, where that cannot be read."""
    try:
        at = clock.parse_instant(operation.quarantine["at"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return operation.received_at
    return at if at.year in YEARS else operation.received_at


def find_earlier(operation: Operation) -> Operation | None:
    """The same worker's visit that waits as well and that this correction builds on, or entry of aid, or None."""
    if operation.kind not in rules.BUILDS_ON or operation.record_uuid is None:
        return None
    return db.session.scalar(
        select(Operation)
        .where(
            _WAITS,
            Operation.user_id == operation.user_id,
            Operation.kind == rules.BUILDS_ON[operation.kind],
            Operation.record_uuid == operation.record_uuid,
        )
        .order_by(Operation.received_at)
        .limit(1)
    )


def find_visit_here(user_id: int, body: Mapping[str, Any]) -> Visit | None:
    """The worker's own visit that a body is about, when it is here."""
    visit_uuid = rules.uuid_in(body, "visit_uuid")
    visit = visits.find_visit(visit_uuid) if visit_uuid else None
    return visit if visit is not None and visit.worker_id == user_id else None


def can_read_attachment(sha256: str, reader: User, area_codes: Sequence[str]) -> bool:
    """Whether a quarantined operation that the reader may see, of the account that put the attachment, names it."""
    if reader.role not in SETTLERS:
        return False
    operations = db.session.scalars(
        select(Operation)
        .join(AttachmentUpload, AttachmentUpload.user_id == Operation.user_id)
        .where(AttachmentUpload.sha256 == sha256, Operation.quarantine.is_not(None), _is_visible(area_codes))
    )
    return any(sha256 == named.sha256 for operation in operations for named in _list_named(operation))


def list_uses(operation: Operation) -> list[tuple[AttachmentUse, Attachment | None]]:
    """The attachments a quarantined operation names, each with what is known of it when its phone has put it."""
    named = _list_named(operation)
    held = {
        attachment.sha256: attachment
        for attachment in db.session.scalars(
            select(Attachment)
            .join(AttachmentUpload)
            .where(
                AttachmentUpload.user_id == operation.user_id,
                Attachment.sha256.in_([item.sha256 for item in named]),
            )
        )
    }
    return [
        (
            AttachmentUse(
                sha256=item.sha256,
                question=item.question,
                taken_at=item.taken_at,
                size=item.size,
                name=item.name,
            ),
            held.get(item.sha256),
        )
        for item in named
    ]


def _list_named(operation: Operation) -> list[AttachmentRef]:
    """What of its list of attachments can be read."""
    body = operation.quarantine.get("body") if isinstance(operation.quarantine, dict) else None
    items = body.get("attachments") if isinstance(body, dict) else None
    named = []
    for item in items if isinstance(items, list) else []:
        try:
            named.append(AttachmentRef.model_validate(item))
        except ValidationError:
            continue
    return named


def _is_visible(area_codes: Sequence[str]) -> ColumnElement[bool]:
    inside = scope.within(UserScope.area_code, area_codes)
    worked = select(UserScope.id).where(UserScope.user_id == Operation.user_id)
    # A value, not EXISTS, for which PostgreSQL would read the households of a whole province first.
    grid = select(Household.grid_code).where(Household.household_uuid == Operation.household_uuid)
    of_ours = scope.within(grid.scalar_subquery(), area_codes)
    return worked.where(inside).exists() & (~worked.where(~inside).exists() | of_ours)
