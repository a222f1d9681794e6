"""Photos, recordings, files: kept under the hash of their bytes, whole or not at all, for those in scope only."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import threading
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import select, text

from fieldapp.core import clock, feeds, storage
from fieldapp.core.db import db
from fieldapp.core.vault_files import SealedWriter
from fieldapp.users.models import User
from tests.factories import Desk, Phone, draw_photo
from tests.media import RECORDINGS


def visit_with(phone: Phone, photo: bytes) -> str:
    """Push a visit that names the photo; returns the photo's hash."""
    sha256 = hashlib.sha256(photo).hexdigest()
    named = [{"sha256": sha256, "question": "photo", "taken_at": None, "size": len(photo)}]
    assert phone.push(phone.op("visit.submit", phone.visit(attachments=named)))[0]["outcome"] == "accepted"
    return sha256


def test_photo_is_stored_once_and_comes_back_byte_for_byte(app, phone):
    photo = draw_photo()
    assert phone.put_photo(photo).status_code == 201
    assert phone.put_photo(photo).status_code == 200
    answer = phone.client.get(f"/api/attachments/{hashlib.sha256(photo).hexdigest()}")
    assert (answer.data, answer.mimetype) == (photo, "image/jpeg")


def test_photo_on_disk_is_encrypted(app, phone):
    photo = draw_photo()
    phone.put_photo(photo)
    files = [path for path in (app.config["FIELDAPP"].data_dir / "photos").rglob("*") if path.is_file()]
    assert len(files) == 1
    assert photo[:32] not in files[0].read_bytes()


def test_hash_that_does_not_match_is_422_and_nothing_is_kept(app, phone):
    answer = phone.put_photo(draw_photo(), sha256="0" * 64)
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "photo_hash_wrong")
    with app.app_context():
        assert db.session.scalars(select(storage.Attachment)).all() == []


def test_photo_cut_off_halfway_is_refused_with_words(app, phone):
    photo = draw_photo(size=(640, 480))
    answer = phone.put_photo(photo[: len(photo) // 2])
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "photo_unreadable")
    assert answer.json["error"]["message"]


def files_of(app) -> list[str]:
    """Names of all files in the attachments' folder."""
    folder = app.config["FIELDAPP"].data_dir / "photos"
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_what_is_refused_leaves_nothing_behind(app, phone):
    assert phone.put_photo(draw_photo(), sha256="0" * 64).status_code == 422
    assert phone.put_photo(draw_photo(size=(640, 480))[:900]).status_code == 422
    assert phone.put_photo(b"").status_code == 422
    assert files_of(app) == []


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_in_words_and_the_file_is_taken_once_there_is_room(
    app, phone, monkeypatch, fault
):
    def fail(*_):
        raise OSError(fault, os.strerror(fault))

    photo = draw_photo()
    for part in ("write", "finish"):
        with monkeypatch.context() as patch:
            patch.setattr(SealedWriter, part, fail)
            answer = phone.put_photo(photo)
        assert (answer.status_code, answer.json["error"]["code"]) == (507, "storage_full")
        assert "没有空间" in answer.json["error"]["message"]
        assert files_of(app) == []
    assert phone.put_photo(photo).status_code == 201


def test_the_answer_to_a_file_says_when_it_was_safe(app, phone):
    before = clock.now().replace(microsecond=0)
    for _ in range(2):
        answer = phone.put_photo(draw_photo())
        assert clock.parse_instant(answer.json["server_time"]) >= before


def test_what_uploads_that_were_cut_off_left_is_removed_after_a_day(app, phone):
    phone.put_photo(draw_photo())
    arriving = app.config["FIELDAPP"].data_dir / "photos" / "arriving"
    old, new = arriving / "old.part", arriving / "new.part"
    for part in (old, new):
        part.write_bytes(b"half a photo")
    now = clock.now()
    yesterday = (now - timedelta(hours=25)).timestamp()
    os.utime(old, (yesterday, yesterday))
    with app.app_context():
        assert storage.remove_left_over(now) == 1
    assert not old.exists()
    assert new.exists()
    assert len(files_of(app)) == 2


def test_damaged_photo_spoils_neither_its_visit_nor_the_next_photo(app, phone):
    damaged = draw_photo(size=(640, 480))[:900]
    sha256 = visit_with(phone, damaged)
    assert phone.put_photo(damaged).status_code == 422
    assert phone.put_photo(draw_photo(1)).status_code == 201
    visits = [record for (kind, _), record in phone.pull().items() if kind == "visit"]
    assert [(visit["photos_received"], visit["photos_expected"]) for visit in visits] == [(0, 1)]
    assert visits[0]["attachments"][0]["sha256"] == sha256


def test_an_empty_file_is_refused_with_words(phone):
    answer = phone.put_photo(b"")
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "attachment_empty")
    assert answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("wav", "audio/wav"),
        ("m4a", "audio/mp4"),
        ("mp3", "audio/mpeg"),
        ("mp4", "video/mp4"),
        ("webm", "video/webm"),
    ],
)
def test_a_recording_is_kept_and_comes_back_whole_or_in_part(phone, name, media_type):
    recording = RECORDINGS[name]
    assert phone.put_photo(recording).status_code == 201
    path = f"/api/attachments/{hashlib.sha256(recording).hexdigest()}"
    whole = phone.client.get(path)
    assert (whole.data, whole.mimetype) == (recording, media_type)
    assert "Content-Disposition" not in whole.headers
    part = phone.client.get(path, headers={"Range": "bytes=4-11"})
    assert (part.status_code, part.data) == (206, recording[4:12])


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=65530-131080", 65530, 131081),
        ("bytes=-5", 199_995, 200_000),
        ("bytes=199990-", 199_990, 200_000),
    ],
)
def test_any_part_of_a_long_recording_comes_by_itself(phone, asked, start, end):
    recording = RECORDINGS["mp4"].ljust(200_000, b"v")
    phone.put_photo(recording)
    path = f"/api/attachments/{hashlib.sha256(recording).hexdigest()}"
    part = phone.client.get(path, headers={"Range": asked})
    assert (part.status_code, part.data) == (206, recording[start:end])
    assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/200000"
    assert part.content_length == end - start


def test_a_part_beyond_the_end_is_416_and_what_is_known_already_304(phone):
    recording = RECORDINGS["wav"]
    phone.put_photo(recording)
    path = f"/api/attachments/{hashlib.sha256(recording).hexdigest()}"
    assert phone.client.get(path, headers={"Range": "bytes=999999-"}).status_code == 416
    etag = phone.client.get(path).headers["ETag"]
    assert phone.client.get(path, headers={"If-None-Match": etag}).status_code == 304
    head = phone.client.head(path)
    assert (head.status_code, head.data, head.content_length) == (200, b"", len(recording))


@pytest.mark.parametrize(
    "body",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<!doctype html><script>alert(1)</script>",
        b"MZ\x90\x00 a program",
        b"GIF89a" + b"\0" * 40,
        b"%PDF-1.4 hello",
        "姓名,电话\n刘玉珍,无\n".encode(),
    ],
)
def test_any_other_file_is_kept_and_only_ever_downloaded(app, phone, body):
    sha256 = visit_with(phone, body)
    assert phone.put_photo(body).status_code == 201
    for size in ("", "?size=thumb", "?size=screen"):
        answer = Desk(app).get(f"/api/attachments/{sha256}{size}")
        assert answer.data == body
        assert answer.headers["Content-Disposition"] == "attachment"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.mimetype not in {"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"}


@pytest.mark.parametrize(
    ("setting", "body"),
    [
        ("audio_max_bytes", RECORDINGS["wav"]),
        ("audio_max_bytes", RECORDINGS["m4a"]),
        ("video_max_bytes", RECORDINGS["mp4"]),
        ("file_max_bytes", b"%PDF-1.4" + b" " * 400),
    ],
)
def test_each_kind_has_a_limit_of_its_own(app, phone, setting, body):
    object.__setattr__(app.config["FIELDAPP"], setting, len(body) - 1)
    answer = phone.put_photo(body)
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")
    object.__setattr__(app.config["FIELDAPP"], setting, len(body))
    assert phone.put_photo(body).status_code == 201


def test_a_video_may_be_larger_than_a_photo(phone):
    assert phone.put_photo(RECORDINGS["mp4"] + b"\0" * 16_500_000).status_code == 201


def test_the_name_of_a_file_comes_back_to_its_phone_and_is_encrypted_on_the_server(app, phone):
    body = b"%PDF-1.4 certificate"
    named = {"sha256": hashlib.sha256(body).hexdigest(), "question": "f", "size": 20, "name": "残疾证.pdf"}
    assert phone.push(phone.op("visit.submit", phone.visit(attachments=[named])))[0]["outcome"] == "accepted"
    phone.put_photo(body)
    [visit] = [record for (kind, _), record in phone.pull().items() if kind == "visit"]
    [attachment] = visit["attachments"]
    assert (attachment["name"], attachment["type"]) == ("残疾证.pdf", "application/pdf")
    with app.app_context():
        stored = db.session.execute(text("SELECT name FROM attachment_uses")).scalar_one()
        assert "残疾证".encode() not in bytes(stored)


def test_a_phone_is_told_how_large_files_may_be(app, phone):
    object.__setattr__(app.config["FIELDAPP"], "video_max_bytes", 7_000_000)
    limits = phone.client.get("/api/session").json["site"]["limits"]
    assert limits == {"image": 10_000_000, "audio": 20_000_000, "video": 7_000_000, "file": 20_000_000}


def test_a_slow_upload_keeps_no_connection_to_the_database(app, county):
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            held.append(db.session().in_transaction())
            return super().read(size)

    held: list[bool] = []
    body = b"words " * 20_000
    with app.app_context():
        worker = db.session.get_one(User, county.users["worker"])
        storage.store_attachment(hashlib.sha256(body).hexdigest(), Slow(body), worker.id, clock.now())
    assert len(held) > 1
    assert not any(held)


def test_more_pixels_than_allowed_are_413(app, phone, monkeypatch):
    object.__setattr__(app.config["FIELDAPP"], "photo_max_pixels", 100)
    answer = phone.put_photo(draw_photo())
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "photo_too_many_pixels")


def test_more_bytes_than_allowed_are_413(app, phone):
    object.__setattr__(app.config["FIELDAPP"], "photo_max_bytes", 100)
    answer = phone.put_photo(draw_photo())
    assert (answer.status_code, answer.json["error"]["code"]) == (413, "too_large")


def test_photo_is_read_by_those_in_scope_of_its_visit_only(app, phone, county):
    photo = draw_photo(3)
    sha256 = visit_with(phone, photo)
    phone.put_photo(photo)
    path = f"/api/attachments/{sha256}"
    assert Desk(app, "supervisor").get(path).status_code == 200
    assert Desk(app, "officer").get(path).status_code == 200
    assert Desk(app, "stranger").get(path).status_code == 404
    assert Desk(app, "admin").get(path).status_code == 403
    assert Phone(app, county, "worker2").client.get(path).status_code == 404
    assert app.test_client().get(path).status_code == 401


def test_a_browser_may_keep_a_photo_at_the_desk_and_not_on_a_phone(app, phone):
    photo = draw_photo(3)
    sha256 = visit_with(phone, photo)
    phone.put_photo(photo)
    path = f"/api/attachments/{sha256}?size=thumb"
    assert "immutable" in Desk(app, "supervisor").get(path).headers["Cache-Control"]
    assert phone.client.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("sha256", ["0" * 64, "..%2f..%2fmaster.key", "A" * 64, "0" * 63])
def test_unknown_or_crooked_hash_is_404(phone, sha256):
    assert phone.client.get(f"/api/attachments/{sha256}").status_code == 404


@pytest.mark.parametrize("orientation", range(1, 9))
def test_shown_size_is_upright_and_carries_no_metadata(phone, orientation):
    image = Image.new("RGB", (80, 40), "white")
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SECRET-PHONE"
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    phone.put_photo(out.getvalue())
    sha256 = hashlib.sha256(out.getvalue()).hexdigest()
    shown = phone.client.get(f"/api/attachments/{sha256}?size=thumb").data
    with Image.open(io.BytesIO(shown)) as thumb:
        assert thumb.size == ((80, 40) if orientation < 5 else (40, 80))
    assert b"SECRET-PHONE" not in shown


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_photo_whose_metadata_is_broken_is_kept_and_shown(phone):
    plain = draw_photo(7)
    broken = b"Exif\0\0MM\0*\0\0\0\x08\0\x02" + b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0" + b"\x87\x69\0\x04\0\0"
    segment = b"\xff\xe1" + (len(broken) + 2).to_bytes(2, "big") + broken
    photo = plain[:2] + segment + plain[2:]
    assert phone.put_photo(photo).status_code == 201
    sha256 = hashlib.sha256(photo).hexdigest()
    assert phone.client.get(f"/api/attachments/{sha256}?size=thumb").status_code == 200


def test_same_photo_put_twice_at_once_is_stored_once(app, phone):
    photo, codes, gate = draw_photo(8), [], threading.Barrier(4)
    cookie = phone.client.get_cookie("fieldapp").value

    def put() -> None:
        client = app.test_client()
        client.set_cookie("fieldapp", cookie)
        gate.wait()
        path = f"/api/attachments/{hashlib.sha256(photo).hexdigest()}"
        codes.append(client.put(path, data=photo, headers=phone.headers).status_code)

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200, 200, 200, 201]


def test_photo_arriving_is_told_to_the_phone(phone):
    photo = draw_photo(9)
    visit_with(phone, photo)
    phone.pull()
    phone.put_photo(photo)
    [visit] = [record for (kind, _), record in phone.pull().items() if kind == "visit"]
    assert (visit["photos_received"], visit["photos_expected"]) == (1, 1)


def test_photo_that_arrives_while_its_visit_is_stored_is_told_to_the_phone(app, phone, monkeypatch):
    photo, number_changes = draw_photo(10), feeds.number_changes
    arriving, gate = threading.Event(), threading.Event()

    def wait_once(session) -> None:
        number_changes(session)
        if threading.current_thread() is putting and not arriving.is_set():
            arriving.set()
            # On SQLite the visit has to wait for the photo.
            gate.wait(1)

    monkeypatch.setattr(feeds, "number_changes", wait_once)
    client = app.test_client()
    client.set_cookie("fieldapp", phone.client.get_cookie("fieldapp").value)
    path = f"/api/attachments/{hashlib.sha256(photo).hexdigest()}"
    putting = threading.Thread(target=lambda: client.put(path, data=photo, headers=phone.headers))
    putting.start()
    assert arriving.wait(10)
    visit_with(phone, photo)
    phone.pull()
    gate.set()
    putting.join()
    [visit] = [record for (kind, _), record in phone.pull().items() if kind == "visit"]
    assert (visit["photos_received"], visit["photos_expected"]) == (1, 1)
