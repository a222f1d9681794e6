"""Small recordings and documents as phones and offices make them, put together byte by byte."""

from __future__ import annotations

import io
import math
import struct
import wave
import zipfile


def record_sound(seconds: float = 1.0) -> bytes:
    """A WAV file with a tone in it, 8 kHz, 16 bit."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        tone = (int(9000 * math.sin(n * 440 * 2 * math.pi / 8000)) for n in range(int(8000 * seconds)))
        sound.writeframes(b"".join(struct.pack("<h", value) for value in tone))
    return out.getvalue()


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def _iso_file(brand: bytes, handler: bytes) -> bytes:
    """An MP4 family file: brand, media data, and (behind it, as phones write it) the index with one track."""
    hdlr = _box(b"hdlr", bytes(8) + handler + bytes(12) + b"track\0")
    index = _box(b"moov", _box(b"trak", _box(b"mdia", hdlr)))
    return _box(b"ftyp", brand + bytes(4) + brand) + _box(b"mdat", b"vide soun " * 50) + index


def _zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return out.getvalue()


RECORDINGS: dict[str, bytes] = {
    "wav": record_sound(),
    "m4a": _iso_file(b"M4A ", b"soun"),
    "mp3": b"\xff\xfb\x90\x64" + bytes(413),
    "tagged mp3": b"ID3\x04" + bytes(100),
    "aac": b"\xff\xf1\x50\x80" + bytes(200),
    "amr": b"#!AMR\n" + bytes(64),
    "ogg": b"OggS\0\x02" + bytes(22) + b"\x01\x1eOpusHead" + bytes(40),
    "sound webm": b"\x1aE\xdf\xa3\x9fB\x82\x84webm" + bytes(40) + b"A_OPUS" + bytes(40),
    "sound 3gp": _iso_file(b"3gp4", b"soun"),
    "mp4": _iso_file(b"isom", b"vide"),
    "quicktime": _iso_file(b"qt  ", b"vide"),
    "webm": b"\x1aE\xdf\xa3\x9fB\x82\x84webm" + bytes(40) + b"V_VP8" + bytes(40),
    "3gp": _iso_file(b"3gp5", b"vide"),
}
DOCUMENTS: dict[str, bytes] = {
    "docx": _zip("[Content_Types].xml", "word/document.xml"),
    "xlsx": _zip("[Content_Types].xml", "xl/workbook.xml"),
    "zip": _zip("a.txt"),
    "broken zip": _zip("a.txt")[:20],
    "pdf": b"%PDF-1.4\n1 0 obj<<>>endobj\n%%EOF",
    "old office": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512),
    "text": "走访记录\n第二行".encode(),
    "windows text": "走访记录\n第二行".encode("gb18030"),
    "utf-16 text": "走访记录".encode("utf-16"),
    "program": b"MZ\x90\0\x03\0\0\0",
    "page": b"<!doctype html><script>alert(1)</script>",
}
