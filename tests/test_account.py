"""What gateways tell of the money that is left, in whatever form they print it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from core.gateway.account import left_on
from tests.test_gateway import client, serving

USED = {"code": True, "data": {"total_available": 750_000, "unlimited_quota": False}}


@pytest.mark.parametrize(
    ("limit", "used", "key", "left"),
    [
        ("10.5", "123.4", {}, 9.266),
        ('"10.5"', '"123.4"', {}, 9.266),
        ("1e400", "NaN", {}, None),
        ("1e400", "NaN", USED, 1.5),
        ("null", "null", USED, 1.5),
        ('"much"', "5", {"data": {"total_available": "NaN"}}, None),
    ],
)
async def test_what_is_left_is_a_number_or_not_told(
    tmp_path: Path, limit: str, used: str, key: Any, left: float | None
) -> None:
    """No owner is shown an amount that is none."""
    bodies = {
        "subscription": f'{{"hard_limit_usd": {limit}}}',
        "usage": f'{{"total_usage": {used}}}',
    }

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/api/usage/token":
            return web.json_response(key)
        return web.Response(text=bodies[request.path.rpartition("/")[2]])

    async with serving(handler) as base, client(tmp_path, base) as gateway:
        found = await left_on(gateway, "")

    assert found == (None if left is None else pytest.approx(left))
