"""What goes over slow links is compressed for those who can read it, and only that."""

from __future__ import annotations

import gzip

import pytest
from flask import Flask, Response

from fieldapp.core.compression import compressed

TEXT = "走访" * 1000


def answer(response: Response, accepted: str | None, *, keep: bool = False) -> Response:
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    with Flask(__name__).test_request_context(headers=headers):
        return compressed(response, keep=keep)


@pytest.mark.parametrize("keep", [False, True])
def test_large_text_is_gzipped_for_who_takes_gzip(keep):
    response = answer(Response(TEXT), "gzip, br", keep=keep)
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.get_data()).decode() == TEXT
    assert response.content_length == len(response.get_data()) < len(TEXT)
    assert "Accept-Encoding" in response.vary


@pytest.mark.parametrize("accepted", [None, "br", "gzip;q=0"])
def test_who_does_not_take_gzip_gets_plain_text(accepted):
    response = answer(Response(TEXT), accepted)
    assert "Content-Encoding" not in response.headers
    assert response.get_data(as_text=True) == TEXT
    assert "Accept-Encoding" in response.vary


@pytest.mark.parametrize(
    "response",
    [Response("short"), Response(TEXT, mimetype="image/png"), Response(TEXT, status=206)],
    ids=["small", "picture", "part"],
)
def test_what_would_not_gain_stays_as_it_is(response):
    assert "Content-Encoding" not in answer(response, "gzip").headers
