"""Money as entries: every job has one HOLD and at most one closing entry. Pure; amounts are
micro-USD.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from core.errors import GatewayError, Spent
from core.jobs import Entry, Job
from core.providers.base import Offer

MICRO = 1_000_000

LedgerLine = tuple[Entry, int, str]
"""(kind, amount in micro-USD, note for the owner)."""


def micro(usd: float) -> int:
    """Turn a price in USD into micro-USD."""
    return round(usd * MICRO)


def metered(usd: float) -> int:
    """What was used in micro-USD, rounded up: what cost something is never told as free."""
    return math.ceil(round(usd * MICRO, 3))


def money(amount: int) -> str:
    """Show micro-USD to people: `$0.10`, `$0.004`, `$0.0003`; what is less is `<$0.0001`."""
    usd = amount / MICRO
    if 0 < amount < 1000:
        return f"${usd:.4f}" if amount >= 100 else "<$0.0001"
    return f"${usd:.2f}" if amount % 10_000 == 0 else f"${usd:.3f}"


def answer_price(job: Job, offers: Mapping[str, Offer]) -> int:
    """What answering a job's open window costs on top of its price, micro-USD.

    Nothing where the answer is what the job was priced at.
    """
    step = job.step
    return micro(offers[step.offer].price) if step and step.offer != job.request.offer else 0


def settle(job: Job, note: str) -> tuple[LedgerLine, ...]:
    """The hold became a cost."""
    return ((Entry.SETTLE, job.price, note),)


def refund(job: Job, note: str) -> tuple[LedgerLine, ...]:
    """The hold goes back to the person."""
    return ((Entry.REFUND, job.price, note),)


def close(job: Job, reason: GatewayError) -> tuple[LedgerLine, ...]:
    """Close a failed job: money goes back only where it is certain that none was spent."""
    kind = refund if reason.spent is Spent.NO else settle
    return kind(job, f"failed, spent: {reason.spent}")
