"""The shipped workbooks: complete in both languages, safe, reachable to the last question, quick when nothing changed."""

from __future__ import annotations

import io
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import fieldapp.checklists
from fieldapp.checklists.compiler.compile import compile_workbook
from fieldapp.checklists.rules import UNASKED, evaluate
from fieldapp.core.codes import list_seed_codes

LIBRARY = Path(fieldapp.checklists.__file__).parent / "library"
USES = {
    "emergency": "visit",
    "followup_result": "followup",
    "household_investigation": "visit",
    "new_clue": "new_clue",
    "patrol": "patrol",
    "revisit": "followup",
    "routine": "visit",
}
NAMES = sorted(USES)
# Asked afresh every time, whatever else is offered from last time.
SAFETY = {
    "routine": [
        "reached",
        "last_seen",
        "home/food_days",
        "home/medicine",
        "home/heating",
        "home/urgent",
        "people/elder/abuse",
        "people/destitute/care_week",
        "people/child/child_abuse",
        "people/pair/risk",
        "people/pair/takes",
    ],
    "emergency": ["reached", "last_seen", "people/safe", "event/home_safe", "event/wanted"],
    "patrol": ["reached", "card/state", "card/age_about"],
    "new_clue": ["reached", "need/difficulty", "now/food_days", "now/urgent"],
    "followup_result": ["outcome/result"],
    "revisit": ["reached", "last/came", "last/favour", "today/need"],
    "household_investigation": ["reached", "housing/home_state"],
}
# Questions about the same thing count as one item: those here only say more about the one before.
SAYS_MORE = {
    "new_phone",
    "new_address",
    "urgent_note",
    "aid_state",
    "aid_note",
    "abuse_note",
    "emergency_note",
    "child_abuse_note",
    "carer_contact",
    "level",
    "changes_note",
    "event_on",
    "loss",
    "event_note",
}
ITEMS = {
    # `reached` is the eighth item about everyone.
    ("routine", "home basics"): 7,
    ("routine", "people/elder"): 8,
    ("routine", "people/destitute"): 4,
    ("routine", "people/child"): 7,
    ("routine", "people/disabled"): 4,
    ("routine", "people/pair"): 5,
    ("routine", "low_income"): 5,
    ("emergency", "event people"): 5,
}
ELDER = {
    "chronic": "stable",
    "selfcare": "none",
    "mood": "ok",
    "gas": "safe",
    "hygiene": "good",
    "children_contact": "week",
    "emergency": "reachable",
}
CHILD = {
    "child_carer": "grandparents",
    "carer_contact": "刘凤琴",
    "parents": "away",
    "guardianship": "good",
    "school": "attending",
    "hukou": "yes",
    "child_mood": "ok",
}
WINTER, SUMMER = "2026-11-23", "2026-07-01"
WANG = {"name": "王桂兰", "main_class": "dibao_rural", "tags": ["living_alone"], "birth_on": "1943-05-01"}
LI = {
    "name": "李德福",
    "main_class": "destitute_scattered",
    "tags": ["lonely_elder"],
    "birth_on": "1940-01-01",
}
LIU = {"name": "刘凤琴", "main_class": "none", "tags": ["left_behind_elder"], "birth_on": "1958-01-01"}
ZIHAN = {"name": "姜子涵", "main_class": "none", "tags": ["left_behind_child"], "birth_on": "2017-03-01"}
ZIXUAN = {"name": "姜子轩", "main_class": "none", "tags": ["left_behind_child"], "birth_on": "2020-06-01"}
XU = {"name": "徐长发", "main_class": "dibao_rural", "tags": ["visit_in_pairs"], "birth_on": "1968-01-01"}
QI = {"name": "齐海涛", "main_class": "dibao_rural", "tags": ["severely_disabled"], "birth_on": "1993-01-01"}


def context(*people: dict[str, Any], method: str = "home", today: str = WINTER) -> dict[str, Any]:
    household = {"phone": "13800001234", "address": "幸福村2组"}
    return {
        "today": today,
        "now": f"{today}T10:00:00.000+08:00",
        "language": "zh",
        "household": household,
        "people": list(people),
        "visit": {"method": method},
    }


def compiled(name):
    return compile_workbook((LIBRARY / f"{name}.xlsx").read_bytes(), list_seed_codes("followup_type"))


@pytest.fixture(scope="module")
def documents():
    return {name: compiled(name).document for name in NAMES}


def questions(nodes, path="") -> Iterator[tuple[str, dict[str, Any]]]:
    for node in nodes:
        here = f"{path}/{node['name']}".lstrip("/")
        if node["kind"] == "question":
            yield here, node
        yield from questions(node.get("children", []), here)


def groups(nodes) -> Iterator[dict[str, Any]]:
    for node in nodes:
        if node["kind"] != "question":
            yield node
            yield from groups(node["children"])


def asked(document) -> dict[str, dict[str, Any]]:
    return {path: node for path, node in questions(document["nodes"]) if node["type"] not in UNASKED}


def written(text: Any) -> str:
    return "".join(part for part in text if isinstance(part, str)) if isinstance(text, list) else text


def put(answers: dict[str, Any], path: str, value: str) -> None:
    """Write an answer by its path with positions: people[1]/elder/abuse."""
    *outer, name = path.split("/")
    for step in outer:
        group, _bracket, position = step.partition("[")
        if position:
            instances = answers.setdefault(group, [])
            number = int(position.rstrip("]"))
            instances += [{} for _ in range(number - len(instances))]
            answers = instances[number - 1]
        else:
            answers = answers.setdefault(group, {})
    answers[name] = value


def plain(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path)


def calm(document, given: dict[str, Any], **answers: str) -> dict[str, Any]:
    """What a form holds when nothing is wrong: its defaults, and to each question still open the answer in `answers`
    (by name) or else the first choice without a flag."""
    found: dict[str, Any] = {}
    nodes = asked(document)
    put(found, "reached", answers.get("reached", "self"))
    for _round in range(20):
        problems = evaluate(document, found, given).problems
        if not problems:
            return found
        for problem in problems:
            assert problem["code"] == "required", problem
            node = nodes[plain(problem["path"])]
            value = answers.get(node["name"]) or node.get("default")
            if not isinstance(value, str):
                choices = document["choices"].get(node.get("list", ""), [])
                value = next(choice["name"] for choice in choices if "flag" not in choice)
            put(found, problem["path"], value)
    raise AssertionError(f"never complete: {problems}")


# --- what ships ---


def test_the_library_holds_every_checklist_and_no_other_file():
    assert sorted(path.name for path in LIBRARY.iterdir()) == [f"{name}.xlsx" for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_workbook_compiles_without_a_notice_and_says_whose_it_is_and_what_for(name):
    found = compiled(name)
    assert found.notices == []
    assert found.document["key"] == name
    assert found.document["use"] == USES[name]
    assert found.document["languages"] == ["zh", "en"]
    assert found.document["default_language"] == "zh"
    assert {"owner", "purpose"} <= set(found.document["registry"])


@pytest.mark.parametrize("name", NAMES)
def test_every_text_is_there_in_both_languages(name, documents):
    document = documents[name]
    assert set(document["title"]) == {"zh", "en"}
    for path, node in questions(document["nodes"]):
        for column in ("label", "hint", "constraint_message", "required_message", "flag_text"):
            if column in node:
                assert set(node[column]) == {"zh", "en"}, (path, column)
        assert "label" in node or node["type"] in UNASKED, path
        assert "label" in node or node["type"] != "note", path
        assert ("constraint" in node) == ("constraint_message" in node), path
        assert "flag" not in node or "flag_text" in node, path
    for group in groups(document["nodes"]):
        assert set(group["label"]) == {"zh", "en"}, group["name"]
    for choices in document["choices"].values():
        for choice in choices:
            assert set(choice["label"]) == {"zh", "en"}
            assert ("flag" in choice) == ("flag_text" in choice), choice["name"]
            if "flag_text" in choice:
                assert set(choice["flag_text"]) == {"zh", "en"}


def texts_of(document, language: str) -> Iterator[tuple[str, str]]:
    for path, node in questions(document["nodes"]):
        yield from (
            (f"{path} {column}", written(node[column][language]))
            for column in ("label", "hint", "flag_text", "constraint_message")
            if column in node
        )
    for name, choices in document["choices"].items():
        for choice in choices:
            yield f"{name}/{choice['name']} label", written(choice["label"][language])
            if "flag_text" in choice:
                yield f"{name}/{choice['name']} flag_text", written(choice["flag_text"][language])
    yield from ((f"{group['name']} label", group["label"][language]) for group in groups(document["nodes"]))


@pytest.mark.parametrize("name", NAMES)
def test_chinese_texts_are_short_and_use_chinese_punctuation(name, documents):
    notes = {path for path, node in questions(documents[name]["nodes"]) if node["type"] == "note"}
    for place, text in texts_of(documents[name], "zh"):
        assert not set(text) & set("?,;!()"), text
        path, _space, column = place.rpartition(" ")
        # A line of a phone 360 px wide holds 17 characters of a question; an answer's button holds 14.
        most = 60 if path in notes or column != "label" else 20 if path in asked(documents[name]) else 14
        assert len(text) <= most, (place, text)


@pytest.mark.parametrize("name", NAMES)
def test_english_texts_hold_no_chinese(name, documents):
    for place, text in texts_of(documents[name], "en"):
        assert not re.search(r"[\u4e00-\u9fff]", text), place


@pytest.mark.parametrize("name", NAMES)
def test_workbook_is_a_document_to_open_and_change(name):
    """Frozen headings, columns wide enough, choices to pick from where a cell takes few values, a guide in front."""
    content = (LIBRARY / f"{name}.xlsx").read_bytes()
    assert len(content) < 40_000
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    assert workbook.sheetnames == ["说明", "survey", "choices", "settings"]
    for sheet in workbook:
        assert sheet.freeze_panes, sheet.title
        assert all(
            sheet.column_dimensions[cell.column_letter].width >= 8 for cell in sheet[1] if cell.value
        ), sheet.title
    for name, columns in (
        ("survey", {"type", "followup", "carry", "safety"}),
        ("choices", {"flag", "followup"}),
    ):
        page = workbook[name]
        headings = {cell.column_letter: cell.value for cell in page[1]}
        checked = {
            headings[re.match("[A-Z]+", str(cells))[0]]
            for rule in page.data_validations.dataValidation
            for cells in rule.sqref.ranges
        }
        assert columns <= checked, name
    guide = " ".join(str(cell.value) for row in workbook["说明"].iter_rows() for cell in row if cell.value)
    for column in ("flag", "followup", "prefill", "carry", "safety"):
        assert column in guide


@pytest.mark.parametrize("name", NAMES)
def test_pyxform_itself_takes_the_workbook_as_it_is(name):
    from pyxform.xls2xform import convert

    warnings: list[str] = []
    convert(str(LIBRARY / f"{name}.xlsx"), warnings=warnings)
    # It does not know our one column with a space in its name, and says so.
    assert [warning for warning in warnings if "flag text" not in warning] == []


# --- safe ---


@pytest.mark.parametrize("name", NAMES)
def test_what_concerns_safety_is_asked_afresh(name, documents):
    nodes = asked(documents[name])
    found = [path for path, node in nodes.items() if node.get("safety")]
    assert sorted(found) == sorted(SAFETY[name])
    for path in found:
        assert not {"carry", "default", "prefill"} & set(nodes[path]), path


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"followup_result"}))
def test_the_outcome_is_the_first_question(name, documents):
    assert next(iter(asked(documents[name]))) == "reached"
    names = {
        choice["name"] for choice in documents[name]["choices"][asked(documents[name])["reached"]["list"]]
    }
    assert {"not_reached", "refused"} <= names


@pytest.mark.parametrize("name", ["routine", "emergency", "revisit", "household_investigation"])
@pytest.mark.parametrize("outcome", ["not_reached", "refused"])
def test_reaching_nobody_or_a_refusal_ends_the_visit_with_one_answer(name, outcome, documents):
    verdict = evaluate(documents[name], {"reached": outcome}, context(LIU, ZIHAN))
    assert verdict.problems == []
    assert verdict.flags == []


def test_nobody_seen_for_days_is_a_red_flag(documents):
    answers = {"reached": "not_reached", "last_seen": "longer"}
    [flag] = evaluate(documents["routine"], answers, context(WANG)).flags
    assert (flag["severity"], flag["followup"]) == ("red", "revisit")


@pytest.mark.parametrize("name", NAMES)
def test_photo_and_place_are_never_required(name, documents):
    for path, node in asked(documents[name]).items():
        if node["type"] in {"image", "geopoint"} and node.get("appearance") != "signature":
            assert "required" not in node, path


@pytest.mark.parametrize("name", ["routine", "emergency", "new_clue", "household_investigation"])
def test_a_place_is_asked_only_where_one_is(name, documents):
    for method, is_asked in (
        ("home", True),
        ("patrol", True),
        ("phone", False),
        ("wechat", False),
        ("video", False),
    ):
        given = context(WANG, method=method)
        verdict = evaluate(documents[name], {"reached": "self", "place": "46 129 0 12"}, given)
        assert ("place" in verdict.answers) is is_asked, method


def test_photos_are_asked_only_where_something_is_wrong(documents):
    document, given = documents["routine"], context(WANG)
    answers = {**calm(document, given), "photo": "a" * 64}
    assert "photo" not in evaluate(document, answers, given).answers
    answers["home"]["heating"] = "low"
    assert "photo" in evaluate(document, answers, given).answers
    assert "photo" not in evaluate(document, answers, context(WANG, method="video")).answers


def test_nothing_cannot_be_chosen_with_something(documents):
    answers = {"reached": "self", "home": {"urgent": "none illness"}}
    problems = evaluate(documents["routine"], answers, context(WANG)).problems
    [found] = [problem for problem in problems if problem["code"] == "constraint"]
    assert found == {"path": "home/urgent", "code": "constraint", "message": "选了“没有”，就不要再选别的"}


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_that_excludes_the_others_does(name, documents):
    for path, node in asked(documents[name]).items():
        if node["type"] != "select_multiple":
            continue
        calm_ones = {"none", "ok", "same", "safe", "fine", "good", "no", "on_time", "none_due"}
        names = {choice["name"] for choice in documents[name]["choices"][node["list"]]}
        assert bool(calm_ones & names) == ("constraint" in node), path


def test_suspected_abuse_says_to_ask_alone_and_to_report(documents):
    nodes = dict(questions(documents["routine"]["nodes"]))
    for abuse, report in (
        ("people/elder/abuse", "people/elder/abuse_report"),
        ("people/child/child_abuse", "people/child/child_report"),
    ):
        assert "避开" in nodes[abuse]["hint"]["zh"]
        assert "必须报告" in nodes[report]["label"]["zh"]
        assert "110" in nodes[report]["label"]["zh"]
    given = context(ZIHAN)
    answers = {"reached": "family", "people": [{"child": {"child_abuse": "neglect"}}]}
    [flag] = evaluate(documents["routine"], answers, given).flags
    assert (flag["severity"], flag["followup"]) == ("red", "child_protection")


def test_the_part_for_visits_in_pairs_names_no_illness(documents):
    [people] = [node for node in documents["routine"]["nodes"] if node["name"] == "people"]
    [pair] = [node for node in people["children"] if node["name"] == "pair"]
    said = [pair["label"]["zh"]]
    for _path, node in questions(pair["children"]):
        said += [written(node[column]["zh"]) for column in ("label", "hint") if column in node]
        for choice in documents["routine"]["choices"].get(node.get("list", ""), []):
            said += [written(choice[column]["zh"]) for column in ("label", "flag_text") if column in choice]
    for text in said:
        assert not re.search("精神|障碍|病|患", text), text


# --- as many items as agreed, for those they are for ---


@pytest.mark.parametrize(("name", "parts"), ITEMS)
def test_a_part_has_its_items_and_no_more(name, parts, documents):
    found = [
        path
        for path, node in asked(documents[name]).items()
        if any(path.startswith(part + "/") for part in parts.split())
        and (parts != "event people" or node["name"] != "photo")
        and node["type"] != "image"
        and node["name"] not in SAYS_MORE
        and not (parts == "home basics" and path.count("/") > 1)
    ]
    assert len(found) == ITEMS[name, parts], found


def test_each_part_is_asked_of_those_it_is_for(documents):
    def parts(tags: list[str], main_class: str = "none", birth_on: str = "1990-01-01") -> set[str]:
        person = {"name": "甲", "tags": tags, "main_class": main_class, "birth_on": birth_on}
        verdict = evaluate(documents["routine"], {"reached": "self"}, context(person))
        return {
            found[1]
            for problem in verdict.problems
            if len(found := problem["path"].split("/")) > 2 and found[0].startswith("people")
        }

    for tag in ("living_alone", "lonely_elder", "empty_nest"):
        assert parts([tag]) == {"elder"}
    for tag in ("left_behind_child", "child_in_need", "child_without_carer"):
        assert parts([tag]) == {"child"}
    assert parts(["severely_disabled"]) == {"disabled"}
    assert parts(["visit_in_pairs"]) == {"pair"}
    assert parts([], "destitute_scattered") == {"destitute"}
    assert parts([], "destitute_institutional") == set()
    assert parts(["disabled", "left_behind_elder", "serious_illness"]) == set()
    assert parts(["care_missing"], birth_on="1950-01-01") == {"elder"}
    assert parts(["care_missing"], birth_on="2015-01-01") == {"child"}
    assert parts(["care_missing"], birth_on="1990-01-01") == set()
    assert parts(["lonely_elder", "severely_disabled"], "destitute_scattered") == {
        "elder",
        "destitute",
        "disabled",
    }


def test_income_is_asked_of_low_income_households_once(documents):
    for main_class, is_asked in (
        ("dibao_urban", True),
        ("anti_relapse", True),
        ("other_hardship", True),
        ("none", False),
        ("destitute_scattered", False),
    ):
        verdict = evaluate(
            documents["routine"], {"reached": "self"}, context(LIU, {**LIU, "main_class": main_class})
        )
        found = [problem["path"] for problem in verdict.problems if problem["path"].startswith("low_income")]
        assert len(found) == (5 if is_asked else 0), main_class


def test_nobody_is_asked_about_someone_who_died(documents):
    answers = {"reached": "family", "people": [{"condition": "died"}]}
    verdict = evaluate(
        documents["routine"], answers, context({**LI, "tags": [*LI["tags"], "severely_disabled"]})
    )
    assert not any("/" in problem["path"][10:] for problem in verdict.problems if "people" in problem["path"])
    assert [flag["followup"] for flag in verdict.flags] == ["data_correction"]


def test_the_home_of_a_destitute_elder_is_asked_about_once(documents):
    for person, wanted in ((LI, {"hygiene"}), ({**LI, "tags": []}, {"own_home"})):
        problems = evaluate(documents["routine"], {"reached": "self"}, context(person)).problems
        found = {problem["path"].rpartition("/")[2] for problem in problems}
        assert found & {"hygiene", "own_home"} == wanted


def test_aid_lists_what_is_due_by_class_and_tag(documents):
    def is_offered(choice: str, *people: dict[str, Any]) -> bool:
        answers = {"reached": "self", "basics": {"aid_on_time": choice}}
        verdict = evaluate(documents["routine"], answers, context(*people))
        return "aid_on_time" in verdict.answers.get("basics", {})

    assert is_offered("dibao", WANG)
    assert not is_offered("destitute", WANG)
    assert not is_offered("none_due", WANG)
    assert is_offered("none_due", LIU, ZIHAN)
    assert is_offered("destitute", LI)
    assert is_offered("disability", LIU, QI)
    assert all(is_offered("on_time", person) and is_offered("other", person) for person in (WANG, LI, LIU))


def test_heating_is_asked_in_the_cold_months_only(documents):
    for day, is_asked in (
        ("2026-10-15", True),
        ("2027-04-30", True),
        ("2026-05-01", False),
        ("2026-09-30", False),
    ):
        problems = evaluate(documents["routine"], {"reached": "self"}, context(WANG, today=day)).problems
        assert any(problem["path"] == "home/heating" for problem in problems) is is_asked, day


# --- quick ---


@pytest.mark.parametrize(
    "people",
    [
        pytest.param([WANG], id="an elder living alone"),
        pytest.param([LIU, ZIHAN, ZIXUAN], id="a family with two children"),
        pytest.param([LI], id="a destitute elder"),
        pytest.param([{**LI, "tags": ["severely_disabled"]}], id="a destitute person"),
        pytest.param([XU], id="two go together"),
        pytest.param([LIU, QI], id="a severely disabled son"),
    ],
)
def test_a_visit_with_nothing_changed_takes_ten_taps(people, documents):
    """Start, each question without a default or last time's answer, "same as last time", finish."""
    document, given = documents["routine"], context(*people)
    answers = calm(document, given, carer_contact="刘凤琴")
    assert evaluate(document, answers, given).flags == []
    nodes = asked(document)
    taps = sum(
        1
        for path, _value in leaves(answers)
        if not nodes[plain(path)].get("carry") and "default" not in nodes[plain(path)]
    )
    assert 1 + taps + 1 + 1 <= 10


def leaves(answers: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in answers.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{name}/")
        elif isinstance(value, list):
            for position, instance in enumerate(value, start=1):
                yield from leaves(instance, f"{path}{name}[{position}]/")
        else:
            yield f"{path}{name}", value


# --- flags ---


@pytest.mark.parametrize("name", NAMES)
def test_a_result_raises_no_flag_and_a_visit_does(name, documents):
    """The server raises flags from visits; what a task came to is read by the supervisor. Of a re-visit a flagged answer is
    what differs from the visit, and makes no task.
    """
    document = documents[name]
    raises = any("flag" in node for node in asked(document).values()) or any(
        "flag" in choice for choices in document["choices"].values() for choice in choices
    )
    assert raises is (USES[name] != "followup" or name == "revisit")
    if name == "revisit":
        assert not any(
            choice.get("followup") for choices in document["choices"].values() for choice in choices
        )


FLAGS = [
    ({"home": {"food_days": "lt3"}}, "red", "temporary_relief"),
    ({"home": {"medicine": "out"}}, "orange", "medical"),
    ({"home": {"medicine": "short"}}, "yellow", ""),
    ({"home": {"heating": "none"}}, "red", "heating"),
    ({"home": {"heating": "low"}}, "orange", "heating"),
    ({"home": {"urgent": "no_care"}}, "red", "temporary_care"),
    ({"home": {"urgent": "danger"}}, "red", "legal_aid"),
    ({"home": {"urgent": "other"}}, "orange", "revisit"),
    ({"basics": {"registry": "changed"}}, "yellow", "data_correction"),
    ({"basics": {"utilities": "no_power"}}, "orange", "service"),
    ({"basics": {"aid_on_time": "dibao", "aid_state": "missing"}}, "orange", "data_correction"),
    ({"elder": {"abuse": "fraud"}}, "red", "legal_aid"),
    ({"elder": {"abuse": "neglect"}}, "red", "temporary_care"),
    ({"elder": {"usual": {"chronic": "untreated"}}}, "orange", "medical"),
    ({"elder": {"usual": {"mood": "hopeless"}}}, "red", "medical"),
    ({"elder": {"usual": {"gas": "co"}}}, "orange", "service"),
    ({"elder": {"usual": {"hygiene": "danger"}}}, "red", "housing"),
    ({"elder": {"usual": {"children_contact": "longer"}}}, "yellow", "service"),
    ({"elder": {"usual": {"emergency": "none"}}}, "yellow", "service"),
    ({"destitute": {"care_week": "never"}}, "orange", "temporary_care"),
    ({"destitute": {"arranged": {"care_person": "none"}}}, "red", "temporary_care"),
    ({"destitute": {"arranged": {"agreement": "expired"}}}, "yellow", "service"),
    ({"child": {"child_abuse": "injury"}}, "red", "child_protection"),
    ({"child": {"child_abuse": "bullied"}}, "orange", "child_protection"),
    ({"child": {"usual": {"child_carer": "none"}}}, "red", "child_protection"),
    ({"child": {"usual": {"parents": "lost"}}}, "orange", "child_protection"),
    ({"child": {"usual": {"guardianship": "poor"}}}, "orange", "child_protection"),
    ({"child": {"usual": {"school": "dropout"}}}, "orange", "education"),
    ({"child": {"usual": {"hukou": "no"}}}, "orange", "household_registration"),
    ({"child": {"usual": {"child_mood": "hopeless"}}}, "red", "child_protection"),
    ({"disabled": {"certificate": "none"}}, "yellow", "disability_subsidy"),
    ({"disabled": {"disabled_carer": "none"}}, "red", "temporary_care"),
    ({"disabled": {"device": "missing"}}, "yellow", "assistive_device"),
    ({"disabled": {"adaptation": "wanted"}}, "yellow", "home_adaptation"),
    ({"pair": {"risk": "harm"}}, "red", "joint_visit"),
    ({"pair": {"takes": "stopped"}}, "orange", "joint_visit"),
    ({"pair": {"usual": {"pair_carer": "hard"}}}, "orange", "temporary_care"),
    ({"pair": {"usual": {"followed": "no"}}}, "yellow", "joint_visit"),
    ({"low_income": {"income": "less"}}, "yellow", "temporary_relief"),
    ({"low_income": {"job": "lost"}}, "yellow", "employment"),
    ({"low_income": {"expense": "medical"}}, "orange", "medical"),
    ({"low_income": {"assets": "people"}}, "yellow", "data_correction"),
    ({"low_income": {"scheme": "education"}}, "yellow", "education"),
]
HOUSEHOLD = {"home", "basics", "low_income"}
EVERYTHING = {
    "name": "甲",
    "main_class": "destitute_scattered",
    "tags": ["living_alone", "left_behind_child", "severely_disabled", "visit_in_pairs"],
    "birth_on": "1950-01-01",
}


@pytest.mark.parametrize(("changed", "severity", "followup"), FLAGS)
def test_one_bad_answer_raises_its_flag_and_names_its_followup(changed, severity, followup, documents):
    document, given = documents["routine"], context(EVERYTHING, WANG)
    answers = calm(document, given, carer_contact="刘凤琴")
    for path, value in leaves(changed):
        put(answers, path if path.split("/")[0] in HOUSEHOLD else f"people[1]/{path}", value)
    verdict = evaluate(document, answers, given)
    assert [(flag["severity"], flag["followup"]) for flag in verdict.flags] == [(severity, followup)]
    assert verdict.flags[0]["text"]["zh"]


@pytest.mark.parametrize(
    ("lost", "level", "severity"),
    [
        ("none", "able", None),
        ("eat", "partial", "orange"),
        ("eat dress toilet", "partial", "orange"),
        ("walk bed bathe", "partial", "orange"),
        ("eat dress toilet walk", "full", "red"),
        ("eat dress toilet walk bed bathe", "full", "red"),
    ],
)
def test_selfcare_is_what_the_six_abilities_make_it(lost, level, severity, documents):
    document, given = documents["routine"], context(WANG)
    answers = calm(document, given, selfcare=lost)
    verdict = evaluate(document, answers, given)
    assert verdict.answers["people"][0]["elder"]["usual"]["selfcare_level"] == level
    assert [flag["severity"] for flag in verdict.flags] == ([severity] if severity else [])
    if severity:
        assert "疑似" in verdict.flags[0]["text"]["zh"]
        assert "王桂兰" in verdict.flags[0]["text"]["zh"]


def test_parents_known_to_be_unable_raise_no_flag_again(documents):
    document = documents["routine"]
    for tags, flagged in ((["left_behind_child"], True), (["child_without_carer"], False)):
        given = context({**ZIHAN, "tags": tags})
        answers = calm(document, given, parents="unable", carer_contact="刘凤琴")
        assert bool(evaluate(document, answers, given).flags) is flagged


def test_someone_left_without_care_in_a_disaster_is_a_red_flag(documents):
    document, given = documents["emergency"], context(WANG, LI)
    answers = calm(document, given, event_on="2026-11-20")
    assert evaluate(document, answers, given).flags == []
    put(answers, "people[2]/safe", "no_care")
    [flag] = evaluate(document, answers, given).flags
    assert (flag["question"], flag["severity"], flag["followup"]) == (
        "people[2]/safe",
        "red",
        "temporary_care",
    )


@pytest.mark.parametrize(
    ("answer", "severity", "followup"),
    [
        ({"state": "cold"}, "red", "temporary_relief"),
        ({"age_about": "child"}, "red", "child_protection"),
        ({"wish": "home"}, "orange", "family_tracing"),
    ],
)
def test_a_patrol_needs_no_name_and_flags_what_cannot_wait(answer, severity, followup, documents):
    given = context(method="patrol")
    answers = calm(
        documents["patrol"],
        given,
        **{"reached": "found", "seen_at": given["now"], "place_note": "候车亭", "wish": "nothing", **answer},
    )
    [flag] = evaluate(documents["patrol"], answers, given).flags
    assert (flag["severity"], flag["followup"]) == (severity, followup)


def test_a_new_clue_needs_no_name_address_or_residence(documents):
    answers = {"reached": "neighbour", "source": "seen", "need": {"difficulty": "care"}}
    answers["now"] = {"food_days": "three_nine", "urgent": "none", "consent": "yes"}
    verdict = evaluate(documents["new_clue"], answers, context())
    assert verdict.problems == []
    assert [(flag["severity"], flag["followup"]) for flag in verdict.flags] == [("red", "temporary_care")]


def test_a_followup_that_solved_it_is_short_and_one_that_did_not_says_what_is_missing(documents):
    document = documents["followup_result"]
    solved = {
        "done": "delivered",
        "outcome": {"result": "solved"},
    }
    assert evaluate(document, solved, context()).problems == []
    open_ = {
        "done": "visited",
        "outcome": {"result": "partly", "next_step": "again", "next_on": "2026-11-01"},
    }
    found = [(problem["path"], problem["code"]) for problem in evaluate(document, open_, context()).problems]
    assert found == [("outcome/open_points", "required"), ("outcome/next_on", "constraint")]


def test_a_household_investigation_works_out_the_income_per_head(documents):
    document, given = documents["household_investigation"], context(WANG, QI)
    answers = {
        "reached": "self",
        "people": [{"monthly_yuan": "0"}, {"monthly_yuan": "600"}],
        "more_any": "yes",
        "more": [{"more_name": "甲", "more_monthly_yuan": "300"}],
        "income": {"business_yuan": "3000", "property_yuan": "0", "transfer_yuan": "1200"},
    }
    income = evaluate(document, answers, given).answers["income"]
    assert (income["members"], income["year_yuan"], income["per_head_yuan"]) == ("3", "15000", "417")
    alone = evaluate(document, {**answers, "more_any": "no"}, given).answers["income"]
    assert (alone["members"], alone["per_head_yuan"]) == ("2", "475")
    required = {problem["path"] for problem in evaluate(document, answers, given).problems}
    assert {f"signatures/{name}" for name in ("sign_household", "sign_first", "sign_second")} <= required


# --- nothing is left out ---

PEOPLE = [
    {"name": "甲", "main_class": main_class, "tags": tags, "birth_on": birth_on}
    for main_class in ("destitute_scattered", "dibao_rural", "none")
    for tags, birth_on in (
        (["living_alone", "visit_in_pairs"], "1945-01-01"),
        (["child_in_need"], "2016-01-01"),
        (["severely_disabled"], "1980-01-01"),
    )
]


@pytest.mark.parametrize("name", NAMES)
def test_every_question_is_reached_by_some_answers(name, documents):
    document = documents[name]
    nodes = {path: node for path, node in questions(document["nodes"]) if node["type"] in {*ANSWERS, "note"}}
    dice = random.Random(name)
    open_ = set(nodes)
    for _try in range(400):
        given = context(dice.choice(PEOPLE), dice.choice(PEOPLE), method=dice.choice(["home", "phone"]))
        answers = {
            **fill(document, document["nodes"], dice),
            "reached": dice.choice(["self", "found", "not_reached", "refused"]),
        }
        verdict = evaluate(document, answers, given)
        open_ -= {plain(path) for path, _value in leaves(verdict.answers)}
        # A note takes an answer like any other while it is shown, and so is seen to be reached.
        if not open_:
            return
    assert open_ == set()


ANSWERS = {
    "text": "1",
    "integer": "1",
    "decimal": "1",
    "date": "2026-11-20",
    "dateTime": "2026-11-20T08:00:00.000+08:00",
    "image": "a" * 64,
    "geopoint": "46 129 0 12",
    "acknowledge": "OK",
    "select_one": "",
    "select_multiple": "",
}


def fill(document, nodes, dice: random.Random) -> dict[str, Any]:
    """An answer of its type to every question."""
    found: dict[str, Any] = {}
    for node in nodes:
        if node["kind"] == "group":
            found[node["name"]] = fill(document, node["children"], dice)
        elif node["kind"] == "repeat":
            found[node["name"]] = [fill(document, node["children"], dice) for _ in range(2)]
        elif "list" in node:
            names = [choice["name"] for choice in document["choices"][node["list"]]]
            most = len(names) if node["type"] == "select_multiple" else 1
            found[node["name"]] = " ".join(dice.sample(names, dice.randint(1, most)))
        elif node["type"] == "note":
            found[node["name"]] = "shown"
        elif node["type"] in ANSWERS:
            found[node["name"]] = ANSWERS[node["type"]]
    return found
