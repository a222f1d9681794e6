"""How numbers are masked, which ID numbers are right."""

from __future__ import annotations

from datetime import date

import pytest

from fieldapp.people.rules import (
    address_words,
    earliest,
    find_number,
    id_check_digit,
    initials,
    mask_id,
    mask_name,
    mask_phone,
    name_words,
)


def test_household_is_due_when_its_first_person_is():
    assert earliest([date(2026, 12, 1), None, date(2026, 11, 30)]) == date(2026, 11, 30)
    assert earliest([None]) is None


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张淑红", "张*红"),
        ("王芳", "王*"),
        ("无名男子（候车亭）", "无*子"),
        ("（候车亭）", "（*）"),
        ("", ""),
    ],
)
def test_name_is_masked_and_a_remark_is_no_part_of_it(name, masked):
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13812341234", "138****1234"),
        ("0451-8888666", "045****8666"),
        ("110", "****10"),
        ("", None),
        (None, None),
    ],
)
def test_phone_is_masked(phone, masked):
    assert mask_phone(phone) == masked


def test_id_number_is_masked_to_first_three_and_last_four():
    assert mask_id("230183195005041249") == "230***********1249"
    assert mask_id(None) is None


@pytest.mark.parametrize(
    ("first17", "digit"),
    # The first is the example of GB 11643 itself.
    [("11010519491231002", "X"), ("44052418800101001", "4"), ("00000000000000000", "1")],
)
def test_check_digit_of_gb_11643(first17, digit):
    assert id_check_digit(first17) == digit


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("王桂兰", "wgl"),
        *[("单雄", "sx"), ("仇英", "qy"), ("解珍", "xz"), ("查良", "zl"), ("曾国", "zg"), ("盖平", "gp")],
        *[
            ("翟平", "zp"),
            ("朴正", "pz"),
            ("尉迟恭", "ycg"),
            ("尉平", "wp"),
            ("区平", "op"),
            ("长孙平", "zsp"),
        ],
        # Elsewhere in a name the sign is read as usual.
        *[("王单", "wd"), ("李解放", "ljf")],
        *[("古丽·买买提", "glmmt"), ("Anna 王", "annaw"), ("３号院", "3hy"), ("", "")],
    ],
)
def test_initials_know_surnames_read_otherwise(name, letters):
    assert initials(name) == letters


def test_name_is_found_by_itself_and_its_initials():
    assert name_words(" 王 桂兰 ") == {"王桂兰", "桂兰", "wgl"}
    assert name_words("王兰") == {"王兰", "wl"}
    assert name_words("") == set()


def test_address_is_found_by_any_part_without_cutting_a_number():
    assert address_words("幸福村 12组-3号") == {
        *("幸福村12组3号", "福村12组3号", "村12组3号", "12组3号", "组3号", "3号"),
    }
    assert address_words("") == set()
    assert address_words("院") == {"院"}
    assert len(address_words("长" * 200)) == 19


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1249", "1249"),
        ("123x", "123X"),
        ("138 1234-1234", "13812341234"),
        ("230183195005041249", "230183195005041249"),
        *[("12", None), ("12号", None), ("x", None), ("王桂兰", None), ("", None), ("1" * 30, None)],
    ],
)
def test_numbers_are_known_from_words(text, number):
    assert find_number(text) == number
