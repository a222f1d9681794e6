"""What the cells of a row say, mended where that is safe, and what is wrong with them.

Invariant: nothing is guessed: what could mean two things is refused with words.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fieldapp.people import rules as people

# Outcomes of a row.
ADD, CHANGE, SAME, REFUSED = "add", "change", "same", "refused"
OUTCOMES = (ADD, CHANGE, SAME, REFUSED)
# What taking a row back left, besides fields that were changed since: somebody added who was visited or changed, or
# somebody who is not in the registry any more.
STAYS, GONE = "stays", "gone"

LIMITS = {
    "name": 80,
    "head": 80,
    "relation": 20,
    "address": 200,
    "bank_name": 80,
    "note": 1000,
    "id_reason": 1000,
}
HEAD_WORDS = frozenset({"户主", "本人", "户主本人", "本户户主", "head", "self"})
MALE, FEMALE = frozenset({"男", "男性", "m", "male"}), frozenset({"女", "女性", "f", "female"})
# What stands in a cell that means nothing.
BLANKS = frozenset({"", "-", "--", "—", "/", "无", "none", "n/a"})
# Kinds and degrees of disability, as certificates have them.
DISABILITIES = ("视力", "听力", "言语", "肢体", "智力", "精神", "多重")
DEGREES = {"一": 1, "二": 2, "三": 3, "四": 4, "1": 1, "2": 2, "3": 3, "4": 4}
SEVERE_UP_TO = 2
# Other words for codes that a new installation has; a county's own words stand in its tables.
CLASS_WORDS = {
    "农村低保": "dibao_rural", "农村最低生活保障": "dibao_rural", "农低保": "dibao_rural",
    "城市低保": "dibao_urban", "城镇低保": "dibao_urban", "城市最低生活保障": "dibao_urban",
    "分散供养": "destitute_scattered", "分散特困": "destitute_scattered", "特困分散供养": "destitute_scattered",
    "集中供养": "destitute_institutional", "集中特困": "destitute_institutional", "特困集中供养": "destitute_institutional",
    "低保边缘": "dibao_margin", "低保边缘户": "dibao_margin", "低保边缘家庭": "dibao_margin",
    "刚性支出": "rigid_expense", "刚性支出困难": "rigid_expense",
    "支出型困难": "rigid_expense", "支出型困难家庭": "rigid_expense",
    "防返贫": "anti_relapse", "防返贫监测": "anti_relapse", "监测户": "anti_relapse", "监测对象": "anti_relapse",
    "其他困难": "other_hardship", "非低收入": "none", "未认定": "none", "一般户": "none",
}  # fmt: skip
TAG_WORDS = {
    "独居": "living_alone", "孤寡": "lonely_elder", "空巢": "empty_nest", "孤儿": "child_in_need", "重病": "serious_illness",
    "大病": "serious_illness", "残疾": "disabled", "重度残疾": "severely_disabled", "重残": "severely_disabled",
    "精神障碍": "mental_disorder", "流浪乞讨": "vagrant", "事实孤儿": "child_without_carer",
}  # fmt: skip

ROUNDED = re.compile(r"[+-]?\d(?:\.\d+)?[eE]\+?\d+")
_APOSTROPHES = "'‘’`´＇"
_BETWEEN_WORDS = re.compile(r"[、,，;；/|\n]+")
_CJK_GAP = re.compile(r"(?<=[㐀-鿿])\s+(?=[㐀-鿿])")
_DAY = re.compile(
    r"(\d{4})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,2})\s*日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?"
)
_PACKED_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_SERIAL_FROM = date(1899, 12, 30)
_PHONE = re.compile(r"\+?\d{5,20}")
_ACCOUNT = re.compile(r"\d{8,30}")
EXCEL_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)")


@dataclass(frozen=True)
class Words:
    """What words mean, by code table: the words in `word` form."""

    classes: Mapping[str, str]
    tags: Mapping[str, str]
    risks: Mapping[str, str]
    causes: Mapping[str, str]


@dataclass(frozen=True)
class Fault:
    """What is wrong with a row: in which of its fields ("" for the row as a whole), and what to say of it."""

    field: str
    code: str
    params: dict[str, str | int] = dataclasses.field(default_factory=dict)


@dataclass
class Draft:
    """What a row says: `person` and `household` hold registry fields; what the file leaves blank is not there."""

    person: dict[str, Any] = dataclasses.field(default_factory=dict)
    household: dict[str, Any] = dataclasses.field(default_factory=dict)
    head: str = ""
    household_number: str = ""
    is_head: bool = False
    place: tuple[str, str, str] = ("", "", "")  # township, village, grid, as written
    faults: list[Fault] = dataclasses.field(default_factory=list)

    def refuse(self, where: str, code: str, **params: str | int) -> None:
        """Note what is wrong."""
        self.faults.append(Fault(where, code, params))


def word(text: str) -> str:
    """A word as words are compared: plain signs, no blanks, small."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())


def read_row(cells: Sequence[str], fields: Sequence[str], words: Words, today: date) -> Draft:
    """What the cells say, whose columns hold those fields ("" for none)."""
    draft = Draft()
    said: dict[str, str] = {}
    for name, cell in zip(fields, cells, strict=False):
        if not name:
            continue
        text = plain(cell)
        if EXCEL_ERROR.fullmatch(text):
            draft.refuse(name, "cell_error", text=text)
        elif word(text) not in BLANKS or (name in {"main_class", "tags"} and word(text) == "无"):
            said[name] = text
    _read_names(draft, said)
    _read_numbers(draft, said, today)
    _read_days(draft, said, today)
    _read_codes(draft, said, words)
    return draft


def plain(cell: str) -> str:
    """A cell without what people put around a text so that Excel leaves it alone."""
    return cell.strip().lstrip(_APOSTROPHES).strip()


def join_name(text: str) -> str:
    """A Chinese name without the blanks that make short ones as wide as long ones."""
    return _CJK_GAP.sub("", text)


def _read_names(draft: Draft, said: Mapping[str, str]) -> None:
    for name, limit in LIMITS.items():
        if len(said.get(name, "")) > limit:
            draft.refuse(name, "too_long", limit=limit)
    name = join_name(said.get("name", ""))
    if name:
        draft.person["name"] = name
    elif not any(fault.field == "name" for fault in draft.faults):
        draft.refuse("name", "name_missing")
    draft.head = join_name(said.get("head", ""))
    draft.household_number = said.get("household_number", "")
    draft.place = (said.get("township", ""), said.get("village", ""), said.get("grid", ""))
    if "relation" in said:
        draft.person["relation"] = said["relation"]
        draft.is_head = word(said["relation"]) in HEAD_WORDS
    for field_name in ("bank_name", "id_reason"):
        if field_name in said:
            draft.person[field_name] = said[field_name]
    for field_name in ("address", "note"):
        if field_name in said:
            draft.household[field_name] = said[field_name]


def _read_numbers(draft: Draft, said: Mapping[str, str], today: date) -> None:
    if number := _read_number(draft, said, "id_number"):
        fault = people.find_id_fault(number, today)
        if fault == "id_check_digit" and "id_reason" in said:
            fault = None
        if fault:
            draft.refuse("id_number", fault)
        else:
            draft.person["id_number"] = number
            draft.person["birth_on"] = people.born_on(number)
            draft.person["sex"] = people.sex_in(number)
    for name, holder, key in (
        ("phone", draft.person, "phone"),
        ("household_phone", draft.household, "phone"),
    ):
        if number := _read_number(draft, said, name):
            if _PHONE.fullmatch(number):
                holder[key] = number
            else:
                draft.refuse(name, "phone_odd")
    if number := _read_number(draft, said, "bank_account"):
        if _ACCOUNT.fullmatch(number):
            draft.person["bank_account"] = number
        else:
            draft.refuse("bank_account", "account_odd")


def _read_number(draft: Draft, said: Mapping[str, str], name: str) -> str:
    text = unicodedata.normalize("NFKC", said.get(name, ""))
    if ROUNDED.fullmatch(text):
        draft.refuse(name, "rounded")
        return ""
    return people.normal_number(text).removesuffix(".0")


def _read_days(draft: Draft, said: Mapping[str, str], today: date) -> None:
    days: dict[str, date] = {}
    for name in ("birth_on", "died_on"):
        if name not in said:
            continue
        day = read_day(said[name])
        if day is None:
            draft.refuse(name, "day_impossible")
        elif day > today:
            draft.refuse(name, "day_ahead")
        elif day < people.EARLIEST_BIRTH:
            draft.refuse(name, "day_long_ago")
        else:
            days[name] = day
    in_number = draft.person.get("birth_on")
    if in_number and "birth_on" in days and days["birth_on"] != in_number:
        draft.refuse("birth_on", "birth_differs")
    draft.person.update(days)
    if "died_on" in days and (born := draft.person.get("birth_on")) and days["died_on"] < born:
        draft.refuse("died_on", "died_before_birth")


def read_day(text: str) -> date | None:
    """A day as people and programs write it: 1950-3-7, 1950.3.7, 1950年3月7日, 19500307, Excel's 18329; None for no day."""
    text = unicodedata.normalize("NFKC", text).strip()
    if found := _DAY.fullmatch(text) or _PACKED_DAY.fullmatch(text):
        try:
            return date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            return None
    # Excel counts days from 1900, and believes that year to have been a leap year.
    return _SERIAL_FROM + timedelta(days=int(float(text))) if _SERIAL.fullmatch(text) else None


def _read_codes(draft: Draft, said: Mapping[str, str], words: Words) -> None:
    if "sex" in said:
        given = word(said["sex"])
        sex = "m" if given in MALE else "f" if given in FEMALE else ""
        if not sex:
            draft.refuse("sex", "sex_unknown")
        elif draft.person.setdefault("sex", sex) != sex:
            draft.refuse("sex", "sex_differs")
    if "main_class" in said:
        if code := words.classes.get(_short(said["main_class"], words.classes)):
            draft.person["main_class"] = code
        else:
            draft.refuse("main_class", "class_unknown", text=said["main_class"])
    if "risk" in said:
        if code := words.risks.get(word(said["risk"]).removesuffix("风险")):
            draft.person["risk"] = code
        else:
            draft.refuse("risk", "risk_unknown", text=said["risk"])
    for name, table in (("tags", words.tags), ("causes", words.causes)):
        if name in said and word(said[name]) not in BLANKS:
            codes = []
            for each in filter(None, map(word, _BETWEEN_WORDS.split(said[name]))):
                if code := table.get(each):
                    codes.append(code)
                else:
                    draft.refuse(name, "tag_unknown" if name == "tags" else "cause_unknown", text=each)
            draft.person[name] = codes
    _read_disability(draft, said)


def _short(text: str, table: Mapping[str, str]) -> str:
    """The word of a class, with or without the people it is said of."""
    text = word(text)
    for end in ("人员", "对象", "家庭成员", "家庭", "户"):
        if text not in table:
            text = text.removesuffix(end)
    return text


def _read_disability(draft: Draft, said: Mapping[str, str]) -> None:
    tags = draft.person.get("tags", [])
    if kind := said.get("disability_type"):
        if any(known in kind for known in DISABILITIES):
            tags = [*tags, "disabled"]
        else:
            draft.refuse("disability_type", "disability_unknown", text=kind)
    if degree := said.get("disability_level"):
        number = DEGREES.get(word(degree).removesuffix("级"))
        if number is None:
            draft.refuse("disability_level", "degree_unknown", text=degree)
        else:
            tags = [*tags, "disabled", *(["severely_disabled"] if number <= SEVERE_UP_TO else [])]
    if tags:
        draft.person["tags"] = list(dict.fromkeys(tags))
