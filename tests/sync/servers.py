"""Who answers the simulated phones: the app itself with faults built in, or a real process that can be killed."""

from __future__ import annotations

import errno
import http.client
import io
import itertools
import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.cookies import SimpleCookie
from typing import Any
from unittest.mock import patch

from flask import Flask

from fieldapp.core import feeds
from fieldapp.core.db import db
from tests.live import Live
from tests.sync.network import KILLS, Answer, Mishap, Request

TIMEOUT_S = 60


class InProcess:
    """The app, called as a WSGI server would call it; its database and its disk fail when they are told to."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._client = app.test_client(use_cookies=False)

    def serve(self, request: Request, mishap: Mishap) -> Answer:
        """Carry a request out."""
        with self._failing(mishap):
            answer = self._client.open(
                request.path,
                method=request.method,
                headers=request.headers,
                input_stream=io.BytesIO(request.body),
                content_length=request.length,
            )
        return Answer(
            answer.status_code,
            answer.data,
            _cookies_of(answer.headers.getlist("Set-Cookie")),
            answer.mimetype or "",
        )

    @contextmanager
    def _failing(self, mishap: Mishap) -> Iterator[None]:
        with ExitStack() as stack:
            if mishap in {Mishap.COMMIT_FAILS, Mishap.COMMIT_FAILS_ON, Mishap.CUT_AFTER_COMMIT}:
                with self.app.app_context():
                    dialect = db.engine.dialect
                commit = _failing_commit(dialect.do_commit, dialect.loaded_dbapi.OperationalError, mishap)
                stack.enter_context(patch.object(dialect, "do_commit", commit))
            if mishap == Mishap.TRIPS:
                stack.enter_context(patch.object(feeds, "number_changes", side_effect=ZeroDivisionError))
            if mishap == Mishap.DISK_FULL:
                full = OSError(errno.ENOSPC, "No space left on device")
                stack.enter_context(patch.object(os, "fsync", side_effect=full))
            yield


def _failing_commit(
    real: Callable[[Any], None], error: type[Exception], mishap: Mishap
) -> Callable[[Any], None]:
    left = [10 if mishap == Mishap.COMMIT_FAILS_ON else 1]

    def commit(connection: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            real(connection)
            return
        if mishap == Mishap.CUT_AFTER_COMMIT:
            real(connection)
        raise error("server closed the connection unexpectedly")

    return commit


# `python -m fieldapp serve` that kills itself where a request says so. What is killed is a child with sockets, threads
# and database connections of its own; its parent, which has none, only starts the next one without the wait.
MORTAL_SERVER = """
import os, signal, sys, threading, time
from flask import has_request_context, request
from sqlalchemy.engine.default import DefaultDialect
from fieldapp import cli

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def wrap(where, name, before="", after=""):
    real = getattr(where, name)
    def wrapped(*args, **kwargs):
        point = request.headers.get("X-Die") if has_request_context() else None
        if point == before:
            die()
        result = real(*args, **kwargs)
        if point == after:
            die()
        return result
    setattr(where, name, wrapped)

wrap(DefaultDialect, "do_commit", before="KILLED_BEFORE_COMMIT", after="KILLED_AFTER_COMMIT")
wrap(os, "fsync", before="KILLED_WRITING")

create_app = cli.create_app
def mortal_app(*args, **kwargs):
    app = create_app(*args, **kwargs)
    @app.before_request
    def die_soon():
        wait = request.headers.get("X-Die-In")
        if wait:
            threading.Thread(target=lambda: (time.sleep(float(wait)), die()), daemon=True).start()
    return app
cli.create_app = mortal_app
sys.argv = ["fieldapp", "serve"]

while True:
    child = os.fork()
    if not child:
        cli.main()
        sys.exit()
    def stop(*_):
        os.kill(child, signal.SIGKILL)
        os._exit(0)
    signal.signal(signal.SIGTERM, stop)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        sys.exit("the server ended by itself")
    print("killed", flush=True)
"""


class Process:
    """A real server process."""

    def __init__(self, live: Live) -> None:
        self.live = live

    def serve(self, request: Request, mishap: Mishap) -> Answer:
        """Carry a request out."""
        return self.ask(request, request.headers)

    def ask(self, request: Request, headers: dict[str, str]) -> Answer:
        """The answer to the request with these headers; raises ConnectionError when there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.live.port, timeout=TIMEOUT_S)
        try:
            self.connect(connection)
            connection.putrequest(request.method, request.path, skip_accept_encoding=True)
            for name, value in {
                **headers,
                "Content-Length": str(request.length),
                "Connection": "close",
            }.items():
                connection.putheader(name, value)
            connection.endheaders(request.body or None)
            if len(request.body) < request.length:
                # Broken off: nothing more comes.
                connection.sock.shutdown(socket.SHUT_WR)
            answer = connection.getresponse()
            body = answer.read()
        except (http.client.HTTPException, OSError):
            raise ConnectionError from None
        finally:
            connection.close()
        cookies = _cookies_of(answer.headers.get_all("Set-Cookie") or [])
        return Answer(answer.status, body, cookies, answer.headers.get_content_type())

    def connect(self, connection: http.client.HTTPConnection) -> None:
        """Open the connection."""
        connection.connect()


class Mortal(Process):
    """A real server process that dies when it is told to; another one takes its place at once."""

    def __init__(self, live: Live) -> None:
        super().__init__(live)
        self._waits_ms = itertools.cycle(range(0, 40, 3))

    @property
    def deaths(self) -> int:
        """How often it was killed."""
        return self.live.log.read_text(errors="replace").count("killed\n")

    def serve(self, request: Request, mishap: Mishap) -> Answer:
        """Carry a request out; raises ConnectionError when the server dies over it."""
        headers = request.headers
        if mishap == Mishap.KILLED_SOON:
            headers = {**headers, "X-Die-In": f"{next(self._waits_ms) / 1000}"}
        elif mishap in KILLS:
            headers = {**headers, "X-Die": mishap.name}
        return self.ask(request, headers)

    def kill(self) -> None:
        """Kill it while it does nothing."""
        deaths = self.deaths
        with suppress(ConnectionError):
            self.ask(Request("GET", "/healthz", {}), {"X-Die-In": "0"})
        while self.deaths == deaths:
            time.sleep(0.01)

    def connect(self, connection: http.client.HTTPConnection) -> None:
        """Open the connection, to the next process when the last one was killed."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            try:
                connection.connect()
                return
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)


class Pair:
    """Several servers on one database; each request goes to any of them."""

    def __init__(self, servers: list[Process]) -> None:
        self.servers = servers

    def serve(self, request: Request, mishap: Mishap) -> Answer:
        """Carry a request out."""
        return random.choice(self.servers).serve(request, mishap)


def _cookies_of(headers: list[str]) -> dict[str, str]:
    found: SimpleCookie = SimpleCookie()
    for header in headers:
        found.load(header)
    return {name: morsel.value for name, morsel in found.items()}
