"""When a message goes outside, and what an attempt came to: tables of cases."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from fieldapp.core.clock import LOCAL
from fieldapp.notices import rules


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=LOCAL)


@pytest.mark.parametrize(
    ("now", "starts", "ends", "expected"),
    [
        ("29T20:59", "21:00", "07:00", "29T20:59"),
        ("29T21:00", "21:00", "07:00", "30T07:00"),
        ("29T23:59", "21:00", "07:00", "30T07:00"),
        ("29T00:00", "21:00", "07:00", "29T07:00"),
        ("29T06:59", "21:00", "07:00", "29T07:00"),
        ("29T07:00", "21:00", "07:00", "29T07:00"),
        ("29T12:30", "12:00", "14:00", "29T14:00"),
        ("29T11:59", "12:00", "14:00", "29T11:59"),
        ("29T14:00", "12:00", "14:00", "29T14:00"),
        ("29T03:00", "00:00", "00:00", "29T03:00"),
        ("29T21:00", "21:00", "21:00", "29T21:00"),
    ],
)
def test_quiet_hours_hold_until_they_end(now, starts, ends, expected):
    allowed = rules.next_allowed(at(now), time.fromisoformat(starts), time.fromisoformat(ends))
    assert allowed == at(expected)


@pytest.mark.parametrize(
    ("severity", "age_h", "expected"),
    [("red", 1000, False), ("orange", 23.9, False), ("orange", 24, True), (None, 24, True)],
)
def test_red_is_never_given_up(severity, age_h, expected):
    assert rules.is_given_up(severity, timedelta(hours=age_h)) is expected


@pytest.mark.parametrize(
    ("attempts", "severity", "seconds"),
    [(1, None, 30), (2, None, 60), (5, None, 480), (9, None, 3600), (99, None, 3600), (99, "red", 600)],
)
def test_pauses_grow_to_a_limit_and_are_spread(attempts, severity, seconds):
    pauses = [rules.pause_after(attempts, severity, share).total_seconds() / seconds for share in (0, 0.5, 1)]
    assert pauses == [0.75, 1, 1.25]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            "Failed to send JSON POST notification: Internal Server Error., error=500.",
            ("failed", "answered_500"),
        ),
        ("Failed to send WeCom Bot notification: error=404.", ("failed", "answered_404")),
        ("Socket Exception: ... NewConnectionError: Connection refused", ("failed", "no_connection")),
        ("Socket Exception: ConnectTimeoutError(connect timeout=4.0)", ("failed", "no_connection")),
        ("Socket Exception: Read timed out. (read timeout=4.0)", ("uncertain", "timeout")),
        ("Socket Exception: ('Connection aborted.', RemoteDisconnected())", ("uncertain", "broken_off")),
        ("something new", ("uncertain", "unknown")),
        ("", ("uncertain", "unknown")),
    ],
)
def test_what_may_have_arrived_is_uncertain_and_what_cannot_have_is_not(said, expected):
    assert rules.judge(False, ["A Connection error occurred.", said]) == expected
    assert rules.judge(True, [said]) == ("sent", None)
