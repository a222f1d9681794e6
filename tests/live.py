"""The real server in a process of its own, on a free port, with a data folder of its own."""

from __future__ import annotations

import faulthandler
import json
import multiprocessing
import os
import re
import signal
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT_S = 30

COMMAND = """
import sys
from fieldapp import cli
sys.argv = {arguments!r}
cli.main()
"""
SERVE = COMMAND.format(arguments=["fieldapp", "serve"])
# Commands are split off a process that has read the program already: reading it takes longer than many a test.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["fieldapp.cli", "pytest"])


def _run(program: str, settings: dict[str, str], printed: Path, said: Path) -> None:
    """In a process of its own: run Python with this environment; `printed` and `said` get what it prints and complains of.

    On SIGABRT it says where it stands.
    """
    with printed.open("ab") as output, said.open("ab") as errors:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(errors.fileno(), sys.stderr.fileno())
    faulthandler.enable()
    os.environ.clear()
    os.environ.update(settings)
    exec(program, {"__name__": "__main__"})  # noqa: S102


class Live:
    """`python -m fieldapp serve` on `data_dir` and `database_url`; `url`, `password` (of every account), start, stop, kill."""

    def __init__(self, data_dir: Path, password: str = "", database_url: str = "") -> None:
        self.data_dir = data_dir
        self.database_url = database_url
        self.password = password
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data_dir.parent / f"server-{self.port}.log"
        self._process: ForkServerProcess | None = None

    def start(self, program: str = SERVE) -> None:
        """Start, and return when it answers; raises RuntimeError with what the server said.

        `program` is Python to run in place of `python -m fieldapp serve`: the server with a fault built in.
        """
        self.launch(program)
        self.wait_until_it_answers()

    def launch(self, program: str = SERVE) -> None:
        """Start, and return at once."""
        settings = environment(data_dir=self.data_dir, database_url=self.database_url, port=self.port)
        self._process = _processes.Process(
            target=_run, args=(program, settings, self.log, self.log), daemon=True
        )
        self._process.start()

    def wait_until_it_answers(self) -> None:
        """Return when it answers; raises RuntimeError with what the server said when it does not."""
        assert self._process is not None
        deadline = time.monotonic() + START_LIMIT_S
        while not self._answers():
            if not self._process.is_alive() or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the server did not start:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop as the system would, letting requests end; nothing to do when it is stopped.

        Raises RuntimeError with what the server said when it does not end in order.
        """
        if self._process is not None:
            self._process.terminate()
            status = self.wait_for_end()
            if status:
                raise RuntimeError(f"the server ended with {status}:\n{self.log.read_text(errors='replace')}")

    def kill(self) -> None:
        """End it at once, as when the power fails."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process = None

    def wait_for_end(self) -> int:
        """Wait until the process has ended by itself, or make it write where it stands; gives its exit status."""
        assert self._process is not None
        self._process.join(START_LIMIT_S)
        if self._process.is_alive():
            os.kill(self.pid, signal.SIGABRT)
            self._process.join()
        status = self._process.exitcode
        assert status is not None
        self._process = None
        return status

    @property
    def pid(self) -> int:
        """Of the server's process."""
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    def most_memory(self) -> int:
        """The most memory the server has held since it started, bytes; Linux keeps count."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        assert found
        return int(found[1]) * 1024

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@dataclass
class Answer:
    """An HTTP answer, read the way Flask's test client lets one read it."""

    status_code: int
    headers: Message
    data: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def text(self) -> str:
        return self.data.decode()


class LiveClient:
    """A caller of the live server with cookies of its own, as far as `factories.Phone` needs one."""

    def __init__(self, live: Live) -> None:
        self._url = live.url
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def get(self, path: str, query_string: dict[str, str] | None = None, **more: Any) -> Answer:
        """GET."""
        query = f"?{urlencode(query_string)}" if query_string else ""
        return self._open("GET", path + query, **more)

    def post(self, path: str, **more: Any) -> Answer:
        """POST."""
        return self._open("POST", path, **more)

    def put(self, path: str, **more: Any) -> Answer:
        """PUT."""
        return self._open("PUT", path, **more)

    def _open(
        self, method: str, path: str, json: Any = None, data: bytes | None = None, headers: Any = None
    ) -> Answer:
        headers = dict(headers or {})
        if json is not None:
            data, headers["Content-Type"] = _to_json(json), "application/json"
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=START_LIMIT_S) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())


def _to_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def run_command(name: str, *arguments: object, **settings: object) -> str:
    """Run `python -m fieldapp <name> <arguments>` with these settings and no others; gives what it printed.

    Raises RuntimeError with what it said when it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        printed, said = Path(folder, "printed"), Path(folder, "said")
        program = COMMAND.format(arguments=["fieldapp", name, *map(str, arguments)])
        process = _processes.Process(target=_run, args=(program, environment(**settings), printed, said))
        process.start()
        process.join()
        if process.exitcode:
            raise RuntimeError(
                f"`python -m fieldapp {name}` failed:\n{printed.read_text()}{said.read_text()}"
            )
        return printed.read_text()


def make_demo_county(folder: Path) -> str:
    """Make the demo county in `folder`; gives the password of its accounts."""
    printed = run_command("demo", data_dir=folder)
    password = re.search(r"^password: (\S+)$", printed, re.MULTILINE)
    if password is None:
        raise RuntimeError(f"no line `password: …` in:\n{printed}")
    return password[1]


def environment(**settings: object) -> dict[str, str]:
    """This process's environment with these settings of fieldapp and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FIELDAPP_")}
    return kept | {f"FIELDAPP_{name.upper()}": str(value) for name, value in settings.items()}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
