"""Which browser tab may change a case: the first that opened it; a later one is warned and only looks."""

__all__ = ["Seats"]

import threading
import time

EXPIRES = 12.0  # seconds after a tab's last sign; tabs give one every few seconds


class Seats:
    """One seat for each open case."""

    def __init__(self, clock=time.monotonic):
        self._clock, self._lock, self._taken = clock, threading.Lock(), {}

    def claim(self, case, tab, take=False):
        """Whether ``tab`` may change ``case``: the seat is free or its own, or it takes the seat over."""
        now = self._clock()
        with self._lock:
            holder, seen = self._taken.get(case, (None, 0.0))
            if not take and holder not in (None, tab) and now - seen < EXPIRES:
                return False
            self._taken[case] = (tab, now)
            return True

    def leave(self, case, tab):
        """Frees the seat if it is ``tab``'s."""
        with self._lock:
            if self._taken.get(case, (None,))[0] == tab:
                del self._taken[case]
