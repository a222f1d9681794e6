"""The server goes on answering, whoever else has connected and says nothing; it ends when it is told to."""

from __future__ import annotations

import signal
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask

from fieldapp.serving import EachMinute, PatientServer, make_server
from fieldapp.settings import Settings

SILENT = 40
LIMIT_S = 30
Serve = Callable[[Settings], PatientServer]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serves an app that says hello, on a free port, until the test ends."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    started: list[tuple[PatientServer, threading.Thread]] = []

    def start(settings: Settings) -> PatientServer:
        app = Flask("hello")
        app.add_url_rule("/", view_func=lambda: "hello")
        server = make_server(settings, app)
        server.prepare()
        thread = threading.Thread(target=server.serve)
        thread.start()
        started.append((server, thread))
        return server

    yield start
    for server, thread in started:
        server.stop()
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Files of a certificate for this machine and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder: Path = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")


def settings_of(certificate: tuple[str, str] | None) -> Settings:
    cert, key = certificate or ("", "")
    return Settings(host="127.0.0.1", port=0, threads=4, tls_cert=cert, tls_key=key)


def ask(server: PatientServer, certificate: tuple[str, str] | None) -> str:
    scheme, trusted = "http", None
    if certificate:
        scheme, trusted = "https", ssl.create_default_context(cafile=certificate[0])
    url = f"{scheme}://localhost:{server.bind_addr[1]}/"
    with urllib.request.urlopen(url, timeout=10, context=trusted) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("is_secure", [False, True])
def test_connections_that_say_nothing_keep_nobody_waiting(
    serve: Serve, certificate: tuple[str, str], is_secure: bool
) -> None:
    chosen = certificate if is_secure else None
    server = serve(settings_of(chosen))
    with ExitStack() as silent:
        for _ in range(SILENT):
            silent.enter_context(socket.create_connection(("127.0.0.1", server.bind_addr[1])))
        assert ask(server, chosen) == "hello"


def test_plain_http_on_the_port_of_https_is_turned_away_and_the_next_one_served(
    serve: Serve, certificate: tuple[str, str]
) -> None:
    server = serve(settings_of(certificate))
    with pytest.raises((urllib.error.URLError, OSError)):
        ask(server, None)
    assert ask(server, certificate) == "hello"


def test_server_with_silent_connections_ends_when_told(serve: Serve) -> None:
    server = serve(settings_of(None))
    with ExitStack() as silent:
        for _ in range(SILENT):
            silent.enter_context(socket.create_connection(("127.0.0.1", server.bind_addr[1])))
        assert ask(server, None) == "hello"
        server.stop()
        with pytest.raises(OSError, match="refused"):
            ask(server, None)


def test_what_each_minute_brings_is_done_at_once_and_again_after_it_failed() -> None:
    done: list[datetime] = []
    again = threading.Event()

    def fail_once(now: datetime) -> None:
        done.append(now)
        if len(done) == 1:
            raise OSError("the disk is full")
        again.set()

    minute = EachMinute(Flask("hello"), fail_once, every_s=0)
    minute.start()
    assert again.wait(LIMIT_S)
    minute.stop()
    assert not minute.is_alive()
    assert done == sorted(done)
