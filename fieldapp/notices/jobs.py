"""The queue in which messages are sent, apart from requests: Huey with a SQLite file of its own in the data folder.

Invariant: the queue may be lost at any moment. What is to be sent are rows (`NoticeDelivery`); a sweep puts into the queue
what is due, and a job does nothing unless it can claim its row.
"""

from __future__ import annotations

import logging
import pickle
from datetime import datetime
from typing import Any

from flask import Flask
from huey import SqliteHuey
from huey.consumer import Consumer
from huey.serializer import Serializer

from fieldapp.core.crypto import Keyring
from fieldapp.notices import channel_actions as actions, queries
from fieldapp.notices.sending import deliver

FILE = "jobs.db"
SWEEP_S = 5
# One that hangs does not hold up another channel.
WORKERS = 2
# Its own starting and stopping is told by whoever starts it.
logging.getLogger("huey").setLevel(logging.WARNING)


class _Sealed(Serializer):  # type: ignore[misc]
    """Jobs under the master key: nobody reads their arguments, and nobody puts in one of their own."""

    def __init__(self, keyring: Keyring) -> None:
        super().__init__()
        self._keyring = keyring

    def _serialize(self, data: Any) -> bytes:
        return self._keyring.seal(pickle.dumps(data), "jobs")

    def _deserialize(self, data: bytes) -> Any:
        return pickle.loads(self._keyring.open(bytes(data), "jobs"))  # noqa: S301 (sealed by us)


class _Consumer(Consumer):  # type: ignore[misc]
    """Huey's workers beside a server: signals are the server's."""

    def _set_signal_handlers(self) -> None:
        pass


class Jobs:
    """The queue of one installation on this machine, and its workers between `start` and `stop`."""

    def __init__(self, app: Flask) -> None:
        self._huey = SqliteHuey(
            "fieldapp",
            filename=str(app.config["FIELDAPP"].data_dir.resolve() / FILE),
            results=False,
            serializer=_Sealed(app.extensions["fieldapp.keyring"]),
        )
        self._consumer: Consumer | None = None

        @self._huey.task(name="deliver")  # type: ignore[untyped-decorator]
        def run(delivery_id: str) -> None:
            with app.app_context():
                deliver(delivery_id)

        self._deliver = run

    def sweep(self, now: datetime) -> None:
        """Put into the queue what is due, once what is there has been taken out."""
        actions.give_back_abandoned(now)
        if self._huey.pending_count() == 0:
            for delivery_id in queries.list_due(now):
                self._deliver(delivery_id)

    def start(self) -> None:
        """Begin to send."""
        self._consumer = _Consumer(self._huey, workers=WORKERS, periodic=False, max_delay=1.0)
        self._consumer.start()

    def stop(self) -> None:
        """End, after what is being sent."""
        if self._consumer is not None:
            self._consumer.stop(graceful=True)
        self._huey.storage.close()
