"""The real server in a process of its own, on a free port, with a data folder of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT_S = 30


class Live:
    """`python -m fieldapp serve` on `data_dir`; `url`, `password` (of every demo account), start, stop, kill."""

    def __init__(self, data_dir: Path, password: str) -> None:
        self.data_dir = data_dir
        self.password = password
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data_dir.parent / f"server-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and return when it answers; raises RuntimeError with what the server said."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fieldapp", "serve"],
                cwd=ROOT,
                env=environment(data_dir=self.data_dir, port=self.port),
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + START_LIMIT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the server did not start:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop as the system would, letting requests end; nothing to do when it is stopped."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(START_LIMIT_S)
            self._process = None

    def kill(self) -> None:
        """End it at once, as when the power fails."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def run_command(name: str, **settings: object) -> str:
    """Run `python -m fieldapp <name>` with these settings and no others; gives what it printed.

    Raises RuntimeError with what it said when it fails.
    """
    done = subprocess.run(
        [sys.executable, "-m", "fieldapp", name],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"`python -m fieldapp {name}` failed:\n{done.stdout}{done.stderr}")
    return done.stdout


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
