"""A routine visit in which nothing has changed: ten taps at most, counted from Today to "saved"."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

MOST_TAPS = 10


@pytest.mark.parametrize(
    ("name", "children"),
    [
        pytest.param("何有田", (), id="a destitute person"),
        pytest.param("王桂兰", (), id="an elder living alone"),
        pytest.param("李德福", (), id="a destitute elder living alone"),
        pytest.param("刘凤琴", ("姜子涵", "姜子轩"), id="a family with two children"),
    ],
)
def test_a_visit_with_nothing_changed_takes_at_most_ten_taps(phone, name, children):
    phone.taps = 0
    phone.make_visit(name, children=children)
    assert phone.taps <= MOST_TAPS, f"{phone.taps} taps"
    # It is a whole visit, not one that only looks finished.
    phone.go_to("To send")
    expect(phone.entry(phone.words("{name} · visit", name=name))).to_contain_text(phone.words("Received"))
