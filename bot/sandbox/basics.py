"""What every gateway has whatever it serves: the list of models, and the key's money.

Owns the endpoints under `/v1/models` and the billing addresses.
"""

from collections.abc import Iterable

from aiohttp import web

from bot.sandbox.answers import json_answer
from bot.sandbox.ground import Ground

_UNITS_PER_USD = 500_000


class Basics:
    """Models and billing."""

    def __init__(self, ground: Ground, models: Iterable[str]) -> None:
        self._ground = ground
        self._models = sorted(models)

    def routes(self) -> Iterable[web.RouteDef]:
        """The endpoints; billing answers with and without `/v1`."""
        yield web.get("/v1/models", self._list_models)
        yield web.get("/api/usage/token", self._token_usage)
        for root in ("/v1", ""):
            yield web.get(f"{root}/dashboard/billing/subscription", self._subscription)
            yield web.get(f"{root}/dashboard/billing/usage", self._usage)

    async def _list_models(self, request: web.Request) -> web.Response:
        rows = [
            {
                "id": model,
                "object": "model",
                "created": 1626777600,
                "owned_by": "custom",
            }
            for model in self._models
        ]
        return json_answer({"object": "list", "data": rows, "success": True})

    async def _subscription(self, request: web.Request) -> web.Response:
        limit = round(self._ground.account.granted, 6)
        return json_answer(
            {
                "object": "billing_subscription",
                "has_payment_method": True,
                "soft_limit_usd": limit,
                "hard_limit_usd": limit,
                "system_hard_limit_usd": limit,
                "access_until": 0,
            }
        )

    async def _usage(self, request: web.Request) -> web.Response:
        cents = round(self._ground.account.used * 100, 4)
        return json_answer({"object": "list", "total_usage": cents})

    async def _token_usage(self, request: web.Request) -> web.Response:
        account = self._ground.account
        granted, used = (round(v * _UNITS_PER_USD) for v in (account.granted, account.used))
        data = {
            "object": "token_usage",
            "name": "sandbox",
            "total_granted": granted,
            "total_used": used,
            "total_available": granted - used,
            "unlimited_quota": False,
            "model_limits": {},
            "model_limits_enabled": False,
            "expires_at": 0,
        }
        return json_answer({"code": True, "message": "ok", "data": data})
