"""When to look at a job next, and how long it will still take: learnt from finished jobs.

Pure but for the durations it has been told. A look too many costs a request, a look too late costs
the person time.
"""

from __future__ import annotations

import bisect
from collections import defaultdict, deque

from core.jobs import Job
from core.providers.base import Offer

KEEP = 200
"""Newest durations remembered per offer."""
NEAR, FAR = 3.5, 15.0
"""Seconds between two looks around the expected finish, and while it is far: half of the first is
how late a finish is seen on average, half of what looking every 5 s gives.
"""
ENOUGH = 8
"""Own durations from which on they count more than the offer's typical one."""


class Pace:
    """Learns how long each offer takes and spaces the looks accordingly."""

    def __init__(self, scale: float = 1.0) -> None:
        """`scale` multiplies every interval."""
        self._scale = scale
        self._recent: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=KEEP))
        self._sorted: dict[str, list[float]] = {}

    def learn(self, offer: str, seconds: float) -> None:
        """Remember how long one job took from submit to the gateway's finish."""
        recent, order = self._recent[offer], self._sorted.setdefault(offer, [])
        if len(recent) == KEEP:
            del order[bisect.bisect_left(order, recent[0])]
        recent.append(seconds)
        bisect.insort(order, seconds)

    def quantile(self, offer: Offer, share: float, after: float = 0.0) -> float:
        """Seconds within which `share` of the jobs still running `after` seconds are done."""
        order = self._sorted.get(offer.key, [])
        left = order[bisect.bisect_right(order, after) :]
        if len(order) < ENOUGH or not left:
            guess = offer.typical * self._scale
            return max(guess * (0.6 + 0.8 * share), after + guess * 0.25 * (0.5 + share))
        return left[min(int(share * len(left)), len(left) - 1)]

    def first_look(self, offer: Offer) -> float:
        """Seconds after the submit of the first look."""
        if len(self._recent[offer.key]) < ENOUGH:
            return offer.first_look * self._scale
        return max(self.quantile(offer, 0.05), 1.0 * self._scale)

    def finish(self, offer: Offer, job: Job, now: float) -> float:
        """Best guess of the seconds from submit to finish, from progress where there is any."""
        elapsed = max(now - job.submitted_at, 0.0)
        learnt = self.quantile(offer, 0.5, elapsed)
        if job.percent < 5 or not job.started_at:
            return learnt
        shown = job.started_at - job.submitted_at
        linear = shown + (elapsed - shown) * 100 / job.percent
        trust = min(job.percent / 60, 1.0)
        return max(trust * linear + (1 - trust) * learnt, elapsed)

    def next_look(self, offer: Offer, job: Job, now: float) -> float:
        """Seconds until the next look: at the expected finish, but no sooner than looks are worth
        it, which they are less and less once the job is late.
        """
        elapsed = max(now - job.submitted_at, 0.0)
        typical = self.quantile(offer, 0.5)
        late = max(elapsed - 1.5 * typical, 0.0)
        least = min(NEAR * self._scale + 0.1 * late, 30.0 * self._scale)
        left = self.finish(offer, job, now) - elapsed
        return min(max(left * 0.9, least), max(FAR * self._scale, 0.08 * typical, least))

    def left(self, offer: Offer, job: Job, now: float) -> float:
        """Seconds a running job will still take, for people."""
        return max(self.finish(offer, job, now) - max(now - job.submitted_at, 0.0), 0.0)

    def late(self, offer: Offer, job: Job, now: float) -> bool:
        """Whether a running job takes so much longer than others that no guess is worth telling:
        what it tells itself counts for as long as it goes on.
        """
        elapsed = now - job.submitted_at
        return elapsed > 2 * self.quantile(offer, 0.5) and self.left(offer, job, now) < elapsed / 2

    def wait(self, offer: Offer, ahead: int, parallel: int) -> float:
        """Seconds a queued job waits with `ahead` before it and `parallel` places."""
        return self.quantile(offer, 0.5) * (ahead + 1) / max(parallel, 1)
