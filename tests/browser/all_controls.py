"""A checklist with every control there is, as it is compiled: what the phone shows is tested on it."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

LONG_ZH = "家里的老人上个月住院以后，出院回家由谁照顾，照顾的人每天能来几次，有没有什么困难需要村里或者民政帮忙解决？"
LONG_EN = (
    "Since the elder of this household came back from hospital last month, who looks after them, how often a day "
    "can that person come, and is there anything the village or the civil affairs office could help with?"
)


def ask(kind: str, name: str, zh: str, en: str, **more: Any) -> Json:
    """A question of the type `kind`."""
    return {"kind": "question", "name": name, "type": kind, "label": {"zh": zh, "en": en}, **more}


def choices(**labels: tuple[str, str]) -> list[Json]:
    """A choice list: `name=("中文", "English")`."""
    return [{"name": name, "label": {"zh": zh, "en": en}} for name, (zh, en) in labels.items()]


def document(nodes: list[Json], lists: dict[str, list[Json]] | None = None, **more: Any) -> Json:
    """A compiled checklist of these nodes."""
    return {
        "key": "all_controls",
        "version": "1",
        "title": {"zh": "全部题型", "en": "Every control"},
        "languages": ["zh", "en"],
        "default_language": "zh",
        "nodes": nodes,
        "choices": lists or {},
        "order": [],
        **more,
    }


LISTS = {
    "yes_no": choices(yes=("是", "Yes"), no=("否", "No")),
    "care": choices(
        self_care=("自己能照顾自己", "Looks after themselves"),
        family=("子女或亲属照顾", "Children or relatives"),
        neighbour=("邻居和村里人帮忙", "Neighbours and villagers"),
        nobody=("没有人照顾", "Nobody"),
    ),
    "agree": choices(
        never=("从不", "Never"),
        seldom=("很少", "Seldom"),
        sometimes=("有时", "Sometimes"),
        often=("经常", "Often"),
        always=("总是", "Always"),
    ),
    "months": choices(**{f"m{n}": (f"{n}月", f"Month {n}") for n in range(1, 13)}),
    "villages": choices(**{f"v{n}": (f"第{n}村", f"Village {n}") for n in range(1, 3001)}),
    "needs": choices(food=("粮油", "Food"), fuel=("取暖", "Fuel"), medicine=("药品", "Medicine")),
}

NODES: list[Json] = [
    {
        "kind": "group",
        "name": "written",
        "label": {"zh": "要写的", "en": "To write"},
        "hint": {
            "zh": "**加粗**的和[链接](https://example.org/)都能看",
            "en": "**Strong** and [link](https://example.org/)",
        },
        "children": [
            ask("note", "read", "先读这一段：**不收任何费用**。", "Read this first: **nothing is charged**."),
            ask("text", "name", "姓名", "Name", required=True),
            ask("text", "story", LONG_ZH, LONG_EN, appearance="multiline"),
            ask("text", "card", "银行卡后四位", "Last four of the bank card", appearance="numbers"),
            ask(
                "integer",
                "members",
                "家里几口人",
                "How many people",
                hint={"zh": "常住的", "en": "Those who live here"},
            ),
            ask("decimal", "weight", "体重（公斤）", "Weight in kg"),
            ask("barcode", "code", "残疾证条码", "Code on the certificate"),
        ],
    },
    {
        "kind": "group",
        "name": "stepped",
        "label": {"zh": "分数", "en": "Ranges"},
        "children": [
            ask(
                "range",
                "pain",
                "疼得厉害吗？0 到 10",
                "How bad is the pain, 0 to 10?",
                parameters={"start": "0", "end": "10", "step": "1"},
            ),
            ask(
                "range",
                "stars",
                "满意吗",
                "How satisfied",
                parameters={"start": "1", "end": "5", "step": "1"},
                appearance="rating",
            ),
            ask(
                "range", "sugar", "血糖", "Blood sugar", parameters={"start": "2", "end": "30", "step": "0.1"}
            ),
            ask(
                "range",
                "floor",
                "住几楼",
                "Which floor",
                parameters={"start": "1", "end": "33", "step": "1"},
                appearance="picker",
            ),
        ],
    },
    {
        "kind": "group",
        "name": "dated",
        "label": {"zh": "日期时间", "en": "Dates and times"},
        "children": [
            ask("date", "day", "哪天出院", "Day of discharge"),
            ask("date", "year", "哪年生的", "Year of birth", appearance="year"),
            ask("date", "month", "哪个月开始", "Since which month", appearance="month-year"),
            ask("time", "hour", "几点吃药", "When is medicine taken"),
            ask("dateTime", "moment", "什么时候摔的", "When was the fall"),
        ],
    },
    {
        "kind": "group",
        "name": "chosen",
        "label": {"zh": "要选的", "en": "To choose"},
        "children": [
            ask("select_one", "warm", "屋里暖和吗", "Is it warm", list="yes_no", required=True),
            ask("select_one", "carer", "谁照顾", "Who cares", list="care"),
            ask("select_one", "lonely", "觉得孤单吗", "Feeling lonely", list="agree", appearance="likert"),
            ask("select_one", "moved", "几月搬来的", "Month of moving in", list="months"),
            ask("select_one", "short", "用下拉选", "By a list", list="yes_no", appearance="minimal"),
            ask("select_one", "village", "哪个村", "Which village", list="villages"),
            ask("select_multiple", "needs", "缺什么", "What is missing", list="needs"),
            ask("select_multiple", "places", "去过哪些村", "Villages visited", list="villages"),
            ask("rank", "first", "先解决哪样", "What comes first", list="needs"),
            ask("acknowledge", "told", "告知书已经念给本人听", "The notice was read aloud"),
            ask(
                "text",
                "shown",
                "合计（自动）",
                "Total (by itself)",
                calculate=["+", ["ref", 0, "written/members"], 1],
                read_only=True,
            ),
        ],
    },
    {
        "kind": "group",
        "name": "taken",
        "label": {"zh": "要拍的", "en": "To take"},
        "children": [
            ask("image", "photo", "房屋照片", "Photo of the home"),
            ask("image", "signed", "本人签名", "Signature", appearance="signature"),
            ask("audio", "said", "录音", "Recording"),
            ask("file", "paper", "证明材料", "Papers"),
            ask("geopoint", "where", "位置", "Place"),
        ],
    },
    {
        "kind": "repeat",
        "name": "members",
        "label": {"zh": "家庭成员", "en": "Members"},
        "children": [
            ask("text", "who", "成员姓名", "Member's name"),
            {
                "kind": "repeat",
                "name": "jobs",
                "label": {"zh": "工作", "en": "Jobs"},
                "children": [ask("text", "job", "做什么", "What work")],
            },
        ],
    },
]

EVERY_CONTROL = document(NODES, LISTS)
