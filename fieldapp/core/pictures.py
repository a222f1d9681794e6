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


# A picture whose grey values lie closer together than this (a wall, the inside of a pocket) looks like any other such one.
LEAST_CONTRAST = 32


def inspect_photo(file: BinaryIO) -> tuple[str, int, int, str | None]:
    """(media type, width, height, fingerprint) of a whole, decodable photo; raises the photo_… errors."""
    try:
        with Image.open(file) as image:
            if image.format not in FORMATS:
                raise AppError("photo_unreadable")
            if image.width * image.height > current_app.config["FIELDAPP"].photo_max_pixels:
                raise AppError("photo_too_many_pixels")
            # Decoded in full: a picture cut off halfway opens well and fails only here.
            image.load()
            turn = _turn_of(image)
            width, height = image.size
            if turn in TURNS_SIDEWAYS:
                width, height = height, width
            return FORMATS[image.format], width, height, _fingerprint(image, turn)
    except Image.DecompressionBombError:
        raise AppError("photo_too_many_pixels") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError):
        # What Pillow's decoders raise on damaged files; nothing else in this block can raise them.
        raise AppError("photo_unreadable") from None


def _fingerprint(image: Image.Image, turn: Image.Transpose | None) -> str | None:
    """What a picture has in common with itself made smaller or saved anew: 64 bits as 16 hex digits, each saying whether
    of two places side by side the right one is lighter (dHash). None for a picture that shows next to nothing.
    """
    # Made small first: a JPEG is then read at an eighth of its size, and turning costs nothing.
    small = image.convert("L").resize((72, 72), Image.Resampling.BOX)
    grey = (small.transpose(turn) if turn is not None else small).resize((9, 8), Image.Resampling.BOX)
    low, high = grey.getextrema()
    if high - low < LEAST_CONTRAST:  # type: ignore[operator]
        return None
    rows = list(grey.tobytes())
    bits = [rows[9 * y + x] < rows[9 * y + x + 1] for y in range(8) for x in range(8)]
    return f"{sum(bit << place for place, bit in enumerate(bits)):016x}"


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
