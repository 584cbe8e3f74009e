"""What the product's own polling allows, worked out without running it: delay and looks."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace

from core.jobs import Job, State
from core.messages import Place
from core.pace import Pace
from core.providers.base import Offer, Request
from core.providers.midjourney import OFFERS

_REQUEST = Request(kind="image", offer="mj_imagine", prompt="bench")
_JOB = Job(
    id="bench",
    owner="",
    owner_name="",
    place=Place("telegram", "1"),
    lang="en",
    command="imagine",
    request=_REQUEST,
    price=0,
    created_at=0.0,
    state=State.RUNNING,
)


def expected(times: Sequence[tuple[float, float]], typical: float, first: float) -> float:
    """Mean seconds from finish to the look that sees it, for jobs of these (submit, finish)."""
    return looked(times, typical, first)[0]


def looked(
    times: Sequence[tuple[float, float]], typical: float, first: float
) -> tuple[float, float]:
    """(mean delay, mean number of looks), the pace learning as jobs finish."""
    offer: Offer = replace(
        next(o for o in OFFERS if o.key == "mj_imagine"), typical=typical, first_look=first
    )
    pace = Pace()
    heap = [(begun + first, n) for n, (begun, _) in enumerate(times)]
    jobs = [replace(_JOB, submitted_at=begun) for begun, _ in times]
    heapq.heapify(heap)
    late, looks = 0.0, 0
    while heap:
        now, n = heapq.heappop(heap)
        begun, finish = times[n]
        looks += 1
        if now >= finish:
            late += now - finish
            pace.learn(offer.key, now - begun)
            continue
        share = (now - begun) / (finish - begun)
        started = jobs[n].started_at or (
            (now if jobs[n].looks else begun) if share >= 0.05 else 0.0
        )
        jobs[n] = replace(
            jobs[n], percent=int(share * 100), started_at=started, looks=jobs[n].looks + 1
        )
        heapq.heappush(heap, (now + pace.next_look(offer, jobs[n], now), n))
    return late / len(times), looks / len(times)
