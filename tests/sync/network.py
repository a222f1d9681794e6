"""The network between phones and the server, where whatever can happen to a request happens when it is told to.

Invariant: every answer the server gave is shown to `observe`, also one that no phone ever saw.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Protocol
from urllib.parse import urlencode

Json = dict[str, Any]


class Fault(Exception):
    """What the app can meet: network, portal, signed_out, wrong_account, too_large, busy, refused; as in api.js."""

    def __init__(self, kind: str, status: int = 0, code: str = "", message: str = "") -> None:
        super().__init__(f"{kind} {status} {code}")
        self.kind, self.status, self.code, self.message = kind, status, code or kind, message

    @property
    def stops(self) -> bool:
        """Whether nothing else would get through either."""
        return self.kind in {"network", "portal", "signed_out", "wrong_account"}


class TabKilled(Exception):
    """The browser took the page away, in the middle of whatever it did; what lies in the store stays."""


class Mishap(Enum):
    """What becomes of one request."""

    NONE = "arrives and is answered"
    LOST = "never arrives"
    ANSWER_LOST = "is carried out; the answer is lost"
    ANSWER_CUT = "is carried out; half of the answer arrives"
    TWICE = "arrives twice; the second answer is the one that comes back"
    LATE = "arrives after others, when nobody waits for it any more"
    AGAIN_LATER = "is answered, and arrives once more after others"
    CUT = "breaks off halfway"
    HALVED = "arrives as half a body that says it is whole"
    PORTAL = "meets a captive portal: a page with status 200"
    GATEWAY = "meets a proxy whose server does not answer: 502"
    TOO_LARGE = "meets a proxy that lets nothing large through: 413"
    SIGNED_OUT = "finds that its session was ended"
    SWITCHED = "finds that somebody else signed in on this phone"
    TAB_KILLED = "is answered; the tab is killed before the answer is noted"
    TAB_KILLED_SOON = "is answered; the tab is killed after the first of what it says is noted"
    # Faults of the server itself, carried out by whoever serves (`Server.serve`).
    COMMIT_FAILS = "server: the database refuses the commit once"
    COMMIT_FAILS_ON = "server: the database refuses every commit"
    CUT_AFTER_COMMIT = "server: committed, then the connection to the database is cut"
    TRIPS = "server: an error nobody foresaw, before the commit"
    DISK_FULL = "server: no space is left for a photo"
    KILLED_BEFORE_COMMIT = "server: kill -9 before the commit"
    KILLED_AFTER_COMMIT = "server: kill -9 after the commit"
    KILLED_WRITING = "server: kill -9 while a photo is written"
    KILLED_SOON = "server: kill -9 some milliseconds later"

    def __repr__(self) -> str:
        return f"Mishap.{self.name}"


ON_THE_WAY = [mishap for mishap in Mishap if not mishap.value.startswith("server:")]
KILLS = [mishap for mishap in Mishap if mishap.name.startswith("KILLED")]
IN_PROCESS = [mishap for mishap in Mishap if mishap not in ON_THE_WAY + KILLS]


@dataclass(frozen=True)
class Request:
    """One request as it leaves the phone."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""
    # What the headers promise; more than `body` when it breaks off.
    length: int = 0


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    cookies: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"


class Server(Protocol):
    """Whoever answers."""

    def serve(self, request: Request, mishap: Mishap) -> Answer:
        """Carry a request out; raises ConnectionError when no answer comes."""


class Network:
    """All phones' way to the server."""

    def __init__(self, server: Server, observe: Callable[[Request, Answer], None]) -> None:
        self.server, self.observe = server, observe
        self.links: list[Link] = []
        # What is under way and will arrive later.
        self.late: list[Request] = []

    def carry(self, request: Request, mishap: Mishap) -> Answer:
        """The answer as it reaches the phone; raises ConnectionError when none does."""
        match mishap:
            case Mishap.LOST:
                raise ConnectionError
            case Mishap.LATE:
                self.late.append(request)
                raise ConnectionError
            case Mishap.CUT:
                self._serve(replace(request, body=request.body[: len(request.body) // 2]))
                raise ConnectionError
            case Mishap.HALVED:
                half = request.body[: len(request.body) // 2]
                return self._serve(replace(request, body=half, length=len(half)))
            case Mishap.ANSWER_LOST:
                self._serve(request)
                raise ConnectionError
            case Mishap.ANSWER_CUT:
                answer = self._serve(request)
                return replace(answer, body=answer.body[: len(answer.body) // 2])
            case Mishap.TWICE:
                self._serve(request)
            case Mishap.AGAIN_LATER:
                self.late.append(request)
            case Mishap.PORTAL:
                return Answer(200, b"<html>Welcome</html>", kind="text/html")
            case Mishap.GATEWAY:
                return Answer(502, b"<html>Bad Gateway</html>", kind="text/html")
            case Mishap.TOO_LARGE:
                return Answer(413, b"<html>Too Large</html>", kind="text/html")
        return self._serve(request, mishap)

    def deliver(self, place: int) -> None:
        """One of the requests under way arrives; nobody is there to take the answer."""
        with suppress(ConnectionError):
            self._serve(self.late.pop(place % len(self.late)))

    def _serve(self, request: Request, mishap: Mishap = Mishap.NONE) -> Answer:
        answer = self.server.serve(request, mishap)
        self.observe(request, answer)
        return answer


class Link:
    """One phone's requests (api.js): cookie, token and name are added, answers become JSON or a Fault."""

    def __init__(self, network: Network, end_session: Callable[[], None]) -> None:
        """`end_session` ends this phone's session on the server."""
        self._network, self._end_session = network, end_session
        self._mishaps: deque[Mishap] = deque()
        # The tab is killed at the so-many-th step of noting an answer.
        self._killed_in: int | None = None
        self._user_id: int | None = None
        self._cookies: dict[str, str] = {}
        self._token: str | None = None
        network.links.append(self)

    def meet(self, mishaps: Iterable[Mishap]) -> None:
        """What the next requests will meet; what the last ones were to meet is over."""
        self._mishaps, self._killed_in = deque(mishaps), None

    def step(self) -> None:
        """Called before each step of noting an answer; raises TabKilled."""
        if self._killed_in is not None:
            self._killed_in -= 1
            if self._killed_in < 0:
                self._killed_in = None
                raise TabKilled

    def send(
        self,
        method: str,
        path: str,
        json: Any = None,
        data: bytes | None = None,
        query: dict[str, str] | None = None,
    ) -> Any:
        """Send, once more with a new token where the old one is stale."""
        try:
            return self._ask(method, path, json, data, query)
        except Fault as fault:
            if fault.code != "csrf_stale":
                raise
            self._ask("GET", "/api/session", None, None, None)
            return self._ask(method, path, json, data, query)

    def _ask(
        self, method: str, path: str, content: Any, data: bytes | None, query: dict[str, str] | None
    ) -> Any:
        mishap = self._mishaps.popleft() if self._mishaps and path != "/api/session" else Mishap.NONE
        cookies = self._cookies
        match mishap:
            case Mishap.SIGNED_OUT:
                self._end_session()
            case Mishap.SWITCHED:
                cookies = next((link._cookies for link in self._network.links if link != self), cookies)
            case Mishap.TAB_KILLED | Mishap.TAB_KILLED_SOON:
                self._killed_in = 0 if mishap == Mishap.TAB_KILLED else 1
        body = json.dumps(content).encode() if content is not None else data or b""
        headers = {"Accept": "application/json", "X-Language": "zh"}
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if self._user_id is not None:
            headers["X-User-Id"] = str(self._user_id)
        if method != "GET" and self._token:
            headers["X-CSRFToken"] = self._token
        if content is not None or data is not None:
            headers["Content-Type"] = "application/json" if content is not None else "image/jpeg"
        address = f"{path}?{urlencode(query)}" if query else path
        try:
            answer = self._network.carry(Request(method, address, headers, body, len(body)), mishap)
        except ConnectionError:
            raise Fault("network") from None
        self._cookies = self._cookies | answer.cookies
        return self._read(method, path, answer)

    def _read(self, method: str, path: str, answer: Answer) -> Any:
        if answer.status == 204:
            return {}
        if "json" not in answer.kind:
            if answer.status == 413:
                raise Fault("too_large", 413)
            raise Fault("busy" if answer.status >= 500 else "portal", answer.status)
        try:
            read = json.loads(answer.body)
        except ValueError:
            raise Fault("network") from None
        if path == "/api/session" and answer.status == 200:
            self._token = read["csrf_token"]
            # Whoever the cookie belongs to: the queue is that of the account that signed in here.
            if method == "POST":
                self._user_id = read["user"]["id"]
        if answer.status < 300:
            return read
        error = read["error"]
        raise Fault(_kind_of(answer.status, error["code"]), answer.status, error["code"], error["message"])


def _kind_of(status: int, code: str) -> str:
    if code == "wrong_account":
        return "wrong_account"
    if status == 401 and code != "sign_in_wrong":
        return "signed_out"
    if status == 413:
        return "too_large"
    return "busy" if status >= 500 or status in {408, 429} else "refused"
