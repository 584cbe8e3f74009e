"""Starts the program as its console script does, with a probe in its event loop.

The probe asks to be called every 10 ms and notes how late it was. Time in which a thread of the
program was ready but another program had the processor is taken off, since that is this machine's
doing; what the loop's own thread computed meanwhile never is.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from pathlib import Path

from bot.__main__ import cli

EVERY = 0.01


class Probe:
    """Notes the longest time a loop did not come round."""

    def __init__(self, loop: asyncio.AbstractEventLoop, note: Path) -> None:
        self._loop = loop
        self._note = note
        self._worst = self._worst_raw = self._worst_cpu = 0.0
        self._due = loop.time()
        self._waited = 0
        self._worked = 0.0
        self._written = 0.0
        loop.call_soon(self._turn)

    def _queued(self) -> int:
        """Nanoseconds the threads have waited for a processor; any of them may hold the lock that
        the loop's waits for.
        """
        waited = 0
        for thread in threading.enumerate():
            try:
                with open(f"/proc/self/task/{thread.native_id}/schedstat") as file:  # noqa: PTH123
                    waited += int(file.read().split()[1])
            except OSError:  # it has just ended
                continue
        return waited

    def _turn(self) -> None:
        now, waited, worked = self._loop.time(), self._queued(), time.thread_time()
        late = now - self._due
        passed = late - max(waited - self._waited, 0) / 1e9
        computed = worked - self._worked - EVERY
        own = max(passed, computed)
        self._waited, self._worked = waited, worked
        if now > self._written + 0.5 or own > self._worst:
            self._worst, self._worst_raw = max(self._worst, own), max(self._worst_raw, late)
            self._write()
            self._written = now
        self._worst_raw = max(self._worst_raw, late)
        self._worst_cpu = max(self._worst_cpu, computed)
        self._due = self._loop.time() + EVERY
        self._loop.call_at(self._due, self._turn)

    def _write(self) -> None:
        if not self._note.exists():  # cleared from outside: a new measurement begins
            self._worst = self._worst_raw = self._worst_cpu = 0.0
        seen = {"own": self._worst, "all": self._worst_raw, "cpu": self._worst_cpu}
        text = json.dumps({name: worst * 1000 for name, worst in seen.items()})
        part = self._note.with_suffix(".part")
        part.write_text(text)
        part.replace(self._note)


class Policy(asyncio.DefaultEventLoopPolicy):
    """Loops with a probe in them."""

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        loop = super().new_event_loop()
        Probe(loop, Path(os.environ["BENCH_LAG"]))
        return loop


def main() -> None:
    """Run the program, profiled where `BENCH_PROFILE` names a file."""
    if os.environ.get("BENCH_LAG"):
        asyncio.set_event_loop_policy(Policy())
    where = os.environ.get("BENCH_PROFILE")
    if not where:
        cli()
        return
    import cProfile

    profile = cProfile.Profile(time.process_time)
    try:
        profile.runcall(cli)
    finally:
        profile.dump_stats(where)


if __name__ == "__main__":
    sys.exit(main())
