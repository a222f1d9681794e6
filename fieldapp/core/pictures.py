"""Pictures: whether a photo is whole and what it measures, and the smaller ones made of it to be shown.

Invariant: a photo is decoded to its last line before it counts as one; what is shown carries no metadata.
"""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

import pillow_heif
from flask import current_app
from PIL import ExifTags, Image, UnidentifiedImageError

from fieldapp.core.errors import AppError

pillow_heif.register_heif_opener()

# What the server keeps as it came, by Pillow's name of the format.
# A JPEG with a second picture behind it (depth, brightness), as newer phones write, is an MPO to Pillow.
FORMATS = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "HEIF": "image/heic",
}
SIZES = {"thumb": 320, "screen": 1600}
# What to do with a picture of each EXIF orientation (CIPA DC-008, tag 0x0112).
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
TURNS_SIDEWAYS = {TURNS[orientation] for orientation in (5, 6, 7, 8)}


def inspect_photo(file: BinaryIO) -> tuple[str, int, int]:
    """(media type, width, height) of a whole, decodable photo; raises the photo_… errors."""
    try:
        with Image.open(file) as image:
            if image.format not in FORMATS:
                raise AppError("photo_unreadable")
            if image.width * image.height > current_app.config["FIELDAPP"].photo_max_pixels:
                raise AppError("photo_too_many_pixels")
            # Decoded in full: a picture cut off halfway opens well and fails only here.
            image.load()
            width, height = image.size
            if _turn_of(image) in TURNS_SIDEWAYS:
                width, height = height, width
            return FORMATS[image.format], width, height
    except Image.DecompressionBombError:
        raise AppError("photo_too_many_pixels") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        # What Pillow's decoders raise on damaged files; nothing else in this block can raise them.
        raise AppError("photo_unreadable") from None


def render_photo(file: BinaryIO, size: str) -> bytes:
    """An upright JPEG without metadata, longest side `SIZES[size]` pixels at most."""
    with Image.open(file) as image:
        turn = _turn_of(image)
        upright = (image.transpose(turn) if turn is not None else image).convert("RGB")
        upright.thumbnail((SIZES[size], SIZES[size]))
        out = io.BytesIO()
        upright.save(out, "JPEG", quality=82)
        return out.getvalue()


def _turn_of(image: Image.Image) -> Image.Transpose | None:
    """What makes the picture upright. Read here and not by Pillow's own helper, which rewrites all of the
    metadata on the way and fails on pictures whose metadata is odd.
    """
    try:
        return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (struct.error, SyntaxError, ValueError, TypeError, OSError):
        # Metadata that cannot be read says nothing; the picture itself is whole.
        return None
