"""A robot of a group, as far as a sender can tell: it takes messages, refuses them, or takes them and falls silent."""

from __future__ import annotations

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# Longer than any message is on its way in a test.
LIMIT_S = 60


class Receiver:
    """Listens on a port of this machine; `behave` is "take", "refuse" or "hang"."""

    def __init__(self) -> None:
        self.behave = "take"
        self.messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self._is_over = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                behave = receiver.behave
                receiver.messages.put(json.loads(body))
                if behave == "hang":
                    receiver._is_over.wait()
                    return
                self.send_response(200 if behave == "take" else 500)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        # Half a second is long for this machine to answer itself.
        self.url = f"json://127.0.0.1:{self._server.server_port}/robot?rto=0.5"

    def next(self) -> str:
        """The text of the next message, waited for; raises queue.Empty when none comes."""
        message = self.messages.get(timeout=LIMIT_S)
        return f"{message['title']}\n{message['message']}"

    def take_all(self) -> list[str]:
        """The texts of the messages that came since."""
        texts = []
        while not self.messages.empty():
            texts.append(self.next())
        return texts

    def stop(self) -> None:
        """Go away: from then on nobody answers."""
        self._is_over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
