"""A real server that dies at the worst moment: what it promised is there, what it did not promise can be sent again."""

from __future__ import annotations

import urllib.error
from http.client import HTTPException

import pytest

from tests.factories import County, Phone, draw_photo
from tests.live import Live, LiveClient

SERVE = """
import os, signal, sys
from flask import has_request_context
from fieldapp import cli
from fieldapp.core import feeds, storage
from fieldapp.sync import actions

def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)

{fault}
sys.argv = ["fieldapp", "serve"]
cli.main()
"""
AFTER_COMMIT = SERVE.format(fault="real = actions.push\nactions.push = lambda *args: (real(*args), die())")
# Not in what the server does by itself each minute: it is to die of the upload.
BEFORE_COMMIT = SERVE.format(
    fault="real = feeds.number_changes\n"
    "feeds.number_changes = lambda session: die() if has_request_context() else real(session)"
)
PHOTO_BEFORE_RENAME = SERVE.format(fault="storage.Path.replace = die")
PHOTO_AFTER_RENAME = SERVE.format(
    fault="real = storage.durable.put_in_place\nstorage.durable.put_in_place = lambda *args: (real(*args), die())"
)
KILLED = -9


def sign_in(live: Live) -> Phone:
    """The demo's worker, with the first household of the first grid."""
    phone = Phone(None, County(), "worker", live.password, client=LiveClient(live))
    people = [record for (kind, _), record in phone.pull().items() if kind == "person"]
    phone.county.household_uuid = people[0]["household_uuid"]
    phone.county.person_uuids = [people[0]["person_uuid"]]
    return phone


def push_and_lose_the_answer(phone: Phone, op) -> None:
    with pytest.raises((urllib.error.URLError, HTTPException, ConnectionError)):
        phone.push(op)


def own_visits(phone: Phone, visit_uuid: str) -> int:
    phone.cursor, phone.records = None, {}
    return sum(1 for kind, uuid in phone.pull() if kind == "visit" and uuid == visit_uuid)


def test_server_killed_between_commit_and_answer_says_duplicate_the_next_time(live):
    phone = sign_in(live)
    op = phone.op("visit.submit", phone.visit())
    live.stop()
    live.start(AFTER_COMMIT)
    push_and_lose_the_answer(phone, op)
    assert live.wait_for_end() == KILLED
    live.start()
    assert phone.push(op)[0]["outcome"] == "duplicate"
    assert own_visits(phone, op["body"]["visit_uuid"]) == 1


def test_server_killed_before_commit_stores_it_when_it_comes_again(live):
    phone = sign_in(live)
    op = phone.op("visit.submit", phone.visit())
    live.stop()
    live.start(BEFORE_COMMIT)
    push_and_lose_the_answer(phone, op)
    assert live.wait_for_end() == KILLED
    live.start()
    assert own_visits(phone, op["body"]["visit_uuid"]) == 0
    assert phone.push(op)[0]["outcome"] == "accepted"
    assert own_visits(phone, op["body"]["visit_uuid"]) == 1


@pytest.mark.parametrize("moment", [PHOTO_BEFORE_RENAME, PHOTO_AFTER_RENAME], ids=["written", "renamed"])
def test_server_killed_while_keeping_a_photo_takes_it_the_next_time(live, moment):
    phone = sign_in(live)
    photo = draw_photo(5)
    live.stop()
    live.start(moment)
    with pytest.raises((urllib.error.URLError, HTTPException, ConnectionError)):
        phone.put_photo(photo)
    assert live.wait_for_end() == KILLED
    live.start()
    assert phone.put_photo(photo).status_code == 201
    assert phone.put_photo(photo).status_code == 200
