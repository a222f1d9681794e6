"""The village whose people are paid."""

from __future__ import annotations

from datetime import date

import pytest

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.people.models import DeclaredRelative
from tests.factories import GRID, OTHER_GRID
from tests.imports.rosters import find_user
from tests.payments.lists import promise, register


@pytest.fixture
def village(app) -> None:
    """People who are paid: due, due otherwise, not entered, entered, dead, a namesake pair, somebody elsewhere."""
    with app.app_context(), transaction():
        promise(register(GRID, "应发人", 1), 500_00)
        promise(register(GRID, "差额人", 2), 450_00)
        register(GRID, "新发人", 3)
        promise(register(GRID, "已发人", 4), 500_00, given=True)
        register(GRID, "已故人", 5, died_on=date(2026, 9, 3))
        register(GRID, "同名人", id_number="230183195005040028")
        register(OTHER_GRID, "同名人", id_number="230183196005040028")
        register(GRID, "错号人", 8)
        relative = register(GRID, "近亲人", 9)
        db.session.add(
            DeclaredRelative(
                user_id=find_user("supervisor").id,
                person_uuid=relative.person_uuid,
                relation="弟",
                declared_at=clock.now(),
            )
        )
