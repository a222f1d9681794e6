"""Real phone photos, from beside the checkout: kept as they are or refused with words, never half."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from fieldapp import create_app
from fieldapp.core import pictures
from fieldapp.settings import Settings

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "photos"
NAMES = sorted(path.name for path in PHOTOS.glob("*.[jH]*"))
# Damaged in one way or another; the collection's own README says so.
DAMAGED = {"corrupted.jpg", "image00971.jpg", "image01551.jpg"}


@pytest.fixture
def bare_app(sqlite):
    """An app whose database plays no part."""
    return create_app(Settings(data_dir=sqlite.folder))


pytestmark = pytest.mark.skipif(not NAMES, reason="the folder of real photos is not beside this checkout")


def inspect(app, name):
    with app.test_request_context():
        return pictures.inspect_photo(io.BytesIO((PHOTOS / name).read_bytes()))


@pytest.mark.parametrize("name", sorted(set(NAMES) - DAMAGED))
def test_real_photo_is_accepted_with_its_upright_size(bare_app, name):
    media_type, width, height, _ = inspect(bare_app, name)
    assert media_type == ("image/heic" if name.endswith("HEIC") else "image/jpeg")
    if name.startswith(("landscape", "portrait")):
        assert (width > height) == name.startswith("landscape")


@pytest.mark.parametrize("name", sorted(DAMAGED & set(NAMES)))
def test_photo_with_damaged_metadata_is_read_whole(bare_app, name):
    # All three are broken in their metadata only: the picture itself decodes to its last line.
    _, width, height, _ = inspect(bare_app, name)
    assert width * height > 0


def test_heic_photo_is_shown_as_jpeg(phone):
    answer = phone.put_photo((PHOTOS / "iphone_13_pro_max.HEIC").read_bytes())
    assert answer.status_code == 201
    shown = phone.client.get(f"/api/attachments/{answer.json['sha256']}?size=thumb")
    with Image.open(io.BytesIO(shown.data)) as image:
        assert image.format == "JPEG"
        assert max(image.size) == 320
