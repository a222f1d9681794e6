"""Answers in words, as the desk reads them: every question type, in both languages, without markdown."""

from __future__ import annotations

import pytest

from fieldapp.checklists.compiler.compile import compile_workbook
from fieldapp.checklists.reading import read_answers, read_problems
from tests.checklists.vectors import FOLLOWUP_TYPES, workbook_of

SHA = "ab" * 32
ZH, EN = "label::中文 (zh)", "label::English (en)"
SURVEY = [
    {"type": "range", "name": "pain", ZH: "疼痛", EN: "Pain", "parameters": "start=0 end=10 step=1"},
    {"type": "time", "name": "meal", ZH: "几点吃饭", EN: "Meal at"},
    {"type": "dateTime", "name": "seen", ZH: "何时见到", EN: "Seen at"},
    {"type": "date", "name": "day", ZH: "哪天", EN: "Day"},
    {"type": "rank needs", "name": "order", ZH: "**最**需要", EN: "Needed *most*"},
    {"type": "select_multiple needs", "name": "has", ZH: "已有", EN: "Has"},
    {"type": "barcode", "name": "code", ZH: "条码", EN: "Code"},
    {"type": "acknowledge", "name": "told", ZH: "已告知", EN: "Told"},
    {"type": "image", "name": "sign", ZH: "签名", EN: "Signature", "appearance": "signature"},
    {"type": "image", "name": "plan", ZH: "草图", EN: "Sketch", "appearance": "draw"},
    {"type": "image", "name": "photo", ZH: "照片", EN: "Photo"},
    {"type": "audio", "name": "sound", ZH: "录音", EN: "Sound"},
    {"type": "video", "name": "clip", ZH: "视频", EN: "Clip"},
    {"type": "file", "name": "paper", ZH: "证件", EN: "Paper"},
    {"type": "start-geopoint", "name": "opened_at"},
]
CHOICES = [
    {"list_name": "needs", "name": "food", ZH: "<b>粮油</b>", EN: "Food"},
    {"list_name": "needs", "name": "fuel", ZH: "取暖", EN: "Fuel"},
]
ANSWERS = {
    "pain": "7",
    "meal": "18:30:00.000+08:00",
    "seen": "2026-11-23T09:05:00.000+08:00",
    "day": "2026-11-23",
    "order": "fuel food",
    "has": "fuel food",
    "code": "ID 230183195005041234",
    "told": "OK",
    **dict.fromkeys(("sign", "plan", "photo", "sound", "clip", "paper"), SHA),
    "opened_at": "45.2 127.9 0 12",
}
WORDS = {
    "zh": {
        "疼痛": "7",
        "几点吃饭": "18:30",
        "何时见到": "2026年11月23日 09:05",
        "哪天": "2026年11月23日",
        "最需要": "1. 取暖、2. 粮油",
        "已有": "取暖、粮油",
        "条码": "ID 230***********1234",
        "已告知": "已确认",
        "签名": "已签名",
        "草图": "手绘图 1 张",
        "照片": "照片 1 张",
        "录音": "录音 1 段",
        "视频": "视频 1 段",
        "证件": "文件 1 个",
    },
    "en": {
        "Pain": "7",
        "Meal at": "18:30",
        "Seen at": "2026-11-23 09:05",
        "Day": "2026-11-23",
        "Needed most": "1. Fuel, 2. Food",
        "Has": "Fuel, Food",
        "Code": "ID 230***********1234",
        "Told": "confirmed",
        "Signature": "signed",
        "Sketch": "1 drawing",
        "Photo": "1 photo",
        "Sound": "1 recording",
        "Clip": "1 video",
        "Paper": "1 file",
    },
}


@pytest.fixture(scope="module")
def document():
    form = {"survey": SURVEY, "choices": CHOICES, "settings": {"default_language": "中文 (zh)"}}
    return compile_workbook(workbook_of(form), FOLLOWUP_TYPES).document


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_type_is_read_in_words(app, document, language):
    with app.test_request_context(headers={"X-Language": language}):
        lines = read_answers(document, ANSWERS)
    assert {line.label: line.value for line in lines} == WORDS[language]
    assert {line.path: line.asked for line in lines if line.attachments} == {
        "sign": "signature",
        "plan": "drawing",
        "photo": "photo",
        "sound": "audio",
        "clip": "video",
        "paper": "file",
    }


@pytest.mark.parametrize(
    ("name", "value"), [("seen", "yesterday"), ("meal", "soon"), ("day", "2026-13-45"), ("order", "gone")]
)
def test_what_cannot_be_read_is_shown_as_it_came(app, document, name, value):
    with app.test_request_context(headers={"X-Language": "zh"}):
        [line] = read_answers(document, {name: value})
    assert value in line.value


def test_what_the_server_objects_to_is_said_without_markdown():
    problem = {"path": "pain", "code": "constraint", "message": "**0** 到 __10__"}
    assert read_problems([problem], {})[0].message == "0 到 10"
