"""Long work in short steps: each a transaction of its own, so that nobody waits for it and one that is cut off goes on.

Invariant: how far the work has come is written in the transaction of the step that did it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from fieldapp.core.db import db, transaction


def run(step: Callable[[], bool], seconds: float) -> None:
    """Take `step` after step, each in its own transaction, until it says that nothing is left or so many seconds are over."""
    until = time.monotonic() + seconds
    is_left = True
    while is_left:
        with transaction():
            # What others changed since the last step is to be seen.
            db.session.expire_all()
            is_left = step()
        if time.monotonic() >= until:
            return


def get_percent(position: int, last: int, *, is_upwards: bool) -> int:
    """How much is done of work that has come to row `position` of rows up to `last`; 100 where there are none."""
    if not last:
        return 100
    done = last - min(position, last) if is_upwards else position
    return 100 * done // last
