"""A backup of a real server that is busy, as its own process: it holds whatever phones may forget."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import select

from fieldapp.core import clock, storage
from fieldapp.core.crypto import KEY_FILE
from fieldapp.core.db import db
from fieldapp.sync.models import Operation
from fieldapp.upkeep.backup import Manifest, is_whole, list_snapshots
from fieldapp.upkeep.restore import restore
from tests.factories import PASSWORD, Phone, draw_photo
from tests.live import ROOT, Live, LiveClient, environment, run_command
from tests.upkeep.conftest import app_on

PHONES = 3
# With one server and its one clock a second is enough; the test would take minutes otherwise.
BACK_UP = """
import sys
from datetime import timedelta
from fieldapp import cli
from fieldapp.upkeep import backup
backup.CLOCKS_APART = timedelta(seconds=1)
sys.argv = ["fieldapp", "backup", sys.argv[1]]
cli.main()
"""


class Busy(threading.Thread):
    """A phone that sends a visit and its photo, again and again; `sent` tells when the server had each."""

    def __init__(self, phone, number, end):
        super().__init__()
        self.phone, self.number, self.end = phone, number, end
        self.sent = []
        self.fault = None

    def run(self):
        try:
            while not self.end.is_set():
                photo = draw_photo(self.number * 1000 + len(self.sent))
                # Different ones, whatever colours they have.
                photo += f"{self.number} {len(self.sent)}".encode()
                sha256 = hashlib.sha256(photo).hexdigest()
                named = {"sha256": sha256, "question": "photo", "size": len(photo)}
                op = self.phone.op("visit.submit", self.phone.visit(attachments=[named]))
                pushed = self.phone.push_raw(op).json
                assert pushed["receipts"][0]["outcome"] == "accepted"
                put = self.phone.put_photo(photo).json
                self.sent.append((op["op_uuid"], pushed["server_time"], sha256, put["server_time"]))
        except Exception as error:
            self.fault = error


@pytest.fixture
def server(settings):
    live = Live(settings.data_dir, PASSWORD, settings.database_url)
    live.start()
    yield live
    live.stop()


def back_up(settings, folder):
    subprocess.run(
        [sys.executable, "-c", BACK_UP, str(folder)],
        cwd=ROOT,
        env=environment(data_dir=settings.data_dir, database_url=settings.database_url),
        check=True,
        capture_output=True,
    )


def test_what_phones_may_forget_is_in_the_backup_of_a_busy_server(
    server, county, settings, elsewhere, tmp_path
):
    folder, end = tmp_path / "backups", threading.Event()
    phones = [Phone(None, county, "worker", PASSWORD, client=LiveClient(server)) for _ in range(PHONES)]
    threads = [Busy(phone, number, end) for number, phone in enumerate(phones)]
    for thread in threads:
        thread.start()
    try:
        while any(len(thread.sent) < 2 and thread.is_alive() for thread in threads):
            time.sleep(0.1)
        time.sleep(2)
        back_up(settings, folder)
        time.sleep(1)
        back_up(settings, folder)
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert [thread.fault for thread in threads] == [None] * PHONES
    sent = [item for thread in threads for item in thread.sent]
    told = phones[0].push_raw().json["backed_up_to"]
    assert told == Manifest.read(list_snapshots(folder)[-1]).backed_up_to
    for snapshot in list_snapshots(folder):
        up_to = clock.parse_instant(Manifest.read(snapshot).backed_up_to)
        ops = {op for op, at, _, _ in sent if clock.parse_instant(at) <= up_to}
        photos = {sha256 for _, _, sha256, at in sent if clock.parse_instant(at) <= up_to}
        restore(elsewhere, folder, snapshot.name, clock.now(), replaces=True)
        with app_on(elsewhere) as other, other.app_context():
            held = set(db.session.scalars(select(Operation.op_uuid)))
            assert ops <= held
            assert all(is_whole(storage.path_of(sha256), sha256) for sha256 in photos)
        assert ops
        assert photos
        assert len(held) < len(sent)


def test_the_commands_say_what_they_did_and_how_it_ended(settings, county, elsewhere, tmp_path):
    folder = tmp_path / "backups"
    here = {"data_dir": settings.data_dir, "database_url": settings.database_url}
    there = {"data_dir": elsewhere.data_dir, "database_url": elsewhere.database_url}
    said = run_command("backup", folder, **here)
    assert "0 visits, 0 photos and files (0 new)" in said
    assert "same disk" in said
    with pytest.raises(RuntimeError, match="There is a database here already"):
        run_command("restore", folder, **here)
    with pytest.raises(RuntimeError, match="no complete backup"):
        run_command("restore", tmp_path, **there)
    assert "Start fieldapp" in run_command("restore", folder, **there)
    with pytest.raises(RuntimeError, match="outside the data folder"):
        run_command("backup", settings.data_dir, **here)
    (settings.data_dir / KEY_FILE).unlink()
    with pytest.raises(RuntimeError, match="is missing"):
        run_command("backup", folder, **here)
