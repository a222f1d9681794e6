"""Cells as people fill them in: mended where that is safe, else refused with words."""

from __future__ import annotations

from datetime import date

import pytest

from fieldapp.imports import columns, rules
from fieldapp.imports.places import Places
from fieldapp.imports.rules import Words, read_day, read_row
from fieldapp.imports.words import FAULTS, mask_numbers, say_fault

TODAY = date(2026, 11, 28)
GOOD, WRONG_DIGIT = "23012319500307006X", "230123195003070061"
WORDS = Words(
    classes={
        "农村低保": "dibao_rural",
        "低保边缘": "dibao_margin",
        "特困人员(分散供养)": "destitute_scattered",
    },
    tags={"独居老人": "living_alone", "独居": "living_alone", "残疾人": "disabled"},
    risks={"高": "high", "中": "middle", "低": "low"},
    causes={"因病": "illness", "因残": "disability"},
)


def read(**cells):
    cells = {"name": "王桂兰", **cells}
    return read_row(list(cells.values()), list(cells), WORDS, TODAY)


def faults(**cells):
    return [(fault.field, fault.code) for fault in read(**cells).faults]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("1950-03-07", date(1950, 3, 7)),
        ("1950.3.7", date(1950, 3, 7)),
        ("1950/3/7", date(1950, 3, 7)),
        ("1950年3月7日", date(1950, 3, 7)),
        ("1950年03月07", date(1950, 3, 7)),
        ("１９５０．３．７", date(1950, 3, 7)),
        ("19500307", date(1950, 3, 7)),
        ("1950-03-07 00:00:00", date(1950, 3, 7)),
        ("18329", date(1950, 3, 7)),
        ("60", None),
        ("1950-02-30", None),
        ("1950年3月", None),
        ("大概1950年", None),
        ("7/3/1950", None),
    ],
)
def test_days(text, day):
    assert read_day(text) == day


@pytest.mark.parametrize(
    "text", [GOOD, GOOD.lower(), "'" + GOOD, "２３０１２３１９５００３０７００６Ｘ", " 230123 19500307 006x "]
)
def test_an_id_number_is_taken_as_it_is_meant(text):
    draft = read(id_number=text)
    assert draft.faults == []
    assert draft.person["id_number"] == GOOD
    assert (draft.person["birth_on"], draft.person["sex"]) == (date(1950, 3, 7), "f")


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"name": ""}, ("name", "name_missing")),
        ({"name": "王" * 81}, ("name", "too_long")),
        ({"name": "#N/A"}, ("name", "cell_error")),
        ({"id_number": "2.30123E+17"}, ("id_number", "rounded")),
        ({"id_number": "2301231950030700"}, ("id_number", "id_length")),
        ({"id_number": "2301231950030700AX"}, ("id_number", "id_digits")),
        ({"id_number": "230123195013070028"}, ("id_number", "id_birthday")),
        ({"id_number": WRONG_DIGIT}, ("id_number", "id_check_digit")),
        ({"id_number": GOOD, "birth_on": "1950-03-08"}, ("birth_on", "birth_differs")),
        ({"id_number": GOOD, "sex": "男"}, ("sex", "sex_differs")),
        ({"birth_on": "1950-02-30"}, ("birth_on", "day_impossible")),
        ({"birth_on": "2027-01-01"}, ("birth_on", "day_ahead")),
        ({"birth_on": "1790-01-01"}, ("birth_on", "day_long_ago")),
        ({"died_on": "2026-11-29"}, ("died_on", "day_ahead")),
        ({"birth_on": "1950-03-07", "died_on": "1950-03-06"}, ("died_on", "died_before_birth")),
        ({"sex": "不详"}, ("sex", "sex_unknown")),
        ({"main_class": "五保"}, ("main_class", "class_unknown")),
        ({"main_class": "低保"}, ("main_class", "class_unknown")),
        ({"risk": "很高"}, ("risk", "risk_unknown")),
        ({"tags": "独居老人、外星人"}, ("tags", "tag_unknown")),
        ({"causes": "因懒"}, ("causes", "cause_unknown")),
        ({"phone": "没有电话"}, ("phone", "phone_odd")),
        ({"phone": "13912345678/13912345679"}, ("phone", "phone_odd")),
        ({"bank_account": "6.22848E+18"}, ("bank_account", "rounded")),
        ({"bank_account": "一卡通"}, ("bank_account", "account_odd")),
        ({"disability_type": "其他"}, ("disability_type", "disability_unknown")),
        ({"disability_level": "五级"}, ("disability_level", "degree_unknown")),
    ],
)
def test_what_is_wrong_is_told_at_its_cell(cells, expected):
    assert expected in faults(**cells)
    assert len(faults(**cells)) == 1


def test_every_fault_of_a_row_is_told():
    assert faults(name="", id_number=WRONG_DIGIT, risk="很高", phone="无法接通") == [
        ("name", "name_missing"),
        ("id_number", "id_check_digit"),
        ("phone", "phone_odd"),
        ("risk", "risk_unknown"),
    ]


def test_a_wrong_check_digit_stands_with_a_reason():
    draft = read(id_number=WRONG_DIGIT, id_reason="证件如此")
    assert draft.faults == []
    assert (draft.person["id_number"], draft.person["id_reason"]) == (WRONG_DIGIT, "证件如此")


def test_words_stand_for_codes():
    draft = read(
        main_class="低保边缘家庭",
        risk="高风险",
        tags="独居，残疾人",
        causes="因病;因残",
        disability_type="肢体",
        disability_level="二级",
        relation="本人",
        phone="139-1234-5678",
        name="王 桂兰",
    )
    assert draft.faults == []
    assert draft.person == {
        "name": "王桂兰",
        "relation": "本人",
        "phone": "13912345678",
        "main_class": "dibao_margin",
        "risk": "high",
        "tags": ["living_alone", "disabled", "severely_disabled"],
        "causes": ["illness", "disability"],
    }
    assert draft.is_head


def test_blank_cells_say_nothing():
    draft = read(phone="无", tags="/", bank_account="—", note="", id_number="-")
    assert draft.person == {"name": "王桂兰"}
    assert draft.household == {}


def test_every_fault_has_words():
    for code in {fault.code for fault in read(name="", id_number="1", sex="?").faults} | set(FAULTS):
        assert "%(" not in say_fault(code, {"text": "x", "limit": 1, "row": 1, "household": "x"})


def test_columns_are_known_by_their_usual_names():
    header = [
        "序号",
        "*姓  名",
        "公民身份号码（18位）",
        "户主姓名",
        "与户主关系：",
        "所属村/网格",
        "现住址",
        "手机号",
        "姓名",
        "⚠ 姓名",
    ]
    assert columns.recognise(header, {}) == [
        *("", "name", "id_number", "head", "relation", "grid", "address", "phone", "", "")
    ]
    assert columns.recognise(header, {"序号": "household_number", "手机号": ""})[:8] == [
        *("household_number", "name", "id_number", "head", "relation", "grid", "address", "")
    ]


NAMES = {
    "230123": "依兰县",
    "230123101": "达连河镇",
    "230123101209": "达连河村民委员会",
    "230123101209001": "第1网格",
    "230123101209002": "第2网格",
    "230123101210": "哈蜊村民委员会",
    "230123101210001": "哈蜊网格",
    "230123101211": "长安社区居民委员会",
    "230123101211001": "第1网格",
}


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (("", "", "230123101209002"), "230123101209002"),
        (("", "", "230123101210"), "230123101210001"),
        (("", "达连河村", "第2网格"), "230123101209002"),
        (("达连河镇", "达连河村民委员会", "第2网格"), "230123101209002"),
        (("达连河", "达连河村", "第1网格"), "230123101209001"),
        (("", "", "依兰县/达连河镇/达连河村/第1网格"), "230123101209001"),
        (("", "达连河村", "达连河村第1网格"), "230123101209001"),
        (("", "哈蜊村", ""), "230123101210001"),
        (("", "", "哈蜊网格"), "230123101210001"),
        (("", "长安社区", "第1网格"), "230123101211001"),
        (("", "", "第2网格"), "230123101209002"),
        (("", "", "第1网格"), "place_blurred"),
        (("", "达连河村", ""), "place_blurred"),
        (("", "长安村", "第1网格"), "place_unknown"),
        (("", "", "230123101209003"), "place_unknown"),
        (("", "", ""), "place_missing"),
    ],
)
def test_grids_are_found_as_people_write_them(written, code):
    places = Places([each for each in NAMES if len(each) == 15], NAMES)
    found, fault = places.find(*written)
    assert (found or fault) == code


def test_a_head_is_told_from_others():
    assert {word for word in ("户主", "本人", "Head") if rules.word(word) in rules.HEAD_WORDS} == {
        "户主",
        "本人",
        "Head",
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("230123195005040028", "230****0028"),
        ("230123 19500504 0028", "230****0028"),
        ("2301 2319 5005 0400 2x", "230****002X"),
        ("6228-4812-3456-7890", "622****7890"),
        ("电话 139 0000 1234", "电话 139****1234"),
        ("2026-10-08 12:30:00", "2026-10-08 12:30:00"),
        ("1950-03-07", "1950-03-07"),
        ("12345678", "12345678"),
    ],
)
def test_long_numbers_are_masked_however_they_are_written(text, shown):
    assert mask_numbers(text) == shown


def test_what_is_quoted_of_a_cell_is_masked():
    assert "230123195005040028" not in say_fault("place_unknown", {"text": "230123195005040028"})
