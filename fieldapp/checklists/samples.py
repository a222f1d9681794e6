"""An invented household for trying out a checklist at the desk.

Invariant: everybody in it is made up; nothing of it is ever stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

MOST_PEOPLE = 6
_NAMES = ("王桂兰", "李国强", "李小宝", "赵春花", "李大山", "李雪")


def make_context(
    people: int, main_class: str, tags: Sequence[str], today: date, language: str
) -> dict[str, Any]:
    """What a phone gives the form of a visit to a household of `people`; class and tags are the first one's."""
    count = max(1, min(people, MOST_PEOPLE))
    return {
        "today": today.isoformat(),
        "now": f"{today.isoformat()}T09:30:00+08:00",
        "language": language,
        "username": "sample",
        "device_uuid": "",
        "household": {
            "household_uuid": "00000000-0000-4000-8000-000000000000",
            "name": _NAMES[0],
            "address": "幸福村2组",
            "phone": "13800001234",
            "grid_code": "230000000000001",
            "note": "",
            "last_visit_on": (today - timedelta(days=30)).isoformat(),
            "due_on": today.isoformat(),
        },
        "people": [
            _person(name, place, main_class, list(tags) if place == 0 else [], today)
            for place, name in enumerate(_NAMES[:count])
        ],
    }


def _person(name: str, place: int, main_class: str, tags: list[str], today: date) -> dict[str, Any]:
    return {
        "person_uuid": f"00000000-0000-4000-8000-00000000000{place + 1}",
        "name": name,
        "sex": "f" if place % 2 == 0 else "m",
        "birth_on": today.replace(year=today.year - (76 - 13 * place), month=1, day=1).isoformat(),
        "main_class": main_class,
        "tags": tags,
        "risk": "middle" if place == 0 else "low",
        "phone": None,
        "id_masked": "230***********0000",
        "relation": "户主" if place == 0 else "家庭成员",
        "last_contact_on": (today - timedelta(days=30)).isoformat(),
        "due_on": today.isoformat(),
        "died_on": None,
    }
