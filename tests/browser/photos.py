"""Photos as phones take them."""

from __future__ import annotations

import random
from datetime import datetime
from pathlib import Path

from PIL import ExifTags, Image

from fieldapp.core import clock

# Held upright, the sensor lies on its side: the pixels are wide, and "orientation 6" says to turn them right.
TURN_RIGHT = 6
SIZE = (3000, 2000)


def take_photo(path: Path, taken_at: datetime | None = None) -> Path:
    """A JPEG of six megapixels and over a megabyte, to be turned upright, with its time in the EXIF data."""
    # Coarse noise over a slope: as hard to compress as a real picture.
    noise = random.Random(7).randbytes(SIZE[0] * SIZE[1] // 16)
    grain = Image.frombytes("L", (SIZE[0] // 4, SIZE[1] // 4), noise).resize(SIZE)
    slope = Image.linear_gradient("L").resize(SIZE)
    picture = Image.merge("RGB", (slope, Image.blend(slope, grain, 0.4), slope.rotate(180)))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = TURN_RIGHT
    taken_at = (taken_at or clock.now()).astimezone(clock.LOCAL)
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"{taken_at:%Y:%m:%d %H:%M:%S}"
    picture.save(path, "JPEG", quality=90, exif=exif)
    return path
