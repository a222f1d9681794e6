"""Photos go after their time, those of what is settled alone; what was answered stays, and it is said that they went."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldapp.core import clock, storage
from fieldapp.core.audit import AuditEntry
from fieldapp.core.db import db, transaction
from fieldapp.core.storage import Attachment
from fieldapp.followups.models import Followup
from fieldapp.reviews.models import Flag
from fieldapp.upkeep.backup import make_backup
from fieldapp.upkeep.doctor import WRONG, examine
from fieldapp.upkeep.restore import restore
from fieldapp.upkeep.retention import remove_old_attachments
from fieldapp.visits.models import Visit
from tests.factories import Desk, draw_photo
from tests.upkeep.conftest import app_on

DAYS = 365
PHOTO = draw_photo()
SHA256 = hashlib.sha256(PHOTO).hexdigest()
NAMED = {"sha256": SHA256, "question": "photo", "size": len(PHOTO)}
LATER = timedelta(days=DAYS + 1)


@pytest.fixture
def keeping(app, settings):
    """An installation that keeps attachments for a year."""
    app.config["FIELDAPP"] = replace(settings, attachments_kept_days=DAYS)
    return app


def send_visit(phone, **more):
    body = phone.visit(attachments=[NAMED], **more)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    phone.put_photo(PHOTO)
    return body["visit_uuid"]


def settle(app, visit_uuid):
    with app.app_context(), transaction():
        db.session.get_one(Visit, visit_uuid).state = "approved"


def run(app, after=LATER):
    with app.app_context():
        return remove_old_attachments(clock.now() + after)


def is_here(app):
    with app.app_context():
        held = db.session.get_one(Attachment, SHA256)
        there = storage.path_of(SHA256).exists()
        assert there is (held.removed_at is None)
        return there


def test_photo_of_a_settled_visit_goes_and_what_was_answered_stays(keeping, phone):
    visit_uuid = send_visit(phone)
    settle(keeping, visit_uuid)
    desk = Desk(keeping)
    assert desk.get(f"/api/attachments/{SHA256}").status_code == 200
    assert run(keeping) == 1
    assert not is_here(keeping)
    gone = desk.get(f"/api/attachments/{SHA256}")
    assert (gone.status_code, gone.json["error"]["code"]) == (410, "attachment_removed")
    page = desk.get(f"/reviews/{visit_uuid}").text
    assert "已删除" in page
    assert "还在手机上" not in page
    with keeping.app_context():
        assert db.session.get_one(Visit, visit_uuid).revision == 1
        said = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "attachments.remove")).one()
        assert said.values == {"sha256": [SHA256]}
        assert not [f.words for f in examine(clock.now()) if f.verdict == WRONG and "photo" in f.words]
    assert run(keeping) == 0


def open_flag(visit_uuid):
    visit = db.session.get_one(Visit, visit_uuid)
    return Flag(
        visit_uuid=visit_uuid,
        revision=1,
        area_code=visit.area_code,
        rule="answer",
        severity="orange",
        text={"zh": "", "en": ""},
        state="open",
        raised_at=clock.now(),
    )


def task(visit_uuid, state):
    visit = db.session.get_one(Visit, visit_uuid)
    return Followup(
        followup_id="b4f9d8f0-5f0d-4c59-9be4-0a3b6f1f7a11",
        type="service",
        severity="orange",
        state=state,
        area_code=visit.area_code,
        found_in=visit.area_code,
        household_uuid=visit.household_uuid,
        visit_uuid=visit_uuid,
        reason={"zh": "", "en": ""},
        checklist_key="followup_result",
        due_at=clock.now(),
        created_at=clock.now(),
    )


@pytest.mark.parametrize(
    "why",
    [
        "not a year old",
        "kept for ever",
        "not decided on",
        "a flag is open",
        "a task is open",
        "a task waits for somebody's word",
        "another visit names it too",
        "no record names it",
    ],
)
def test_photo_that_may_be_needed_stays(keeping, settings, phone, why):
    visit_uuid = "" if why == "no record names it" else send_visit(phone)
    if not visit_uuid:
        phone.put_photo(PHOTO)
    elif why != "not decided on":
        settle(keeping, visit_uuid)
    if why == "kept for ever":
        keeping.config["FIELDAPP"] = settings
    if why == "another visit names it too":
        send_visit(phone)
    with keeping.app_context(), transaction():
        if why == "a flag is open":
            db.session.add(open_flag(visit_uuid))
        if why.startswith("a task"):
            db.session.add(task(visit_uuid, "open" if why.endswith("open") else "done"))
    assert run(keeping, LATER - timedelta(days=2) if why == "not a year old" else LATER) == 0
    assert is_here(keeping)


def test_photo_goes_once_its_task_is_verified(keeping, phone):
    visit_uuid = send_visit(phone)
    settle(keeping, visit_uuid)
    with keeping.app_context(), transaction():
        db.session.add(task(visit_uuid, "verified"))
    assert run(keeping) == 1


def test_photo_that_is_sent_once_more_is_here_again(keeping, phone):
    settle(keeping, send_visit(phone))
    run(keeping)
    assert phone.put_photo(PHOTO).status_code == 200
    assert is_here(keeping)
    assert Desk(keeping).get(f"/api/attachments/{SHA256}").data == PHOTO


def test_photo_that_was_marked_and_came_again_before_its_file_went_is_not_removed(
    keeping, phone, monkeypatch
):
    settle(keeping, send_visit(phone))
    real = storage.remove_attachment
    monkeypatch.setattr(storage, "remove_attachment", lambda sha256: (phone.put_photo(PHOTO), real(sha256)))
    run(keeping)
    assert is_here(keeping)


def test_backup_lets_go_of_it_with_the_last_snapshot_that_needs_it(keeping, phone, tmp_path, elsewhere):
    folder = tmp_path / "backups"
    kept = folder / "photos" / SHA256[:2] / SHA256
    settle(keeping, send_visit(phone))

    def back_up(after):
        with keeping.app_context():
            return make_backup(folder, 2, clock.now() + after)

    first = back_up(timedelta())
    run(keeping)
    back_up(LATER + timedelta(days=1))
    assert kept.exists()
    restored = restore(elsewhere, folder, first.snapshot.name, clock.now(), replaces=False)
    assert (restored.photos, restored.photos_missing) == (1, 0)
    last = back_up(LATER + timedelta(days=2))
    assert not kept.exists()
    restored = restore(elsewhere, folder, last.snapshot.name, clock.now(), replaces=True)
    assert (restored.photos, restored.photos_missing) == (0, 0)
    with app_on(elsewhere) as app, app.app_context():
        assert db.session.get_one(Attachment, SHA256).removed_at
