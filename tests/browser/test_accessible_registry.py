"""The desk's pages of the registry and of its people can be read and used by everyone (barriers.py)."""

from __future__ import annotations

import pytest

from tests.browser.barriers import LOOKS, walk_pages
from tests.browser.conftest import DESK_SIZE
from tests.browser.desk import Desk
from tests.browser.pages import PEOPLE, REGISTRY
from tests.browser.registry_walks import ROSTER, SCREENING, TWICE, walk_registry
from tests.browser.walks import (
    walk_records,
)


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_pages_of_people_can_be_read_and_used(open_context, words, live, scheme):
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = walk_pages(desk, walk_records(desk, live.password), PEOPLE)
    assert found == {}


@pytest.mark.parametrize(("words", "scheme"), LOOKS, indirect=["words"])
def test_pages_of_the_registry_can_be_read_and_used(open_context, words, live, office, scheme, tmp_path):
    office.register_again(TWICE)
    roster, screening = tmp_path / "roster.csv", tmp_path / "screening.csv"
    roster.write_text(ROSTER, encoding="utf-8")
    screening.write_text(SCREENING, encoding="utf-8")
    desk = Desk(open_context("desk", viewport=DESK_SIZE, color_scheme=scheme, reduced_motion="reduce"), words)
    found = walk_pages(desk, walk_registry(desk, live.password, roster, screening), REGISTRY)
    assert found == {}
