"""How much the desk's pages ask of the database: bounded, whoever reads them."""

from __future__ import annotations

import pytest

from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.core.guard import ROLES
from fieldapp.people.models import DeclaredRelative
from tests import statements
from tests.core.test_access import ACCESS, OWN, path_of, records
from tests.factories import Desk

__all__ = ["records"]

MOST = 15


@pytest.mark.parametrize("role", [role for role in ROLES if role != "worker"])
def test_page_asks_the_database_at_most_fifteen_things(app, county, records, role):
    with app.app_context(), transaction():
        declared = {"relation": "兄妹", "declared_at": clock.now()}
        db.session.add(
            DeclaredRelative(user_id=county.users[role], person_uuid=county.person_uuids[0], **declared)
        )
    client = Desk(app, role).client
    asked = {}
    for (method, rule), allowed in ACCESS.items():
        if method != "GET" or role not in allowed or rule in OWN:
            continue
        path = path_of(rule, records)
        if rule in {"/followups/new", "/aid/new", "/aid/new/<kind>"}:
            path += f"?household={records['household_uuid']}"
        with statements.noted() as sent:
            client.get(path).close()
        asked[rule] = sum(one.startswith(("SELECT", "WITH")) for one in sent)
    assert {rule: number for rule, number in asked.items() if number > MOST} == {}
