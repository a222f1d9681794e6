"""Which version counts where and when; the phone answers the same cases in tests/js/phone/offers.test.js."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from fieldapp.checklists.offers import Offer, choose

CASES = json.loads((Path(__file__).parent / "offers.json").read_text(encoding="utf-8"))["cases"]


def offer_of(row: dict[str, Any]) -> Offer:
    until_on = date.fromisoformat(row["until_on"]) if row["until_on"] else None
    return Offer(**{**row, "from_on": date.fromisoformat(row["from_on"]), "until_on": until_on})


@pytest.mark.parametrize("case", CASES, ids=[case["what"] for case in CASES])
def test_one_version_of_a_checklist_counts(case):
    offers, day = [offer_of(row) for row in case["offers"]], date.fromisoformat(case["day"])
    for order in (offers, offers[::-1]):
        chosen = choose(order, case["area_code"], day)
        assert {key: offer.id for key, offer in chosen.items()} == case["chosen"]
