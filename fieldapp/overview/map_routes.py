"""The map of what is open, and the list of the same places.

Invariant: the points are those of the list, gathered by the server; no worker and no track is on the map.
"""

from __future__ import annotations

from datetime import datetime
from math import isfinite
from typing import Any

from flask import Blueprint, Flask, jsonify, render_template, request, url_for
from flask_babel import lazy_gettext
from flask_login import current_user
from werkzeug.wrappers import Response

from fieldapp.areas import queries as areas
from fieldapp.core import clock, wording
from fieldapp.core.guard import READERS, require
from fieldapp.core.paging import read_area, read_page
from fieldapp.overview import map_queries as queries
from fieldapp.overview.map_queries import WORLD, Box, Cell, CountyRow, MapFilter

SHOWS = {
    "flags": lazy_gettext("Open flags"),
    "tasks": lazy_gettext("Open tasks"),
    "overdue": lazy_gettext("Households overdue"),
}
DEFAULT_ZOOM = 8

bp = Blueprint("map", __name__, url_prefix="/map")


@bp.get("")
@require(*READERS)
def map_page() -> str:
    """The map with its choices, and beside it the places as a list."""
    now = clock.now()
    chosen = _read_filter()
    if queries.is_wide(current_user, chosen.area, now):
        return _show_counties(chosen, now)
    page = read_page()
    places, has_more, box = queries.list_places(current_user, chosen, now, page)
    choice: dict[str, Any] = {"show": chosen.show or None, "area": chosen.area or None}
    return render_template(
        "overview/map.html",
        places=places,
        has_more=has_more,
        page=page,
        box=box,
        chosen=chosen,
        choice=choice,
        in_box=request.args.get("box") if chosen.box != WORLD else None,
        shows=SHOWS,
        areas=areas.list_choices(current_user.area_codes(now), chosen.area),
        words=wording.get_words("severity")["severity"],
    )


def _show_counties(chosen: MapFilter, now: datetime) -> str:
    return render_template(
        "overview/map_counties.html",
        counties=queries.list_counties(current_user, chosen, now),
        chosen=chosen,
        choice={"show": chosen.show or None, "area": chosen.area or None},
        shows=SHOWS,
        areas=areas.list_choices(current_user.area_codes(now), chosen.area),
        words=wording.get_words("severity")["severity"],
    )


@bp.get("/points")
@require(*READERS)
def points() -> Response:
    """The cells of a box at a zoom, as JSON: {cells: [{lat, lon, datum, count, worst, name, link}]}; of more than one
    county a cell for each, wherever it lies.
    """
    now, chosen = clock.now(), _read_filter()
    if queries.is_wide(current_user, chosen.area, now):
        counties = queries.list_counties(current_user, chosen, now)
        return jsonify(cells=[_county_as_json(one, chosen) for one in counties if one.place])
    zoom = request.args.get("zoom", DEFAULT_ZOOM, type=int)
    cells = queries.list_cells(current_user, chosen, zoom, now)
    return jsonify(cells=[_as_json(cell) for cell in cells])


def _as_json(cell: Cell) -> dict[str, Any]:
    return {
        "lat": cell.lat,
        "lon": cell.lon,
        "datum": cell.datum,
        "count": cell.count,
        "worst": cell.worst,
        "name": cell.name,
        "link": url_for("reviews.household_page", household_uuid=cell.household_uuid)
        if cell.household_uuid
        else None,
    }


def _county_as_json(county: CountyRow, chosen: MapFilter) -> dict[str, Any]:
    lat, lon = county.place or (0.0, 0.0)
    return {
        "lat": lat,
        "lon": lon,
        "datum": "WGS84",
        "count": county.count,
        "worst": county.worst,
        "name": county.name,
        "link": url_for("map.map_page", area=county.code, show=chosen.show or None),
    }


def _read_filter() -> MapFilter:
    """The choice in the address; what is not one is ignored."""
    show = request.args.get("show", "")
    return MapFilter(
        show=show if show in SHOWS else "",
        area=read_area(),
        box=_read_box(),
    )


def _read_box() -> Box:
    """`box=south,west,north,east` in degrees; the whole world where it is none."""
    try:
        south, west, north, east = map(float, request.args.get("box", "").split(","))
    except ValueError:
        return WORLD
    return (south, west, north, east) if all(map(isfinite, (south, west, north, east))) else WORLD


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(bp)
