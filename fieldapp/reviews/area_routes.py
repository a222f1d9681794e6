"""Pages of the areas: the tree with what it holds, down to the names of a grid; grids and units drawn and ended, villages
redrawn.

Invariant: every write goes through `reviews.area_actions`, which checks scope and level again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, Flask, flash, redirect, render_template, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.areas.models import LEVELS, PROPER, UNIT, Area
from fieldapp.core import clock, scope, wording
from fieldapp.core.codes import get_codes
from fieldapp.core.db import transaction
from fieldapp.core.errors import AppError
from fieldapp.core.guard import OFFICER, READERS, WORKER, require
from fieldapp.people import area_queries
from fieldapp.people.area_queries import AreaCounts
from fieldapp.people.due_queries import DueCount
from fieldapp.reviews import area_actions as actions
from fieldapp.reviews.area_forms import GridForm, SplitForm, SuccessorForm, UnitForm
from fieldapp.users import queries as users

bp = Blueprint("areas", __name__, url_prefix="/areas")


@bp.get("")
@require(*READERS)
def top_page() -> str | Response:
    """The areas of the reader; of one alone, what lies in it."""
    codes = current_user.area_codes()
    if len(codes) == 1:
        return redirect(url_for(".area_page", code=codes[0]))
    return render_template("areas/areas.html", area=None, path=[], **_prepare_rows(areas.list_areas(codes)))


@bp.get("/<code>")
@require(*READERS)
def area_page(code: str) -> str:
    """What an area holds: the areas below it with their counts; of a grid its households."""
    return _show(_get(code))


@bp.post("/<code>/grids")
@require(OFFICER)
def draw_grid(code: str) -> Any:
    """Add a grid to a village."""
    village, form = _get(code), GridForm()

    def do() -> tuple[str, str]:
        grid = actions.draw_grid(current_user, village.code, form.name.data, now=clock.now())
        return village.code, gettext(
            "%(name)s is drawn. Give it a worker on the page Accounts.", name=grid.name
        )

    return _do(village, "grid_form", form, do)


@bp.post("/<code>/units")
@require(OFFICER)
def draw_unit(code: str) -> Any:
    """Add a unit directly under a city."""
    proper, form = _get(code), UnitForm()

    def do() -> tuple[str, str]:
        unit = actions.draw_unit(current_user, proper.code, form.name.data, form.facts, now=clock.now())
        return unit.code, gettext(
            "%(name)s is on the list. Give it a worker on the page Accounts.", name=unit.name
        )

    return _do(proper, "unit_form", form, do)


@bp.post("/<code>/unit")
@require(OFFICER)
def change_unit(code: str) -> Any:
    """Set what is known of a unit."""
    unit, form = _get(code), UnitForm()

    def do() -> tuple[str, str]:
        actions.change_unit(current_user, unit.code, form.name.data, form.facts, now=clock.now())
        return unit.code, gettext("Saved.")

    return _do(unit, "unit_form", form, do)


@bp.post("/<code>/rename")
@require(OFFICER)
def rename_grid(code: str) -> Any:
    """Call a grid otherwise."""
    grid, form = _get(code), GridForm()

    def do() -> tuple[str, str]:
        actions.rename_grid(current_user, grid.code, form.name.data, now=clock.now())
        return grid.code, gettext("The grid is called %(name)s now.", name=form.name.data)

    return _do(grid, "rename_form", form, do)


@bp.post("/<code>/move")
@require(OFFICER)
def move_grid(code: str) -> Any:
    """Put all households of a grid or unit into another one."""
    grid, form = _get(code), SuccessorForm()

    def do() -> tuple[str, str]:
        count = actions.move_grid(current_user, grid.code, form.to.data, now=clock.now())
        return form.to.data, ngettext(
            "%(num)s household moved here.", "%(num)s households moved here.", count
        )

    return _do(grid, "move_form", form, do)


@bp.post("/<code>/end")
@require(OFFICER)
def end_grid(code: str) -> Any:
    """End a grid or unit; another one takes its households and its workers."""
    grid, form = _get(code), SuccessorForm()

    def do() -> tuple[str, str]:
        actions.end_grid(current_user, grid.code, form.to.data, now=clock.now())
        return str(grid.parent_code), gettext("%(name)s has ended.", name=grid.name)

    return _do(grid, "end_form", form, do)


@bp.post("/<code>/split")
@require(OFFICER)
def split_village(code: str) -> Any:
    """Make a new village of some grids of this one."""
    village, form = _get(code), SplitForm()

    def do() -> tuple[str, str]:
        new = actions.split_village(
            current_user, village.code, form.code.data, form.name.data, form.grids.data or [], now=clock.now()
        )
        return new.code, gettext(
            "%(new)s is a village of its own now. Phones learn it at the next sync.", new=new.name
        )

    return _do(village, "split_form", form, do)


@bp.post("/<code>/merge")
@require(OFFICER)
def merge_village(code: str) -> Any:
    """End a village; another one takes all its grids."""
    village, form = _get(code), SuccessorForm()

    def do() -> tuple[str, str]:
        actions.merge_village(current_user, village.code, form.to.data, now=clock.now())
        return form.to.data, gettext("%(name)s belongs to this village now.", name=village.name)

    return _do(village, "merge_form", form, do)


def _do(area: Area, name: str, form: Any, do: Callable[[], tuple[str, str]]) -> Any:
    """Check a form and do what it asks; then the page and the words `do` gives, or the page again with what is wrong."""
    # Choices are checked by the action; the field must only know that there are any.
    shown = _prepare_forms(area)
    if name in shown and hasattr(form, "offer"):
        _offer(area, name, form)
    if not form.validate_on_submit():
        return _show(area, {name: form}), 422
    try:
        with transaction():
            to, words = do()
    except AppError as error:
        if error.code == "not_found":
            raise
        return _show(_get(area.code), {name: form}, error), error.status
    flash(words)
    return redirect(url_for(".area_page", code=to), 303)


def _get(code: str) -> Area:
    area = areas.find_area(code)
    if area is None or not scope.covers(current_user.area_codes(), code):
        raise AppError("not_found")
    return area


def _show(area: Area, forms: dict[str, Any] | None = None, error: AppError | None = None) -> str:
    path = [one for one in areas.list_path(area.code) if scope.covers(current_user.area_codes(), one.code)]
    successor = areas.find_area(area.successor_code) if area.successor_code else None
    common = {
        "area": area,
        "path": path[:-1],
        "successor": successor,
        "forms": {**_prepare_forms(area), **(forms or {})},
        "error": error,
    }
    if area.holds_households:
        return render_template(
            "areas/grid.html",
            households=area_queries.list_households_of_grid(area.code),
            workers=_list_workers(area.code),
            unit=areas.get_unit(area.code) if area.level == UNIT else None,
            kinds=wording.get_words("unit_kind")["unit_kind"],
            today=clock.local_date(clock.now()),
            **common,
        )
    return render_template("areas/areas.html", **common, **_prepare_rows(areas.list_children([area.code])))


def _prepare_rows(below: Sequence[Area]) -> dict[str, Any]:
    """Areas with their counts, the ended ones apart; and the sum of all."""
    today = clock.local_date(clock.now())
    counts: dict[str, AreaCounts] = {}
    for digits in {len(area.code) for area in below}:
        codes = [area.code for area in below if len(area.code) == digits]
        counts |= area_queries.count_by_area(codes, digits, today)
    tiers = {code: row.extra.get("tier", "none") for code, row in get_codes("class").items()}
    rows: list[dict[str, Any]] = [
        {
            "area": area,
            "counts": counts.get(area.code, AreaCounts()),
            "people": _by_tier(counts.get(area.code, AreaCounts()).people, tiers),
            "workers": _list_workers(area.code) if area.holds_households and not area.is_ended else [],
        }
        for area in below
    ]
    total = AreaCounts(
        sum(one.households for one in counts.values()),
        DueCount(
            sum(one.due.overdue for one in counts.values()), sum(one.due.this_week for one in counts.values())
        ),
    )
    return {
        "rows": [row for row in rows if not row["area"].is_ended],
        "ended": [row["area"] for row in rows if row["area"].is_ended],
        "names": areas.get_names(area.successor_code for area in below if area.successor_code),
        "total": total,
        "total_people": _by_tier(sum((one.people for one in counts.values()), Counter()), tiers),
        "has_grids": any(area.holds_households for area in below),
    }


def _by_tier(people: Counter[str], tiers: dict[str, str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for main_class, count in people.items():
        found[tiers.get(main_class, "none")] += count
    return found


def _list_kinds(kept: str | None) -> list[tuple[str, str]]:
    """The kinds of units, without those retired ones that the unit is not: (code, word)."""
    today = clock.local_date(clock.now())
    words = wording.get_words("unit_kind")["unit_kind"]
    return [
        (code, words[code])
        for code, row in get_codes("unit_kind").items()
        if code == kept or row.retired_on is None or row.retired_on > today
    ]


def _list_workers(grid_code: str) -> list[str]:
    return [user.display_name for user in users.list_users_covering(grid_code, [WORKER], clock.now())]


def _prepare_forms(area: Area) -> dict[str, Any]:
    """The forms of what the reader may do with this area, by name."""
    if current_user.role != OFFICER or area.is_ended:
        return {}
    forms: dict[str, Any] = {}
    if area.level == "village":
        forms = {"grid_form": GridForm(formdata=None)}
        if areas.list_grids([area.code]):
            forms |= {"split_form": SplitForm(formdata=None), "merge_form": SuccessorForm(formdata=None)}
    elif area.level == PROPER:
        forms = {"unit_form": UnitForm(formdata=None)}
    elif area.holds_households:
        forms = {"move_form": SuccessorForm(formdata=None), "end_form": SuccessorForm(formdata=None)}
        if area.level == UNIT:
            forms["unit_form"] = UnitForm(formdata=None, obj=areas.get_unit(area.code), name=area.name)
        else:
            forms["rename_form"] = GridForm(formdata=None, name=area.name)
    for name, form in forms.items():
        _offer(area, name, form)
    return forms


def _offer(area: Area, name: str, form: Any) -> None:
    """Set what the form lets one choose from."""
    if name == "split_form":
        grids = [(grid.code, grid.name) for grid in areas.list_grids([area.code])]
        form.offer(area.parent_code, grids)
    elif name == "unit_form":
        form.offer(_list_kinds(form.kind.data))
    elif name == "merge_form":
        beside = areas.list_children([area.parent_code or ""])
        form.offer([(one.code, one.name) for one in beside if one.code != area.code and not one.is_ended])
    elif isinstance(form, SuccessorForm):
        # Of a unit: the others of its city.
        township = area.code[: LEVELS["township"]]
        form.offer(
            [
                (grid.code, grid.name)
                for grid in areas.list_grids([township])
                if grid.code != area.code and scope.covers(current_user.area_codes(), grid.code)
            ]
        )


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(bp)
