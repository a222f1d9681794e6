"""What a browser keeps of the app: its profile on disk, byte by byte, and every stored value as it tells them itself."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page

PAGE = 100
GZIP = b"\x1f\x8b\x08"
# Everything in a value, bytes as the characters of the same number.
TO_TEXT = """function () {
  const asText = value => {
    if (value instanceof ArrayBuffer) return asText(new Uint8Array(value))
    if (ArrayBuffer.isView(value)) {
      let text = ''
      for (let at = 0; at < value.length; at += 10_000) text += String.fromCharCode(...value.subarray(at, at + 10_000))
      return text
    }
    if (value instanceof Object) return Object.entries(value).map(([key, one]) => `${key}: ${asText(one)}`).join('\\n')
    return String(value)
  }
  return asText(this)
}"""
CACHED = """async () => {
  const found = []
  for (const name of await caches.keys()) {
    const cache = await caches.open(name)
    for (const request of await cache.keys()) found.push([request.url, await (await cache.match(request)).text()])
  }
  return found
}"""


def read_stored(page: Page, origin: str) -> dict[str, bytes]:
    """Every value the browser stores for the origin of `page`, by where it lies; text and bytes alike as UTF-8."""
    session = page.context.new_cdp_session(page)
    found = dict(_read_databases(session, origin))
    for name in ("localStorage", "sessionStorage"):
        found[name] = page.evaluate(f"JSON.stringify({name})").encode()
    for url, text in page.evaluate(CACHED):
        found[f"cache {url}"] = text.encode()
    for cookie in page.context.cookies():
        found[f"cookie {cookie['name']}"] = cookie["value"].encode()
    session.detach()
    return found


def _read_databases(session: CDPSession, origin: str) -> Iterator[tuple[str, bytes]]:
    session.send("IndexedDB.enable")
    for database in session.send("IndexedDB.requestDatabaseNames", {"securityOrigin": origin})[
        "databaseNames"
    ]:
        where = {"securityOrigin": origin, "databaseName": database}
        described = session.send("IndexedDB.requestDatabase", where)["databaseWithObjectStores"]
        for store in described["objectStores"]:
            skipped, more = 0, True
            while more:
                wanted = {"objectStoreName": store["name"], "skipCount": skipped, "pageSize": PAGE}
                answer = session.send("IndexedDB.requestData", {**where, **wanted})
                for entry in answer["objectStoreDataEntries"]:
                    text = _text_of(session, entry["primaryKey"]) + "\n" + _text_of(session, entry["value"])
                    # Bytes again, where they were bytes; what people wrote, as UTF-8.
                    raw = text.encode("latin-1", "ignore") + b"\n" + text.encode()
                    yield f"{database}/{store['name']} {skipped}", raw
                    skipped += 1
                more = answer["hasMore"]


def _text_of(session: CDPSession, remote: dict[str, Any]) -> str:
    if "objectId" not in remote:
        return str(remote.get("value", ""))
    asked = {"objectId": remote["objectId"], "functionDeclaration": TO_TEXT, "returnByValue": True}
    return session.send("Runtime.callFunctionOn", asked)["result"]["value"]


def read_files(profile: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a profile, and what is packed in it with gzip."""
    for path in sorted(profile.rglob("*")):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            yield str(path.relative_to(profile)), content + b"".join(_unpack(content))


def _unpack(content: bytes) -> Iterator[bytes]:
    at = content.find(GZIP)
    while at >= 0:
        with suppress(zlib.error):
            yield zlib.decompressobj(wbits=31).decompress(content[at:])
        at = content.find(GZIP, at + 1)
