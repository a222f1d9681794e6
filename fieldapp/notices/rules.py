"""When a message goes outside, to whom, and what an attempt to send it came to.

Invariant: what is red waits for no hour of the day and is never given up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, time, timedelta

from fieldapp.core.guard import ADMIN, LEADER, OFFICER, SECURITY, SUPERVISOR
from fieldapp.core.severity import SEVERITIES

RED = SEVERITIES[0]
# What has no severity, as the filter of a channel names it.
PLAIN = "plain"
# Whose notices a channel can carry.
CHANNEL_ROLES = (SUPERVISOR, LEADER, OFFICER, ADMIN, SECURITY)
TOWNSHIP_DIGITS, COUNTY_DIGITS = 9, 6

# Errors after which a message may have arrived all the same.
DOUBTS = frozenset({"timeout", "broken_off", "unknown", "stopped"})
# A delivery: waiting for its time, being sent, and what the last attempt came to.
WAITING, SENDING, SENT, FAILED, UNCERTAIN = "waiting", "sending", "sent", "failed", "uncertain"
UNSENT = (WAITING, FAILED, UNCERTAIN)

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_RED_PAUSE = timedelta(minutes=10)
GIVES_UP_AFTER = timedelta(hours=24)
# After so many attempts whoever looks after the channels is told that something red does not get out.
TELLS_AFTER = 5


def office_of(area_code: str) -> str:
    """The area whose channels somebody with that area is told through: of a village or grid, its township."""
    return area_code[:TOWNSHIP_DIGITS]


def next_allowed(at: datetime, starts: time, ends: time) -> datetime:
    """The first moment from `at` on that does not lie in the quiet hours; `at` is in local time.

    Hours may reach over midnight; the same hour twice is no quiet at all.
    """
    clock = at.time()
    is_quiet = starts <= clock < ends if starts <= ends else clock >= starts or clock < ends
    if not is_quiet:
        return at
    end = datetime.combine(at.date(), ends, at.tzinfo)
    return end if end > at else end + timedelta(days=1)


def pause_after(attempts: int, severity: str | None, share: float) -> timedelta:
    """How long to wait after that many attempts; `share` (0 to 1) spreads those that failed together."""
    longest = LONGEST_RED_PAUSE if severity == RED else LONGEST_PAUSE
    # Doubling further says nothing new.
    pause = min(FIRST_PAUSE * 2 ** min(attempts - 1, 10), longest)
    return pause * (0.75 + share / 2)


def is_given_up(severity: str | None, age: timedelta) -> bool:
    """Whether a message that old is not sent any more."""
    return severity != RED and age >= GIVES_UP_AFTER


_SIGNS = (
    # Whoever never took the call has nothing; whoever took it and fell silent may have everything.
    (
        FAILED,
        "no_connection",
        r"ConnectTimeout|connect timeout|NewConnectionError|Connection refused|resolve|getaddrinfo",
    ),
    (UNCERTAIN, "timeout", r"timed out|timeout"),
    (UNCERTAIN, "broken_off", r"Connection aborted|RemoteDisconnected|reset by peer|IncompleteRead"),
)


def judge(is_ok: bool, said: Iterable[str]) -> tuple[str, str | None]:
    """(state, error) of an attempt, from what the library answered and wrote into its log meanwhile."""
    if is_ok:
        return SENT, None
    text = "\n".join(said)
    if refused := re.search(r"error=(\d{3})\b", text):
        return FAILED, f"answered_{refused[1]}"
    for state, error, sign in _SIGNS:
        if re.search(sign, text, re.IGNORECASE):
            return state, error
    return UNCERTAIN, "unknown"
