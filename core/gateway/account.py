"""What the service tells about a key and an account: models, and money that is left. Only reads.

An answer holds secrets, such as the account's own token: nothing of it is kept but numbers.
"""

from __future__ import annotations

import math

from core.gateway import Gateway
from core.wire import Answer, Call, Json

UNLIMITED = 100_000_000
"""USD a gateway states for a key without a limit of its own."""
UNITS = 500_000
"""The gateway's own units in a USD."""
SECONDS = 15.0
"""Longest wait for one answer."""


async def ask(gateway: Gateway, whose: str, path: str) -> Answer:
    """GET with the key of a family or model, or with the one for all when `whose` is empty."""
    return await gateway.send(Call("GET", path, whose, timeout=SECONDS))


def models_of(answer: Answer) -> set[str]:
    """The models an answer of `/v1/models` names; empty when it does not tell."""
    match answer:
        case Answer(status=200, body={"data": [*rows]}):
            return {str(row.get("id")) for row in rows if isinstance(row, dict)}
    return set()


async def left_on(gateway: Gateway, whose: str) -> float | None:
    """USD left on a key, `UNLIMITED` or more without a limit; None when no address tells."""
    for base in ("/v1/dashboard/billing", "/dashboard/billing"):
        limit = (await ask(gateway, whose, f"{base}/subscription")).body
        used = (await ask(gateway, whose, f"{base}/usage")).body
        match limit, used:
            case {"hard_limit_usd": usd}, {"total_usage": cents}:
                left, spent = _number(usd), _number(cents)
                if left is not None and spent is not None:
                    return left - spent / 100
    match (await ask(gateway, whose, "/api/usage/token")).body:
        case {"data": {"unlimited_quota": True}}:
            return float(UNLIMITED)
        case {"data": {"total_available": units}} if (left := _number(units)) is not None:
            return left / UNITS
    return None


async def account(gateway: Gateway) -> tuple[float, float] | None:
    """USD (left, used) of the whole account; None where the service does not tell it."""
    answer = await gateway.system("/yescale/user")
    match answer.body if answer else None:
        case {"success": True, "data": {"quota": quota, "used_quota": used}}:
            return (_number(quota) or 0.0) / UNITS, (_number(used) or 0.0) / UNITS
    return None


def _number(value: Json) -> float | None:
    """An amount, also as a text; None where it is none that can be told."""
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
