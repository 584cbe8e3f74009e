"""When to look: learnt, bounded, and cheap for what it gives."""

from __future__ import annotations

import heapq
import math
import random
from dataclasses import replace

import pytest

from core.jobs import Job, State
from core.pace import ENOUGH, KEEP, Pace
from core.providers.base import Offer
from tests.making import START, make_job

MEDIAN, SPREAD = 35.0, 0.4
"""Of the log-normal durations of pictures."""
LAG = 15.0
"""Seconds between two moments at which a gateway asks its own upstream."""


@pytest.fixture
def offer() -> Offer:
    return make_offer()


def make_offer() -> Offer:
    return Offer(
        key="mj",
        family="midjourney",
        kind="image",
        title="Midjourney",
        price=0.1,
        typical=40.0,
        first_look=8.0,
    )


def running(percent: int = -1, started: float = 0.0) -> Job:
    return make_job(state=State.RUNNING, submitted_at=START, percent=percent, started_at=started)


def taught(*seconds: float, scale: float = 1.0) -> Pace:
    pace = Pace(scale)
    for one in seconds:
        pace.learn("mj", one)
    return pace


# -- learning ----------------------------------------------------------------------------------


def test_few_jobs_teach_nothing_yet(offer: Offer) -> None:
    """Until enough have finished the offer's own guess counts."""
    assert taught(*[5.0] * (ENOUGH - 1)).quantile(offer, 0.5) == pytest.approx(40.0)
    assert taught(*[5.0] * ENOUGH).quantile(offer, 0.5) == 5.0


@pytest.mark.parametrize(
    ("seconds", "percent", "late"),
    [(70, -1, False), (90, -1, True), (90, 99, True), (90, 40, False)],
)
def test_a_job_is_late_when_no_guess_is_worth_telling(
    offer: Offer, seconds: int, percent: int, late: bool
) -> None:
    """At twice the usual time; one that still tells of steady progress is believed."""
    job = running(percent, START + 1 if percent >= 0 else 0.0)
    assert Pace(1.0).late(offer, job, START + seconds) is late


def test_only_the_newest_are_remembered(offer: Offer) -> None:
    """What became faster is believed to be fast."""
    assert taught(*[100.0] * 500, *[10.0] * KEEP).quantile(offer, 0.95) == 10.0


def test_offers_are_learnt_apart(offer: Offer) -> None:
    """A video does not slow pictures down."""
    pace = taught(*[20.0] * 50)
    assert pace.quantile(replace(offer, key="kling"), 0.5) == pytest.approx(40.0)


def test_the_longer_it_runs_the_longer_it_takes(offer: Offer) -> None:
    """Those that took longer count; beyond all of them there is still a guess."""
    pace = taught(*map(float, range(10, 60)))
    seen = [pace.quantile(offer, 0.5, after) for after in range(0, 300, 10)]
    assert seen == sorted(seen)
    assert all(guess > after for guess, after in zip(seen, range(0, 300, 10), strict=True))


# -- looking -----------------------------------------------------------------------------------


def test_the_first_look_comes_when_the_quickest_are_done(offer: Offer) -> None:
    """The offer's own until enough is learnt; never at once."""
    assert Pace().first_look(offer) == 8.0
    assert 20.0 <= taught(*map(float, range(20, 120))).first_look(offer) <= 26.0
    assert taught(*[0.01] * 50).first_look(offer) == 1.0


@pytest.mark.parametrize("scale", [1.0, 0.05])
def test_looks_are_neither_too_close_nor_too_far(offer: Offer, scale: float) -> None:
    """Whatever the age, the progress and what was learnt; and a late job is looked at ever less."""
    dice = random.Random(1)
    for _ in range(3000):
        seconds = [dice.expovariate(1 / 40) * scale for _ in range(dice.randint(0, 60))]
        pace = taught(*seconds, scale=scale)
        age = dice.choice([0.0, dice.expovariate(1 / 30), 3000.0]) * scale
        started = dice.choice([0.0, START + dice.random() * age])
        job = running(dice.randint(-1, 100), started)
        pause = pace.next_look(offer, job, START + age)
        assert 2.0 * scale <= pause <= 31.0 * scale
        assert math.isfinite(pace.left(offer, job, START + age))
    seconds = [taught().next_look(offer, running(), START + age) for age in range(80, 600, 10)]
    assert seconds == sorted(seconds)


def test_a_clock_that_went_back_breaks_nothing(offer: Offer) -> None:
    """A job submitted in the future is looked at as a new one."""
    pace = Pace()
    assert pace.next_look(offer, running(), START - 500) == pace.next_look(offer, running(), START)
    assert pace.left(offer, running(), START - 500) > 0


def test_progress_is_believed_the_more_the_further_it_is(offer: Offer) -> None:
    """At 90 % after 90 s there are ten left, whatever others took."""
    pace = taught(*[300.0] * 50)
    assert pace.left(offer, running(90, START), START + 90) == pytest.approx(10.0)
    assert pace.left(offer, running(6, START), START + 6) > 200
    assert pace.left(offer, running(100, START), START + 90) == 0.0


def test_the_wait_in_the_queue_is_shared(offer: Offer) -> None:
    """By the places there are."""
    pace = taught(*[30.0] * 50)
    assert pace.wait(offer, 0, 3) == 10.0
    assert pace.wait(offer, 5, 3) == 60.0
    assert pace.wait(offer, 5, 0) > 0


# -- what it costs -----------------------------------------------------------------------------


class Gateway:
    """Jobs that run, and what is seen of them: the state of up to fifteen seconds ago."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.requests = 0
        self.delays: list[float] = []

    def job(self, begun: float) -> tuple[float, float, float]:
        """(submitted, finished, phase of the gateway's own asking)."""
        seconds = self.dice.lognormvariate(math.log(MEDIAN), SPREAD)
        return begun, begun + seconds, self.dice.random() * LAG

    @staticmethod
    def seen(job: tuple[float, float, float], now: float) -> float:
        """When the gateway asked last."""
        return now - (now - job[2]) % LAG


def every_five_seconds(jobs: int, seed: int) -> tuple[float, float]:
    """What clients do: (requests a job, mean seconds from the finish to its being seen)."""
    gateway = Gateway(seed)
    for _ in range(jobs):
        job = gateway.job(0.0)
        now = 5.0
        gateway.requests += 1
        while gateway.seen(job, now) < job[1]:
            now += 5.0
            gateway.requests += 1
        gateway.delays.append(now - job[1])
    return gateway.requests / jobs, sum(gateway.delays) / jobs


def paced(jobs: int, seed: int, places: int) -> tuple[float, float]:
    """Ours, `places` jobs at a time, those due together in one request, as the engine does."""
    offer, pace, gateway = make_offer(), Pace(), Gateway(seed)
    for _ in range(KEEP):
        begun, finished, _ = gateway.job(0.0)
        pace.learn("mj", finished - begun + gateway.dice.random() * LAG)
    due: list[tuple[float, int]] = []
    about: dict[int, tuple[tuple[float, float, float], Job]] = {}

    def submit(number: int, now: float) -> None:
        job = gateway.job(now)
        about[number] = job, make_job(number, submitted_at=START + now, state=State.RUNNING)
        heapq.heappush(due, (now + pace.first_look(offer), number))

    for number in range(places):
        submit(number, gateway.dice.random() * 60)
    begun = places
    while due:
        now = due[0][0]
        gateway.requests += 1
        together = [heapq.heappop(due)[1]]
        while due and due[0][0] <= now + 1.0 and len(together) < 50:
            together.append(heapq.heappop(due)[1])
        for number in together:
            job, row = about[number]
            seen = gateway.seen(job, now)
            if seen >= job[1]:
                gateway.delays.append(now - job[1])
                pace.learn("mj", now - job[0])
                if begun < jobs:
                    submit(begun, now)
                    begun += 1
                continue
            share = max(seen - job[0], 0.0) / (job[1] - job[0])
            started = row.started_at or (START + now if seen > job[0] else 0.0)
            row = replace(row, percent=int(share * 100), started_at=started)
            about[number] = job, row
            heapq.heappush(due, (now + pace.next_look(offer, row, START + now), number))
    return gateway.requests / jobs, sum(gateway.delays) / jobs


def test_looks_cost_less_than_half_of_what_clients_spend() -> None:
    """At most 0.45 of the requests of looking at each job every 5 s, and seen no later, with twelve
    jobs at a time.
    """
    requests, delay = every_five_seconds(2000, 1)
    ours, our_delay = paced(2000, 1, places=12)
    assert ours <= 0.45 * requests, (ours, requests)
    assert our_delay <= delay, (our_delay, delay)
