"""The server in front of the app: cheroot, made patient with phones that connect and then say nothing.

Invariant: a thread is given to a connection only once something has arrived on it. Browsers connect ahead of need, and a
phone that loses its signal leaves a connection behind; each would hold one of a few threads for a minute.
"""

from __future__ import annotations

import gc
import logging
import signal
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import datetime

from cheroot.server import HTTPConnection
from cheroot.ssl.builtin import BuiltinSSLAdapter
from cheroot.wsgi import Server
from flask import Flask

from fieldapp.core import clock
from fieldapp.settings import Settings

log = logging.getLogger(__name__)

MINUTE_S = 60
# A phone on a slow link may pause between packets; a photo still gets through.
PAUSE_S = 60
# Connections kept open between requests; a new one costs a phone several round trips.
KEPT_OPEN = 500
# Objects made until the youngest are looked through; a page makes some thousands.
COLLECTED_EACH = 50_000


class PatientServer(Server):
    """Cheroot, where a new connection waits for its first request as it waits between requests."""

    keep_alive_conn_limit = KEPT_OPEN

    def process_conn(self, conn: HTTPConnection) -> None:
        """Hand a connection to a thread, or have it waited for."""
        if conn.last_used is None:
            self._connections.put(conn)  # type: ignore[attr-defined]
        else:
            super().process_conn(conn)


class LateHandshake(BuiltinSSLAdapter):
    """TLS that is agreed on in the thread that reads the request: who connects and says nothing keeps nobody waiting."""

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """Gives the socket, and what the app is told of it."""
        wrapped = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return wrapped, {"wsgi.url_scheme": "https", "HTTPS": "on"}


class EachMinute(threading.Thread):
    """What has to happen because time passes: at the start and each minute (or `every_s`) after, until it is stopped.

    Another server on the same database does the same: `deed` must stand that.
    """

    def __init__(self, app: Flask, deed: Callable[[datetime], object], every_s: float = MINUTE_S) -> None:
        super().__init__(name="each minute", daemon=True)
        self._app, self._deed, self._is_over = app, deed, threading.Event()
        self._every_s = every_s

    def run(self) -> None:
        """Do it, and wait; what goes wrong is in the log, and tried again a minute later."""
        while True:
            try:
                with self._app.app_context():
                    self._deed(clock.now())
            except Exception:
                log.exception("what each minute brings was not done")
            if self._is_over.wait(self._every_s):
                return

    def stop(self) -> None:
        """End, after what is being done."""
        self._is_over.set()
        self.join()


def spare_collector() -> None:
    """Have what is here by now, the program itself, not looked through again for what can be thrown away: done at each
    request, that is a fifth of the work of a page.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_EACH, *gc.get_threshold()[1:])


def make_server(settings: Settings, app: Flask) -> PatientServer:
    """A server for `app`, not started yet; SIGTERM stops it, and requests under way are answered first."""
    spare_collector()
    server = PatientServer(
        (settings.host, settings.port),
        app,
        numthreads=settings.threads,
        server_name="fieldapp",
        request_queue_size=KEPT_OPEN,
        timeout=PAUSE_S,
    )
    if settings.tls_cert:
        server.ssl_adapter = LateHandshake(settings.tls_cert, settings.tls_key)
    # An exception raised by a signal, as on Ctrl-C, would be lost when it comes while Python clears up; a thread is not.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.stop).start())
    return server
