"""A real server and the largest files it takes: they pass through it, and never lie in its memory as a whole."""

from __future__ import annotations

import hashlib
import os

from tests.factories import County, Phone
from tests.live import LiveClient
from tests.media import RECORDINGS

MB = 1_000_000


def test_a_video_of_50_mb_comes_and_goes_in_pieces(live):
    phone = Phone(None, County(), "worker", live.password, client=LiveClient(live))
    small = RECORDINGS["mp4"]
    path = "/api/attachments/" + phone.put_photo(small).json["sha256"]
    assert phone.client.get(path, headers=phone.headers).data == small
    before = live.most_memory()
    video = small + os.urandom(50 * MB - len(small))
    assert phone.put_photo(video).status_code == 201
    path = f"/api/attachments/{hashlib.sha256(video).hexdigest()}"
    assert phone.client.get(path, headers=phone.headers).data == video
    part = phone.client.get(path, headers={**phone.headers, "Range": "bytes=40000000-40000099"})
    assert (part.status_code, part.data) == (206, video[40 * MB : 40 * MB + 100])
    assert live.most_memory() - before < 5 * MB
