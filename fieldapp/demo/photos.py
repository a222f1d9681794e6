"""Placeholder photos for the demo's visits, drawn; nobody's home is in them.

Invariant: every number gives another picture, so that no two visits share one.
"""

from __future__ import annotations

import io
from datetime import datetime

from PIL import Image, ImageDraw

from fieldapp.core.clock import LOCAL

SIZE = (1200, 900)
_WALLS = ("#d9cfc0", "#c9d3d6", "#d8d4c4", "#cfc8d4", "#d3d9c6", "#e0cdb8", "#c4cdc1")
_EXIF_TAKEN_AT = 0x9003
_EXIF_FOLDER = 0x8769


def draw_photo(number: int, taken_at: datetime) -> bytes:
    """A JPEG of a plain room (kang, stove, window, shelf) that differs with `number`, EXIF time `taken_at`."""
    image = Image.new("RGB", SIZE, _WALLS[number % len(_WALLS)])
    draw = ImageDraw.Draw(image)
    width, height = SIZE
    floor = int(height * (0.62 + number % 5 * 0.04))
    draw.rectangle((0, floor, width, height), fill="#8a7a66")
    for place, part in enumerate((_window, _stove, _kang, _shelf)):
        # Moved along by the number, so that the outline differs and not only the colour.
        part(draw, (width // 4 * (place + number) % width + number * 23 % 90, floor), number)
    exif = Image.Exif()
    exif.get_ifd(_EXIF_FOLDER)[_EXIF_TAKEN_AT] = taken_at.astimezone(LOCAL).strftime("%Y:%m:%d %H:%M:%S")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80, exif=exif)
    return out.getvalue()


def _window(draw: ImageDraw.ImageDraw, corner: tuple[int, int], number: int) -> None:
    left, floor = corner
    top = floor - 430 - number * 17 % 60
    draw.rectangle((left, top, left + 240, top + 220), fill="#f4f8fb", outline="#6d5b45", width=14)
    draw.line((left + 120, top, left + 120, top + 220), fill="#6d5b45", width=10)


def _stove(draw: ImageDraw.ImageDraw, corner: tuple[int, int], number: int) -> None:
    left, floor = corner
    draw.rectangle((left, floor - 150, left + 190, floor + 60), fill="#4a4a4c")
    draw.rectangle((left + 40, floor - 80, left + 150, floor), fill="#c75b23" if number % 3 else "#1f1f20")
    draw.rectangle((left + 80, floor - 470, left + 110, floor - 150), fill="#5c5c5f")


def _kang(draw: ImageDraw.ImageDraw, corner: tuple[int, int], number: int) -> None:
    left, floor = corner
    draw.rectangle((left, floor - 90, left + 330, floor + 120), fill="#b08d63")
    draw.rectangle((left, floor - 120, left + 330, floor - 84), fill="#7f97a8" if number % 2 else "#a35f62")


def _shelf(draw: ImageDraw.ImageDraw, corner: tuple[int, int], number: int) -> None:
    left, floor = corner
    draw.rectangle((left, floor - 300, left + 210, floor - 286), fill="#6d5b45")
    for place in range(2 + number % 4):
        draw.rectangle(
            (left + 12 + place * 46, floor - 350, left + 44 + place * 46, floor - 300), fill="#e8e3d6"
        )
