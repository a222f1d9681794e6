"""What a record's pages show of its attachments: pictures, players, files to download, and what is still on the phone.

Invariant: an attachment is shown as what it is, not as what the question asked for; a difference is said in words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext

from fieldapp.checklists.reading import Line, mask_numbers
from fieldapp.core import media
from fieldapp.core.storage import Attachment, AttachmentUse

_EXPECTED = {"photo": media.IMAGE, "signature": media.IMAGE, "drawing": media.IMAGE}


@dataclass(frozen=True)
class AttachmentView:
    """An attachment a record names; it may not have arrived yet."""

    sha256: str
    is_here: bool
    removed_at: datetime | None  # its file: it was here longer than attachments are kept
    kind: str  # image, audio, video or file; what was asked for while it is not here
    label: str  # of the question
    taken_at: datetime | None
    name: str
    size: str
    is_drawn: bool  # a signature or drawing: shown whole, on white
    other_kind: str  # what it is, where the question asked for something else


def view_attachments(
    uses: Iterable[tuple[AttachmentUse, Attachment | None]], lines: Iterable[Line]
) -> list[AttachmentView]:
    """The attachments of a record's revision once each, under the labels of its answers and in their order."""
    asked = {sha256: line for line in lines for sha256 in line.attachments}
    order = {sha256: place for place, sha256 in enumerate(asked)}
    views: dict[str, AttachmentView] = {}
    for use, held in uses:
        if use.sha256 not in views:
            views[use.sha256] = _view(use, held, asked.get(use.sha256))
    return sorted(views.values(), key=lambda view: order.get(view.sha256, len(order)))


def are_all_photos(views: Iterable[AttachmentView]) -> bool:
    """Whether they may be called photos."""
    return all(view.kind == media.IMAGE and not view.is_drawn for view in views)


def _view(use: AttachmentUse, held: Attachment | None, line: Line | None) -> AttachmentView:
    asked = line.asked if line else ""
    expected = _EXPECTED.get(asked, asked)
    kind = held.kind if held else expected or media.IMAGE
    is_other = held is not None and expected not in {"", media.FILE, held.kind}
    size = held.size if held else use.size
    return AttachmentView(
        use.sha256,
        held is not None and held.removed_at is None,
        held.removed_at if held else None,
        kind,
        line.label if line else "",
        use.taken_at,
        mask_numbers(use.name or "") or (say_type(held) if held else ""),
        say_size(size) if size is not None else "",
        asked in {"signature", "drawing"} and kind == media.IMAGE,
        say_type(held) if held and is_other else "",
    )


def say_size(size: int) -> str:
    """Bytes as people say them."""
    return f"{-(-size // 1000)} KB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def say_type(held: Attachment) -> str:
    """What a file is, in words."""
    words = {
        "application/pdf": gettext("PDF document"),
        "application/zip": gettext("ZIP archive"),
        "application/x-ole-storage": gettext("older Office document"),
        "text/plain": gettext("text"),
        "image/gif": gettext("picture"),
        "image/bmp": gettext("picture"),
        "image/tiff": gettext("picture"),
    }
    if held.media_type in words:
        return words[held.media_type]
    for part, word in (
        ("wordprocessingml", gettext("Word document")),
        ("spreadsheetml", gettext("Excel workbook")),
        ("presentationml", gettext("PowerPoint slides")),
    ):
        if part in held.media_type:
            return word
    return {
        media.IMAGE: gettext("photo"),
        media.AUDIO: gettext("recording"),
        media.VIDEO: gettext("video"),
    }.get(held.kind, gettext("file"))
