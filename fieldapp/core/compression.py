"""Gzip for what is large and goes over slow links: the built client, and the changes phones pull.

Invariant: never used on a page or answer that carries a CSRF token, whose length could give it away (BREACH).
"""

from __future__ import annotations

import gzip
from functools import lru_cache

from flask import Response, request

# A packet's worth: below that compressing saves nothing.
SMALLEST_BYTES = 1000


def compressed(response: Response, *, keep: bool = False) -> Response:
    """`response`, gzipped when it is text, large enough, and the asker takes gzip; `keep` for bodies that never change."""
    mimetype = response.mimetype or ""
    if response.status_code != 200 or (mimetype.startswith("image/") and mimetype != "image/svg+xml"):
        return response
    response.vary.add("Accept-Encoding")
    if not request.accept_encodings["gzip"]:
        return response
    response.direct_passthrough = False
    plain = response.get_data()
    response.close()  # a file it was read from
    if len(plain) < SMALLEST_BYTES:
        return response
    response.set_data(_gzip_once(plain) if keep else gzip.compress(plain, mtime=0))
    response.headers["Content-Encoding"] = "gzip"
    if (etag := response.get_etag()[0]) is not None:
        response.set_etag(etag, weak=True)
    return response


@lru_cache(maxsize=64)
def _gzip_once(plain: bytes) -> bytes:
    return gzip.compress(plain, compresslevel=9, mtime=0)
