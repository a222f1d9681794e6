"""Finding people as one types.

Invariant: what is looked for travels in the body of a request, never in an address: addresses end up in logs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, render_template, request
from flask_login import current_user

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS
from fieldapp.core import clock, wording
from fieldapp.core.guard import READERS, SUPERVISOR, require
from fieldapp.people import queries, rules, search_queries
from fieldapp.people.search_queries import Found

FOUND_AT_ONCE = 20
ALIKE_AT_ONCE = 5
LONGEST_SEARCH = 80

bp = Blueprint("search", __name__)


@bp.post("/people/search")
@require(*READERS)
def find_people() -> str:
    """The households found; for a page that is there already only these, else the whole page."""
    looked_for = request.form.get("words", "").strip()[:LONGEST_SEARCH]
    found = _find(looked_for, current_user.area_codes())
    page = "people/_found.html" if request.headers.get("HX-Request") else "people/people.html"
    return render_template(
        page,
        looked_for=looked_for,
        found=_prepare(found[:FOUND_AT_ONCE]),
        has_more=len(found) > FOUND_AT_ONCE,
        words=wording.get_words("class"),
    )


@bp.post("/households/<uuid:household_uuid>/people/alike")
@require(SUPERVISOR)
def find_alike(household_uuid: UUID) -> str:
    """Who is on the list already and could be the person that a form is being filled in for."""
    codes = current_user.area_codes()
    household = queries.get_household(str(household_uuid), codes)
    found = search_queries.find_alike(
        request.form.get("name", "")[:LONGEST_SEARCH],
        rules.normal_number(request.form.get("id_number", "")[:LONGEST_SEARCH]),
        _read_day(request.form.get("birth_on", "")),
        codes,
        household.grid_code[: LEVELS["township"]],
        ALIKE_AT_ONCE,
    )
    return render_template(
        "people/_alike.html", found=_prepare(found), has_more=False, words=wording.get_words("class")
    )


def _read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _find(text: str, area_codes: Sequence[str]) -> list[Found]:
    number = rules.find_number(text)
    if number is not None:
        return search_queries.find_by_number(number, area_codes, FOUND_AT_ONCE + 1)
    return search_queries.find_by_words(text, area_codes, FOUND_AT_ONCE + 1)


def _prepare(found: Sequence[Found]) -> list[dict[str, Any]]:
    """The households as rows: where they are, who was meant (else all in them), their numbers masked."""
    today = clock.local_date(clock.now())
    places = areas.name_places(one.household.grid_code for one in found)
    return [
        {
            "household": one.household,
            "phone_masked": rules.mask_phone(one.household.phone),
            "place": places[one.household.grid_code],
            "is_meant": bool(one.people),
            "people": [
                {
                    "person": person,
                    "age": wording.age_on(person.birth_on, person.died_on or today),
                    "id_masked": rules.mask_id(person.id_number),
                    "phone_masked": rules.mask_phone(person.phone),
                }
                for person in one.people or one.household.people
            ],
        }
        for one in found
    ]


def init_app(app: Flask) -> None:
    """Register the search."""
    app.register_blueprint(bp)
