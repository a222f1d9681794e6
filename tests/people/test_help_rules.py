"""How grids of a village could help each other: a suggestion by place."""

from __future__ import annotations

from fieldapp.people.rules import suggest_help

# About 1.1 km from each other, on a line to the north.
MIDDLES = {"a": (45.20, 127.96), "b": (45.21, 127.96), "c": (45.22, 127.96)}


def at_grid(grid: str, number: int):
    """Households of a grid that lie ever further to the north, some 110 m apart."""
    lat, lon = MIDDLES[grid]
    return {f"{grid}{index:02}": (lat + index / 1000, lon) for index in range(number)}


def test_a_grid_with_much_to_do_gives_those_nearest_to_a_neighbour_with_little():
    loads = {"a": 20, "b": 2, "c": 2}
    [one, *more] = suggest_help(loads, {grid: at_grid(grid, load) for grid, load in loads.items()}, MIDDLES)
    assert (one.from_grid, one.to_grid) == ("a", "b")
    # Until the nearest one has as many as the mean, eight; the ones furthest to the north, round its middle.
    assert len(one.household_uuids) == 6
    assert set(one.household_uuids) <= {f"a{index:02}" for index in range(6, 14)}
    assert 200 < one.distance_m < 500
    assert not more


def test_no_suggestion_without_need_neighbours_or_known_places():
    even = {"a": 8, "b": 7, "c": 9}
    assert suggest_help(even, {grid: at_grid(grid, load) for grid, load in even.items()}, MIDDLES) == []
    assert suggest_help({}, {}, {}) == []
    assert suggest_help({"a": 20}, {"a": at_grid("a", 20)}, MIDDLES) == []
    loads = {"a": 20, "b": 2}
    assert suggest_help(loads, {}, MIDDLES) == []
    assert suggest_help(loads, {"a": at_grid("a", 20)}, {}) == []
    # Too few to be worth asking for.
    assert suggest_help({"a": 4, "b": 0}, {"a": at_grid("a", 4)}, MIDDLES) == []


def test_what_one_grid_was_given_leaves_less_room_for_the_next():
    loads = {"a": 30, "b": 0, "c": 30, "d": 0, "e": 0}
    middles = {**MIDDLES, "d": (45.9, 127.9), "e": (45.95, 127.9)}
    places = {grid: at_grid(grid, loads[grid]) for grid in ("a", "c")}
    helps = suggest_help(loads, places, middles)
    assert [(one.from_grid, one.to_grid, len(one.household_uuids)) for one in helps] == [
        ("a", "b", 12),
        ("c", "d", 12),
    ]
