"""What tests of aid on phones begin with."""

from __future__ import annotations

import pytest

from fieldapp.reports.recount import list_wrong
from tests.aid.phone_aid import enter


@pytest.fixture
def recounted(app):
    """Whatever happened, what is counted is what the entries say."""
    yield
    with app.app_context():
        assert list_wrong() == {}


@pytest.fixture
def due(app, county) -> str:
    """Money for heating that the office still owes the worker's household."""
    return enter(app, county)
