"""What a file is, told from its content alone: a picture, a recording, a document, or just a file.

Invariant: a name or a type given by whoever sends a file is never believed; what is not recognised is a file to download.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

IMAGE, AUDIO, VIDEO, FILE = "image", "audio", "video", "file"
KINDS = (IMAGE, AUDIO, VIDEO, FILE)
# As many bytes as tell the kind of a file, and with it how large it may be.
HEAD_BYTES = 4096
# ISO base media brands of pictures we can open (HEIF), by the first four bytes of the brand.
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_OFFICE = {
    b"word": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
# The folder of an office document, as an entry of a ZIP file's directory begins its name.
_OFFICE_ENTRY = re.compile(rb"PK\x01\x02.{42}(word|xl|ppt)/", re.DOTALL)
_ZIP_END = b"PK\x05\x06"
# An `hdlr` box of an MP4: type, version and flags, a zero word, then what the track holds.
_HANDLER = re.compile(rb"hdlr(?=.{8}(vide|soun))", re.DOTALL)
_HANDLER_BYTES = 16
_PIECE_BYTES = 64 * 1024
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f]")
_SIGNATURES = (
    (b"ID3", AUDIO, "audio/mpeg"),
    (b"#!AMR", AUDIO, "audio/amr"),
    (b"fLaC", AUDIO, "audio/flac"),
    (b"%PDF-", FILE, "application/pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FILE, "application/x-ole-storage"),
    (b"GIF8", FILE, "image/gif"),
    (b"BM", FILE, "image/bmp"),
    (b"II*\0", FILE, "image/tiff"),
    (b"MM\0*", FILE, "image/tiff"),
)


@dataclass(frozen=True)
class Media:
    """What a file was found to be."""

    kind: str  # one of KINDS
    media_type: str


UNKNOWN = Media(FILE, "application/octet-stream")


def recognise(file: BinaryIO) -> Media:
    """What a whole file is, of which a piece at a time is read. Pictures are recognised by their first bytes only;
    opening them is `storage`'s.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if is_picture(head):
        return Media(IMAGE, "")
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return Media(AUDIO, "audio/wav")
    if head[4:8] == b"ftyp":
        return _in_iso_container(file, brand=head[8:12])
    if head[:4] == b"\x1aE\xdf\xa3":
        # Codec names stand in the tracks before the first cluster: "V_VP8", "A_OPUS".
        is_video = b"V_" in next(_pieces(file))
        return Media(VIDEO, "video/webm") if is_video else Media(AUDIO, "audio/webm")
    if head[:4] == b"OggS":
        return Media(VIDEO, "video/ogg") if b"\x80theora" in head else Media(AUDIO, "audio/ogg")
    for signature, kind, media_type in _SIGNATURES:
        if head.startswith(signature):
            return Media(kind, media_type)
    if head[:4] == b"PK\x03\x04":
        return Media(FILE, _in_zip(file))
    # Frames of MPEG audio: twelve bits of ones (eleven in MPEG 2.5), then version and layer.
    if len(head) > 1 and head[0] == 0xFF and (head[1] & 0xF6) == 0xF0:
        return Media(AUDIO, "audio/aac")
    if len(head) > 1 and head[0] == 0xFF and (head[1] & 0xE0) == 0xE0 and (head[1] & 0x06) in (0x02, 0x04):
        return Media(AUDIO, "audio/mpeg")
    return Media(FILE, "text/plain") if _is_text(file) else UNKNOWN


def is_picture(head: bytes) -> bool:
    """Whether a file that begins so says it is a JPEG, PNG, WebP or HEIC picture."""
    return (
        head[:3] == b"\xff\xd8\xff"
        or head[:8] == b"\x89PNG\r\n\x1a\n"
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (head[4:8] == b"ftyp" and head[8:12] in _HEIF)
    )


def largest_kind(head: bytes) -> str:
    """The kind whose limit holds while a file that begins so is still arriving.

    A container may turn out to hold sound alone; then it is judged by the limit of sound when it is here.
    """
    if (head[4:8] == b"ftyp" and not is_picture(head)) or head[:4] in (b"\x1aE\xdf\xa3", b"OggS"):
        return VIDEO
    return recognise(io.BytesIO(head)).kind


def _in_iso_container(file: BinaryIO, brand: bytes) -> Media:
    """MP4, M4A and 3GP: a video when a track's handler says so, wherever the index stands."""
    handlers = {found for piece in _pieces(file, _HANDLER_BYTES) for found in _HANDLER.findall(piece)}
    if b"vide" in handlers:
        return Media(VIDEO, "video/3gpp" if brand[:3] == b"3gp" else "video/mp4")
    if brand[:3] == b"M4A" or b"soun" in handlers:
        return Media(AUDIO, "audio/3gpp" if brand[:3] == b"3gp" else "audio/mp4")
    if brand[:3] in (b"3gp", b"3g2", b"iso", b"mp4", b"avc", b"M4V", b"qt ", b"MSN", b"das"):
        return Media(VIDEO, "video/mp4")
    return UNKNOWN


def _in_zip(file: BinaryIO) -> str:
    """An office document is a ZIP file with a folder of its own; read from the beginning of its directory alone."""
    file.seek(max(0, file.seek(0, os.SEEK_END) - _PIECE_BYTES))
    tail = file.read()
    end = tail[tail.rfind(_ZIP_END) :]
    if not end.startswith(_ZIP_END) or len(end) < 20:
        return "application/zip"
    length, start = struct.unpack_from("<II", end, 12)
    file.seek(start)
    entry = _OFFICE_ENTRY.search(file.read(min(length, _PIECE_BYTES)))
    return _OFFICE[entry[1]] if entry else "application/zip"


def _is_text(file: BinaryIO) -> bool:
    """Words and tables: UTF-8 or the Chinese encoding of Windows, without control characters."""
    decoders = [codecs.getincrementaldecoder(name)() for name in ("utf-8", "gb18030")]
    for piece in _pieces(file):
        if _CONTROL.search(piece):
            return False
        decoders = [decoder for decoder in decoders if _decodes(decoder, piece)]
    return any(_decodes(decoder, b"", final=True) for decoder in decoders)


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final)
        return True
    except UnicodeDecodeError:
        return False


def _pieces(file: BinaryIO, overlap: int = 0) -> Iterator[bytes]:
    """The file from its start in pieces, each after the first beginning with the last bytes of the one before."""
    file.seek(0)
    kept = b""
    while read := file.read(_PIECE_BYTES):
        yield kept + read
        kept = (kept + read)[-overlap:] if overlap else b""
