"""A checklist that asks for signatures, recordings, files and codes, put in force in a county."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import select

from fieldapp.checklists import actions
from fieldapp.core import clock
from fieldapp.core.db import db, transaction
from fieldapp.users.models import User
from tests.checklists.vectors import workbook_of

TITLE = ("签名走访单", "Home visit with signatures")
ROWS: tuple[tuple[str, str, str, str, dict[str, str]], ...] = (
    ("start-geopoint", "opened_at", "", "", {}),
    ("image", "householder", "**户主签名**", "**Householder's signature**", {"appearance": "signature", "required": "yes"}),
    ("image", "worker", "走访人签名", "Worker's signature", {"appearance": "signature"}),
    ("image", "sketch", "房屋草图", "Sketch of the house", {"appearance": "draw"}),
    (
        "image",
        "stove",
        "炉子照片",
        "Photo of the stove",
        {"appearance": "new", "parameters": "max-pixels=640"},
    ),
    ("audio", "words", "本人的话", "In their own words", {}),
    ("file", "certificate", "证件", "Certificate", {}),
    ("barcode", "code", "证件条码", "Code on the certificate", {}),
    ("select_one yes_no", "gas", "有没有**煤气味**?", "Any <b>smell of gas</b>?", {}),
)  # fmt: skip


def workbook() -> bytes:
    """The checklist as a workbook."""
    survey = [
        {"type": kind, "name": name, "label::中文 (zh)": zh, "label::English (en)": en, **more}
        for kind, name, zh, en, more in ROWS
    ]
    choices = [
        {
            "list_name": "yes_no",
            "name": name,
            "label::中文 (zh)": zh,
            "label::English (en)": en,
            "flag": flag,
            "followup": "service" if flag else None,
        }
        for name, zh, en, flag in (("yes", "_有_", "_Yes_", "orange"), ("no", "没有", "No", None))
    ]
    settings = {
        "form_id": "signed_visit",
        "title_zh": TITLE[0],
        "title_en": TITLE[1],
        "default_language": "中文 (zh)",
    }
    return workbook_of({"survey": survey, "choices": choices, "settings": settings})


def put_in_force(app: Flask) -> None:
    """Put it in force in the officer's county, as the officer would at the desk."""
    now = clock.now()
    with app.app_context():
        content = workbook()
        compiled = actions.compile_upload(content, {})
        with transaction():
            officer = db.session.scalars(select(User).where(User.username == "officer")).one()
            [county] = officer.area_codes(now)
            version, _ = actions.store_version(officer, county, "signed.xlsx", content, {}, compiled, now)
            actions.register_checklist(
                officer, version.key, county, owner="县民政局", purpose="入户核查", valid_until=None, now=now
            )
            actions.publish_version(
                officer,
                version.key,
                version.version,
                [county],
                from_on=clock.local_date(now),
                until_on=None,
                now=now,
            )
