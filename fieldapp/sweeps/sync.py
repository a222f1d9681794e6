"""What phones are told of sweeps: each open one, and of a person which of them have yet to reach them.

Invariant: a mark means something only while its phone holds the sweep; so closing a sweep is one record for all phones.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fieldapp.sweeps import queries
from fieldapp.sweeps.models import Sweep


def sweep_record(sweep: Sweep) -> dict[str, Any]:
    """A sweep as the phones in its area hold it."""
    return {
        "sweep_id": sweep.sweep_id,
        "area_code": sweep.area_code,
        "name": sweep.name,
        "from_on": sweep.from_on.isoformat(),
        "until_on": sweep.until_on.isoformat(),
        "methods": sweep.methods,
        "checklist_key": sweep.checklist_key,
    }


def list_records(sweep_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """By number, the sweeps of those numbers."""
    return {str(sweep.sweep_id): sweep_record(sweep) for sweep in queries.list_by_ids(map(int, sweep_ids))}


def list_marks(person_uuids: Collection[str]) -> dict[str, dict[str, Any]]:
    """By person, what their record says besides: the open sweeps that have yet to reach them."""
    marks = queries.list_open_marks(person_uuids)
    return {uuid: {"sweeps": [sweep.sweep_id for sweep in sweeps]} for uuid, sweeps in marks.items()}
