"""Manners on Discord: its rates are kept without being told, and no secret is written anywhere."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from discord.http import HTTPClient

from adapters.discord.rest import Rest
from tests.discord_house import Walk, pressed, result, says, world
from tests.servers.discord import Message

ROOT = Path(__file__).parent.parent


def pictures(walk: Walk) -> list[Message]:
    return [m for m in walk.server.world.messages.values() if result()(m) and not m.deleted]


@pytest.mark.parametrize("edits", [None, (5, 5.0)])
async def test_a_busy_channel_never_meets_a_limit(
    tmp_path: Path, edits: tuple[int, float] | None
) -> None:
    """Five people at once: one board lists their jobs, every picture comes, and no call is refused
    for its pace, whether edits have a budget of their own or not.
    """
    async with world(tmp_path, strict=True, pace=0.06) as walk:
        walk.server.world.limits.edits = edits
        async with walk.bot():
            general = walk.server.guild("Studio").channel("general")
            people = [walk.person(name, general) for name in ("Ann", "Ben", "Cy", "Di", "Ed")]
            for number, person in enumerate(people):
                await person.slash(general, "imagine", prompt=f"fox {number} slow")
            # On a slow machine the first may have ended before the fifth is listed.
            await general.wait_message(
                lambda m: [b.label for b in m.buttons][:4] == [f"✖ {n}" for n in range(1, 5)], 15
            )
            await walk.server.world.watch.until(
                lambda: len(pictures(walk)) == 5, 40, lambda: "five pictures"
            )
            assert {m.pinged[0].name for m in pictures(walk)} == {p.name for p in people}
        assert walk.server.api.limiter.refused == 0
        walk.in_order()


@pytest.mark.parametrize(
    ("told", "apart"),
    [({}, False), ({"POST": "a"}, False), ({"POST": "a", "PATCH": "a"}, False),
     ({"POST": "a", "PATCH": "b"}, True)],
)  # fmt: skip
async def test_sends_and_edits_are_paced_apart_only_where_discord_says_so(
    told: dict[str, str], apart: bool
) -> None:
    """Discord publishes no rates: which calls count together stands in its answers' headers."""
    http = HTTPClient(asyncio.get_running_loop())
    tails = {"POST": "", "PATCH": "/{message_id}"}
    for method, name in told.items():
        http._bucket_hashes[f"{method} /channels/{{channel_id}}/messages{tails[method]}"] = name
    assert Rest(lambda: http).apart is apart
    assert not Rest(lambda: None).apart, "before it is logged in"


async def test_what_is_over_never_counts_as_under_way(tmp_path: Path) -> None:
    """Quick answers one after the other: no board lists them, and what is over is cleared away."""
    async with world(tmp_path, strict=True) as walk:
        async with walk.bot():
            ann, general = walk.people()
            for number in range(6):
                await ann.slash(general, "complete", text=f"story {number}")
                await general.wait_message(says(f"story {number}", "tokens"), timeout=30)
            await walk.server.world.watch.until(
                lambda: len(general.messages) == 6, 60, lambda: "six answers and nothing besides"
            )
            said = [state.content for message in general.log for state in message.history]
            assert not any("under way" in words for words in said)
        walk.in_order()


async def test_no_token_is_ever_written(tmp_path: Path) -> None:
    """The real program at its most talkative, through ordinary use and every kind of trouble."""
    async with world(tmp_path) as walk:
        server = walk.server
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "ATELIER_GATEWAY__BASE_URL": walk.gateway.url,
            "ATELIER_GATEWAY__API_KEY": "sandbox",
            "ATELIER_DISCORD__TOKEN": server.token,
            "ATELIER_DISCORD__API_URL": server.api_url,
            "ATELIER_DISCORD__GATEWAY_URL": server.gateway_url,
            "ATELIER_WEB__LISTEN": "127.0.0.1:0",
            "ATELIER_JOBS__POLL_SCALE": "0.01",
            "ATELIER_LOG__LEVEL": "debug",
        }
        program = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "bot", "run"),
            cwd=tmp_path,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            await server.wait_connected(timeout=20)
            await server.wait_commands(timeout=20)
            ann, general = walk.people()
            server.fail("/callback", 502, 2, after_effect=True)
            server.drop("@original", 1, method="PATCH")
            server.fail(r"^/channels/\d+/messages$", 500, 1, after_effect=True)
            await ann.slash(general, "imagine", prompt="a fox")
            four = await general.wait_message(result("a fox"), timeout=30)
            server.disconnect(resumable=True)
            await pressed(walk, ann, four, "U1")
            server.fail("@original", 401, 1, method="DELETE", body={"message": "no", "code": 50027})
            await (await ann.slash(general, "help")).wait_reply(timeout=10)
            server.redeliver(server.interactions[0])
        finally:
            began = time.monotonic()
            program.send_signal(signal.SIGTERM)
            written = (await program.communicate())[0].decode()
        assert time.monotonic() - began < 10
        assert program.returncode == 0
        assert "registered" in written
        assert server.token not in written
        assert [
            i for i in server.interactions if i.token in written or i.token[:40] in written
        ] == []
        assert "Traceback" not in written
        walk.in_order()
