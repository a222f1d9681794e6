"""What a file is, is told from its content alone."""

from __future__ import annotations

import io

import pytest

from fieldapp.core import media
from tests.factories import draw_photo
from tests.media import DOCUMENTS, RECORDINGS

OFFICE = "application/vnd.openxmlformats-officedocument."


@pytest.mark.parametrize(
    ("name", "kind", "media_type"),
    [
        ("wav", "audio", "audio/wav"),
        ("m4a", "audio", "audio/mp4"),
        ("mp3", "audio", "audio/mpeg"),
        ("tagged mp3", "audio", "audio/mpeg"),
        ("aac", "audio", "audio/aac"),
        ("amr", "audio", "audio/amr"),
        ("ogg", "audio", "audio/ogg"),
        ("sound webm", "audio", "audio/webm"),
        ("sound 3gp", "audio", "audio/3gpp"),
        ("mp4", "video", "video/mp4"),
        ("quicktime", "video", "video/mp4"),
        ("webm", "video", "video/webm"),
        ("3gp", "video", "video/3gpp"),
    ],
)
def test_a_recording_is_told_by_its_content(name, kind, media_type):
    assert media.recognise(io.BytesIO(RECORDINGS[name])) == media.Media(kind, media_type)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("docx", OFFICE + "wordprocessingml.document"),
        ("xlsx", OFFICE + "spreadsheetml.sheet"),
        ("zip", "application/zip"),
        ("broken zip", "application/zip"),
        ("pdf", "application/pdf"),
        ("old office", "application/x-ole-storage"),
        ("text", "text/plain"),
        ("windows text", "text/plain"),
        ("utf-16 text", "application/octet-stream"),
        ("program", "application/octet-stream"),
        ("page", "text/plain"),
    ],
)
def test_any_other_file_is_a_file_whatever_it_holds(name, media_type):
    assert media.recognise(io.BytesIO(DOCUMENTS[name])) == media.Media("file", media_type)


def test_a_photo_is_told_by_its_first_bytes():
    assert media.recognise(io.BytesIO(draw_photo())).kind == "image"
    assert media.largest_kind(draw_photo()[:100]) == "image"


def test_a_file_that_is_still_arriving_is_measured_by_the_largest_kind_it_can_be():
    # Whether an MP4 holds pictures stands in its index, which phones write last.
    assert media.largest_kind(RECORDINGS["m4a"][:64]) == "video"
    assert media.largest_kind(RECORDINGS["wav"][:64]) == "audio"
    assert media.largest_kind(b"") == "file"
