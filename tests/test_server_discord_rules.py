"""The rules of the pretend Discord that a well-behaved client library never meets."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.servers.discord import DiscordServer, Interaction, Limits, Person

COMMAND = {"name": "imagine", "description": "Paints", "type": 1}


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer(limits=Limits(on=False)) as ready:
        yield ready


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def _call(
    server: DiscordServer, http: aiohttp.ClientSession, method: str, path: str, body: Any = None
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bot {server.token}"}
    url = server.api_url + path
    async with http.request(method, url, json=body, headers=headers) as answer:
        return answer.status, await answer.json() if answer.status != 204 else None


async def _asked(
    server: DiscordServer, http: aiohttp.ClientSession, ann: Person
) -> tuple[Interaction, str]:
    """A command that waits for its answer, and the path of the answer."""
    path = f"/applications/{server.world.application_id}/commands"
    await _call(server, http, "PUT", path, [COMMAND])
    asked = await ann.slash(ann.dm(), "imagine")
    return asked, f"/interactions/{asked.id}/{asked.token}/callback"


async def _frame(socket: aiohttp.ClientWebSocketResponse, op: int) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(await socket.receive_str(timeout=2))
        if frame["op"] == op:
            return frame


def _identify(token: str, intents: int = 0) -> dict[str, Any]:
    return {"op": 2, "d": {"token": token, "intents": intents, "properties": {}}}


async def _opened(
    server: DiscordServer, http: aiohttp.ClientSession
) -> aiohttp.ClientWebSocketResponse:
    socket = await http.ws_connect(f"{server.gateway_url}?v=10&encoding=json")
    await _frame(socket, 10)
    return socket


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (_identify("wrong"), 4004),
        ({"op": 3, "d": {}}, 4003),
        ({"op": 99}, 4001),
        ({"d": 1}, 4002),
    ],
)
async def test_gateway_closes_on_breaches(
    server: DiscordServer, http: aiohttp.ClientSession, first: dict[str, Any], code: int
) -> None:
    socket = await _opened(server, http)
    await socket.send_json(first)
    await socket.receive(timeout=2)
    assert socket.close_code == code
    assert server.violations


async def test_privileged_intents_and_second_identify(
    server: DiscordServer, http: aiohttp.ClientSession
) -> None:
    socket = await _opened(server, http)
    await socket.send_json(_identify(server.token, 1 << 15))
    await socket.receive(timeout=2)
    assert socket.close_code == 4014
    again = await _opened(server, http)
    await again.send_json(_identify(server.token))
    await _frame(again, 0)
    await again.send_json(_identify(server.token))
    await again.receive(timeout=2)
    assert again.close_code == 4005


async def test_identify_too_soon_and_unknown_session(
    server: DiscordServer, http: aiohttp.ClientSession
) -> None:
    server.gateway.identify_gap = 5.0
    socket = await _opened(server, http)
    await socket.send_json(_identify(server.token))
    assert (await _frame(socket, 0))["t"] == "READY"
    other = await _opened(server, http)
    await other.send_json(_identify(server.token))
    assert (await _frame(other, 9))["d"] is False
    lost = {"op": 6, "d": {"token": server.token, "session_id": "no", "seq": 1}}
    await other.send_json(lost)
    assert (await _frame(other, 9))["d"] is False


async def test_missing_heartbeat_cuts_off() -> None:
    async with DiscordServer(heartbeat=0.05) as server, aiohttp.ClientSession() as http:
        socket = await _opened(server, http)
        await socket.receive(timeout=2)
        assert socket.close_code == 4009
        assert server.violations == ["gateway: no heartbeat in time"]


async def test_resume_replays_only_what_was_missed(
    server: DiscordServer, http: aiohttp.ClientSession
) -> None:
    socket = await _opened(server, http)
    await socket.send_json(_identify(server.token, 1 << 12))
    ready = await _frame(socket, 0)
    ann = server.user("Ann")
    await ann.say(ann.dm(), "one")
    seen = await _frame(socket, 0)
    server.disconnect(resumable=True)
    await ann.say(ann.dm(), "two")
    again = await _opened(server, http)
    session = {"session_id": ready["d"]["session_id"], "seq": seen["s"], "token": server.token}
    await again.send_json({"op": 6, "d": session})
    missed, resumed = await _frame(again, 0), await _frame(again, 0)
    assert (missed["t"], missed["d"]["content"]) == ("MESSAGE_CREATE", "two")
    assert (resumed["t"], resumed["s"]) == ("RESUMED", missed["s"] + 1)


async def test_ephemeral_answers_are_hidden_from_the_bots_token(
    server: DiscordServer, http: aiohttp.ClientSession
) -> None:
    ann = server.user("Ann")
    asked, path = await _asked(server, http, ann)
    body = {"type": 4, "data": {"content": "psst", "flags": 64}}
    assert (await _call(server, http, "POST", path, body))[0] == 204
    hidden = await asked.wait_reply()
    one = f"/channels/{ann.dm().id}/messages/{hidden.id}"
    status, answer = await _call(server, http, "PATCH", one, {"content": "x"})
    assert (status, answer["code"]) == (404, 10008)


async def test_edits_are_kept_and_v2_takes_no_content(
    server: DiscordServer, http: aiohttp.ClientSession
) -> None:
    ann = server.user("Ann")
    asked, path = await _asked(server, http, ann)
    await _call(server, http, "POST", path, {"type": 4, "data": {"content": "10 %"}})
    original = f"/webhooks/{server.world.application_id}/{asked.token}/messages/@original"
    await _call(server, http, "PATCH", original, {"content": "50 %"})
    shown = await asked.wait_reply()
    assert [state.content for state in shown.history] == ["10 %", "50 %"]
    v2 = {"flags": 1 << 15, "components": [{"type": 10, "content": "hi"}]}
    status, answer = await _call(server, http, "PATCH", original, v2)
    assert (status, answer["code"]) == (400, 50035)
    cleared = v2 | {"content": None, "embeds": None, "attachments": []}
    assert (await _call(server, http, "PATCH", original, cleared))[0] == 200
    assert shown.v2
    assert shown.text == "hi"


async def test_wrong_token_and_unknown_route(
    server: DiscordServer, http: aiohttp.ClientSession
) -> None:
    async with http.get(server.api_url + "/users/@me") as answer:
        assert answer.status == 401
    assert (await _call(server, http, "GET", "/nothing/here"))[0] == 404
    assert server.violations == ["GET /nothing/here: not served here"]


async def test_files_over_the_limit_and_mentions(
    server: DiscordServer, http: aiohttp.ClientSession
) -> None:
    server.world.limits.file_bytes = 10
    ann = server.user("Ann")
    path = f"/channels/{ann.dm().id}/messages"
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", json.dumps({"content": "big"}))
    form.add_field("files[0]", b"x" * 11, filename="big.bin")
    headers = {"Authorization": f"Bot {server.token}"}
    async with http.post(server.api_url + path, data=form, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (413, 40005)
    quiet = {"content": ann.mention, "allowed_mentions": {"parse": []}}
    await _call(server, http, "POST", path, quiet)
    await _call(server, http, "POST", path, {"content": ann.mention})
    assert [message.pinged for message in ann.dm().messages] == [[], [ann]]


async def test_content_is_hidden_without_its_intent(
    server: DiscordServer, http: aiohttp.ClientSession
) -> None:
    socket = await _opened(server, http)
    await socket.send_json(_identify(server.token, 1 << 9))
    await _frame(socket, 0)
    ann, general = server.user("Ann"), server.guild("Studio").channel("general")
    await ann.say(general, "secret")
    await ann.say(general, f"{server.bot.mention} hello")
    said = [(await _frame(socket, 0))["d"]["content"] for _ in range(2)]
    assert said == ["", f"{server.bot.mention} hello"]


async def test_a_reply_shows_of_its_target_what_may_be_read(
    server: DiscordServer, http: aiohttp.ClientSession
) -> None:
    """What somebody else wrote stays hidden in a reply that mentions the bot; direct messages
    hide nothing, and a reply without a ping hides itself.
    """
    socket = await _opened(server, http)
    await socket.send_json(_identify(server.token, 1 << 9 | 1 << 12))
    await _frame(socket, 0)
    ann, general = server.user("Ann"), server.guild("Studio").channel("general")
    secret = await ann.say(general, "secret")
    asked = await ann.say(general, f"{server.bot.mention} hello", reply_to=secret)
    await ann.say(general, "quiet", reply_to=asked, quietly=True)
    await ann.say(ann.dm(), "to you")
    seen = [(await _frame(socket, 0))["d"] for _ in range(4)]
    assert [each["content"] for each in seen] == ["", f"{server.bot.mention} hello", "", "to you"]
    assert seen[1]["referenced_message"]["content"] == ""
