"""What happened in the demo county: the visits of the last months, and the answers given in them.

Invariant: every answer is one the shipped checklists accept; what is not mentioned was in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fieldapp.demo.county import WORKER2_GRIDS, WORKER_GRIDS, RosterHousehold, RosterPerson

# Days between two visits of the history, by the highest risk in the household: as the code table says.
INTERVAL_DAYS = {"high": 7, "middle": 30, "low": 90}
EARLIER_VISITS = 2
ELDER_TAGS = {"living_alone", "lonely_elder", "empty_nest"}
CHILD_TAGS = {"left_behind_child", "child_in_need", "child_without_carer"}
LOW_INCOME = {
    "dibao_urban",
    "dibao_rural",
    "dibao_margin",
    "rigid_expense",
    "anti_relapse",
    "other_hardship",
}
# Whoever has one of these has aid to expect.
AIDED_TAGS = {"disabled", "severely_disabled", "child_without_carer", "child_in_need"}
HEATING_MONTHS = {10, 11, 12, 1, 2, 3, 4}


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the follow-up a visit led to, so many days after the visit."""

    name: str
    days_after: int
    to: str = ""
    text: str = ""
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VisitStory:
    """A visit so many days ago; `home`, `basics`, `elder` and `card` hold the answers that were not simply in order."""

    days_ago: int
    outcome: str = "reached"
    method: str = "home"
    home: dict[str, str] = field(default_factory=dict)
    basics: dict[str, str] = field(default_factory=dict)
    elder: dict[str, Any] = field(default_factory=dict)
    card: dict[str, str] = field(default_factory=dict)  # of a patrol
    note: str = ""
    photo: str = ""
    away_m: float = 0.0
    place_declined: str = ""
    decision: str = "approved"
    reason: str = ""
    dismissed: str = ""  # why what the server found in it needed nothing
    notes: dict[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()


def _done(**outcome: str) -> dict[str, Any]:
    return {"done": "visited referred", "outcome": outcome}


# The visits that are not just another routine one, by household number of the roster.
SPECIAL: dict[int, tuple[VisitStory, ...]] = {
    # 孙万才: seen at the roadside, not at home; waits for review.
    7: (VisitStory(6, away_m=1450.0, decision="submitted"),),
    # 郑立新: the same visit entered twice; the second was voided.
    9: (VisitStory(31), VisitStory(30, decision="voided", reason="同一次走访录了两遍，以前一天的为准")),
    # 吴宝山: smoke from the stove; the supervisor handed the task out with instructions.
    11: (
        VisitStory(
            5,
            elder={"gas": "co"},
            photo="people[1]/elder/elder_photo",
            decision="submitted",
            steps=(
                Step(
                    "hand_out",
                    1,
                    to="worker",
                    text="镇里的维修师傅已约好，带他上门通烟道；没通好之前夜里不要压火。",
                ),
            ),
        ),
    ),
    # 徐长发: returned, so that it heads the worker's list.
    12: (
        VisitStory(
            3,
            home={"medicine": "short"},
            decision="returned",
            reason="药名和还能吃几天没写，没法联系卫生院。",
            notes={"home/medicine": "是哪种药？还剩几天的量？"},
        ),
    ),
    # 林巧云: nothing to object to, waits for review.
    15: (VisitStory(4, decision="submitted"),),
    # 梁国栋: two attempts reached nobody.
    19: (
        VisitStory(16),
        VisitStory(3, outcome="not_reached", note="敲门没人应，邻居说可能去镇上了"),
        VisitStory(1, outcome="not_reached", note="还是没人，电话关机，明天上午再去", decision="submitted"),
    ),
    # 宋玉珍: food for two days; red, waits for review and for relief.
    20: (
        VisitStory(
            2,
            home={
                "food_days": "lt3",
                "urgent": "no_money",
                "urgent_note": "儿子的药费把钱花完了，米面只够两天。",
            },
            photo="photo",
            decision="submitted",
        ),
    ),
    # 许广财: the house burned in spring; the task went all the way to its end.
    22: (
        VisitStory(
            40,
            home={"urgent": "disaster", "urgent_note": "东屋房顶烧穿，人先搬到村委会旁的老房子。"},
            photo="photo",
            steps=(
                Step("hand_out", 1, to="worker", text="陪他把受灾材料补齐，送到镇民政窗口。"),
                Step("report", 3, result=_done(result="solved")),
                Step("verify", 4),
            ),
        ),
        VisitStory(10),
    ),
    # 曹振海: did not want to be visited, which is nobody's fault.
    24: (VisitStory(45), VisitStory(38, outcome="refused", note="老人说刚从医院回来，想清静几天")),
    # The nameless man at the bus shelter: the report waits to be checked.
    25: (
        VisitStory(
            5,
            method="patrol",
            card={"wish": "unclear", "done": "supplies told"},
            note="夜里冷，问不出姓名和家在哪里，去不去救助站说不定。",
            steps=(
                Step(
                    "report",
                    2,
                    result=_done(
                        result="partly",
                        open_points="救助站可以接收，他还没拿定主意，身份也没查到。",
                        next_step="supervisor",
                    ),
                ),
            ),
        ),
    ),
    # 余志强: out of medicine; done by the other worker, to be checked.
    28: (
        VisitStory(
            5,
            home={"medicine": "out"},
            steps=(
                Step("hand_out", 1, to="worker2", text="和社区卫生服务站说好了，拿医保卡去取药，送到家里。"),
                Step("report", 2, result=_done(result="solved")),
            ),
        ),
    ),
    # 姚永利: a new phone number; the task is still to be done.
    32: (VisitStory(6, basics={"registry": "changed", "new_phone": "19900008899"}, decision="submitted"),),
    # 贺淑芬: can no longer bathe or walk about alone; waits for review and for somebody to take the task.
    34: (VisitStory(6, elder={"selfcare": "walk bathe"}, decision="submitted"),),
    # 孟繁荣: aid did not arrive; the worker cannot find out why and said so.
    39: (
        VisitStory(
            15,
            basics={
                "aid_on_time": "disability",
                "aid_state": "missing",
                "aid_note": "上个月的护理补贴没到卡上。",
            },
            steps=(Step("refuse", 2, text="发放记录要到县里才能查，社区查不到。"),),
        ),
    ),
    # 侯宝财: returned to the other worker.
    41: (
        VisitStory(
            7,
            method="phone",
            decision="returned",
            reason="邵秀花是重度残疾，这次应当入户，请上门看看再报。",
            notes={},
        ),
    ),
    # 白长生: the stay with his nephew was confirmed by phone; the place was declined.
    43: (VisitStory(11, place_declined="老人说不用记位置"),),
}


def _settled(
    told_after: int, *, to: str = "worker", text: str = "", result: str = "solved"
) -> tuple[Step, ...]:
    """A task that was handed out, done after so many days and checked the day after."""
    return (
        Step("hand_out", 1, to=to, text=text),
        Step("report", told_after, result=_done(result=result)),
        Step("verify", told_after + 1),
    )


# Earlier visits by household number, long enough ago for what they led to to be settled: what coverage and the figures of
# rules are made of.
EARLIER: dict[int, tuple[VisitStory, ...]] = {
    1: (VisitStory(47, elder={"gas": "wiring"}, steps=_settled(6, text="找村里电工把老化的电线换掉。")),),
    3: (VisitStory(23, away_m=640.0, dismissed="她在村卫生所输液，在那里见的面。"),),
    5: (VisitStory(41, away_m=1900.0),),
    6: (VisitStory(33, away_m=760.0, dismissed="在自家大棚里见的面，棚离家七百多米。"),),
    8: (
        VisitStory(
            54,
            elder={"hygiene": "damaged"},
            steps=_settled(12, text="先用塑料布把漏雨的地方苫上，再报住房救助。"),
        ),
    ),
    13: (VisitStory(26, basics={"utilities": "no_water"}, steps=_settled(2, text="联系村委会看水泵。")),),
    14: (
        VisitStory(44, home={"medicine": "out"}, steps=_settled(2, text="和镇卫生院说好了，代他取药送去。")),
    ),
    21: (VisitStory(19, home={"medicine": "out"}, steps=_settled(1, text="今天就去卫生室取药。")),),
    26: (
        VisitStory(
            39,
            basics={"utilities": "no_power"},
            steps=_settled(4, to="worker2", text="陪他到供电所把欠费的事说清，先恢复供电。"),
        ),
    ),
    30: (
        VisitStory(
            34,
            home={"urgent": "other", "urgent_note": "孩子发烧，家里没有人能带去医院。"},
            steps=_settled(1, to="worker2", text="请社区派人陪着去。"),
        ),
    ),
    38: (
        VisitStory(
            36,
            basics={
                "aid_on_time": "disability",
                "aid_state": "missing",
                "aid_note": "换了银行卡，护理补贴还打在旧卡上。",
            },
            steps=_settled(9, to="worker2", text="把新卡号报到镇里改。"),
        ),
    ),
    40: (
        VisitStory(
            48, basics={"utilities": "no_water"}, steps=_settled(3, to="worker2", text="联系村委会看水管。")
        ),
    ),
    42: (VisitStory(20, away_m=820.0, dismissed="老人在镇上女儿家过冬，登记住址没有改。"),),
}


def worker_of(household: RosterHousehold) -> str | None:
    """The account in charge of the household's grid, or None where the demo has no worker."""
    if household.grid_code in WORKER_GRIDS:
        return "worker"
    return "worker2" if household.grid_code in WORKER2_GRIDS else None


def list_visits(household: RosterHousehold) -> list[VisitStory]:
    """The visits to a household, oldest first: its own story, and routine ones at its interval before that."""
    told = SPECIAL.get(household.number, (VisitStory(household.visited_days_ago),))
    told += EARLIER.get(household.number, ())
    interval = min(INTERVAL_DAYS[person.risk] for person in household.people)
    earliest = max(story.days_ago for story in told)
    # Every other earlier contact was a phone call, as the rules allow.
    method = "patrol" if is_on_the_street(household) else "home"
    routine = [
        VisitStory(earliest + interval * back, method="phone" if back % 2 and household.phone else method)
        for back in range(1, EARLIER_VISITS + 1)
    ]
    return sorted([*routine, *told], key=lambda story: -story.days_ago)


def is_on_the_street(household: RosterHousehold) -> bool:
    """Whether this is somebody without a home, met on patrol."""
    return any("vagrant" in person.tags for person in household.people)


def checklist_of(story: VisitStory) -> str:
    """The checklist a visit is made with."""
    return "patrol" if story.method == "patrol" else "routine"


def answer_checklist(
    household: RosterHousehold,
    story: VisitStory,
    address: str,
    place: tuple[float, float] | None,
    at: datetime,
) -> dict[str, Any]:
    """The answers of a visit at `at`, as the phone would send them; photos are not in them yet."""
    if checklist_of(story) == "patrol":
        return _answer_patrol(household, story, place, at)
    answers: dict[str, Any] = {"hh_address": address, "method": story.method}
    if household.phone:
        answers["hh_phone"] = household.phone
    if story.outcome == "not_reached":
        return answers | {"reached": "not_reached", "not_reached_note": story.note}
    if story.outcome == "refused":
        return answers | {"reached": "refused", "refused_note": story.note}
    answers["reached"] = "self"
    home = {
        "food_days": "ten_plus" if household.number % 3 else "three_nine",
        "medicine": "enough" if _takes_medicine(household) else "not_needed",
        "urgent": "none",
    }
    if at.month in HEATING_MONTHS:
        home["heating"] = "ok"
    is_aided = any(
        person.main_class != "none" or AIDED_TAGS & set(person.tags) for person in household.people
    )
    basics = {"registry": "same", "utilities": "ok", "aid_on_time": "on_time" if is_aided else "none_due"}
    answers["home"] = home | story.home
    answers["basics"] = basics | story.basics
    if place:
        answers["place"] = _geopoint(place)
    answers["people"] = [_answer_person(person, story) for person in household.people]
    if any(person.main_class in LOW_INCOME for person in household.people):
        answers["low_income"] = {
            "income": "same",
            "job": "same",
            "expense": "none",
            "assets": "same",
            "scheme": "none",
        }
    return answers


def _geopoint(place: tuple[float, float]) -> str:
    return f"{place[0]:.6f} {place[1]:.6f} 0 12"


def _answer_patrol(
    household: RosterHousehold, story: VisitStory, place: tuple[float, float] | None, at: datetime
) -> dict[str, Any]:
    card = {"state": "fine", "age_about": "old", "sex": "m", "wish": "nothing", "done": "supplies"}
    answers: dict[str, Any] = {
        "reached": "found",
        "seen_at": at.isoformat(timespec="milliseconds"),
        "place_note": household.address,
        "card": card | story.card,
    }
    if story.note:
        answers["note"] = story.note
    if place:
        answers["place"] = _geopoint(place)
    return answers


def put_photo(answers: dict[str, Any], path: str, sha256: str) -> None:
    """Name a photo in the question at `path` ("photo", "people[1]/elder/elder_photo")."""
    *groups, name = path.split("/")
    for group in groups:
        answers = answers["people"][0] if group == "people[1]" else answers[group]
    answers[name] = sha256


def _answer_person(person: RosterPerson, story: VisitStory) -> dict[str, Any]:
    tags = set(person.tags)
    answers: dict[str, Any] = {"condition": "no_change"}
    if person.name:
        answers["name"] = person.name
    if ELDER_TAGS & tags:
        usual = {
            "chronic": "stable" if person.number % 3 else "none",
            "selfcare": "none",
            "mood": "ok",
            "gas": "safe",
            "hygiene": "good",
            "children_contact": "no_children" if "lonely_elder" in tags else "week",
            "emergency": "reachable",
        }
        answers["elder"] = {"abuse": "none", "usual": usual | story.elder}
    if person.main_class == "destitute_scattered":
        arranged = {"care_person": "village", "agreement": "valid"}
        if not ELDER_TAGS & tags:
            arranged["own_home"] = "good"
        answers["destitute"] = {"care_week": "enough", "arranged": arranged}
    if CHILD_TAGS & tags:
        answers["child"] = {"child_abuse": "none", "usual": _answer_child(person, tags)}
    if "severely_disabled" in tags:
        answers["disabled"] = {
            "certificate": "limb",
            "level": "1",
            "disabled_carer": "family",
            "device": "enough",
            "adaptation": "ok",
        }
    if "mental_disorder" in tags:
        usual = {"pair_carer": "yes", "followed": "yes"}
        if story.method == "home":
            usual["company"] = "cadre"
        answers["pair"] = {"risk": "none", "takes": "yes", "usual": usual}
    return answers


def _answer_child(person: RosterPerson, tags: set[str]) -> dict[str, str]:
    usual = {
        "parents": "home",
        "guardianship": "good",
        "school": "attending" if (person.age or 0) >= 6 else "young",
        "hukou": "yes",
        "child_mood": "ok",
    }
    if "child_in_need" in tags:
        return usual | {"child_carer": "parents"}
    where = "unable" if "child_without_carer" in tags else "away"
    return usual | {
        "parents": where,
        "child_carer": "grandparents",
        "carer_contact": "同住的老人，电话见登记",
    }


def _takes_medicine(household: RosterHousehold) -> bool:
    return any(
        (person.age or 0) >= 70
        or {"serious_illness", "mental_disorder", "severely_disabled"} & set(person.tags)
        for person in household.people
    )


def list_photo_stories(roster: list[RosterHousehold]) -> Iterator[tuple[RosterHousehold, VisitStory]]:
    """The visits a photo was taken at."""
    for household in roster:
        if worker_of(household):
            yield from ((household, story) for story in list_visits(household) if story.photo)
