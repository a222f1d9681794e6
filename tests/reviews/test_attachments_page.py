"""What a reviewer sees of signatures, recordings and files."""

from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image
from sqlalchemy import select

from fieldapp.core.db import db
from fieldapp.followups.models import Followup
from fieldapp.reviews.models import Flag
from tests import signing
from tests.factories import Desk, Phone
from tests.media import DOCUMENTS, RECORDINGS


def draw_signature() -> bytes:
    """A PNG as the phone's pad makes it."""
    out = io.BytesIO()
    Image.new("RGB", (900, 540), "white").save(out, "PNG")
    return out.getvalue()


def send(phone: Phone, files: dict[str, bytes], put: bool = True, names: dict[str, str] | None = None) -> str:
    """Send a visit whose questions are answered by these files; gives the path of its page."""
    named = {question: hashlib.sha256(body).hexdigest() for question, body in files.items()}
    attachments = [
        {
            "sha256": sha256,
            "question": question,
            "size": len(files[question]),
            "name": (names or {}).get(question),
        }
        for question, sha256 in named.items()
    ]
    body = phone.visit(named, checklist={"key": "signed_visit", "version": "1"}, attachments=attachments)
    assert phone.push(phone.op("visit.submit", body))[0]["outcome"] == "accepted"
    for body_of_file in files.values() if put else []:
        assert phone.put_photo(body_of_file).status_code in {200, 201}
    return f"/reviews/{body['visit_uuid']}"


@pytest.fixture
def signed(app, county, phone):
    """A phone that has the checklist with signatures."""
    signing.put_in_force(app)
    phone.pull()
    return phone


def test_a_visit_shows_signatures_players_and_downloads(app, signed):
    files = {"householder": draw_signature(), "words": RECORDINGS["wav"], "certificate": DOCUMENTS["pdf"]}
    page = Desk(app).get(send(signed, files, names={"certificate": "残疾证.pdf"})).text
    sha = {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}
    assert f'class="drawn" href="/api/attachments/{sha["householder"]}?size=screen"' in page
    assert f'<audio class="no-print" controls preload="none" src="/api/attachments/{sha["words"]}"' in page
    assert f'href="/api/attachments/{sha["certificate"]}" download="残疾证.pdf"' in page
    assert "附件 3 个" in page
    assert "户主签名" in page
    assert "**" not in page


def test_an_attachment_still_on_the_phone_is_said_and_has_no_link(app, signed):
    files = {"words": RECORDINGS["wav"]}
    page = Desk(app).get(send(signed, files, put=False)).text
    assert "附件已收到 0/1 个" in page
    assert "<audio" not in page
    assert hashlib.sha256(files["words"]).hexdigest() not in page


def test_a_file_of_another_kind_than_asked_for_is_kept_and_said(app, signed):
    page = Desk(app).get(send(signed, {"words": DOCUMENTS["pdf"], "householder": RECORDINGS["mp4"]})).text
    assert "与题目要求的不同：PDF 文档" in page
    assert "与题目要求的不同：视频" in page
    assert "<video" in page


def test_a_name_with_markup_or_a_phone_number_in_it_harms_nobody(app, signed):
    name = '"><script>alert(1)</script>13800001234.pdf'
    page = Desk(app).get(send(signed, {"certificate": DOCUMENTS["pdf"]}, names={"certificate": name})).text
    assert "<script>alert" not in page
    assert "13800001234" not in page


def test_a_flag_and_its_task_quote_the_question_without_markdown(app, signed):
    body = signed.visit({"gas": "yes"}, checklist={"key": "signed_visit", "version": "1"})
    assert signed.push(signed.op("visit.submit", body))[0]["outcome"] == "accepted"
    with app.app_context():
        [flag] = db.session.scalars(select(Flag).where(Flag.rule == "answer"))
        [task] = db.session.scalars(select(Followup))
        assert flag.text == task.reason == {"zh": "有没有煤气味：有", "en": "Any smell of gas: Yes"}
    page = Desk(app).get(f"/reviews/{body['visit_uuid']}").text
    assert "有没有煤气味：有" in page
    assert "**" not in page
