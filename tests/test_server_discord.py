"""The pretend Discord against the real discord.py."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field

import discord
import pytest
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests.servers.discord import DiscordServer, Interaction, Limits, Person

PNG = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\x06\0\0\0\x1f\x15\xc4\x89"
    b"\0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\5\0\1\xff\x89\x99=\x1d\0\0\0\0IEND\xaeB`\x82"
)


@dataclass
class Bot:
    """A small bot: it paints on /imagine and remembers what it was told."""

    client: discord.AutoShardedClient
    heard: list[discord.Interaction] = field(default_factory=list)


def _buttons() -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    view.add_item(discord.ui.Button(label="U1", custom_id="u:1"))
    view.add_item(discord.ui.Button(label="Remix", custom_id="remix"))
    view.stop()
    return view


def _form() -> discord.ui.Modal:
    modal = discord.ui.Modal(title="Remix", custom_id="form")
    box = discord.ui.TextInput[discord.ui.Modal](custom_id="prompt", default="a fox")
    modal.add_item(discord.ui.Label(text="Prompt", component=box))
    modal.stop()
    return modal


class _Client(discord.AutoShardedClient):
    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        return


def _declare(tree: app_commands.CommandTree[discord.AutoShardedClient]) -> None:
    everywhere = app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    installs = app_commands.allowed_installs(guilds=True, users=True)

    @tree.command(name="imagine", description="Paints a picture")
    @everywhere
    @installs
    async def imagine(
        context: discord.Interaction, prompt: str, image: discord.Attachment | None = None
    ) -> None:
        await context.response.defer()
        data = PNG if image is None else await image.read()
        file = discord.File(io.BytesIO(data), "fox.png")
        await context.edit_original_response(content=prompt, attachments=[file], view=_buttons())

    @imagine.autocomplete("prompt")
    async def offers(context: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{current} at dawn", value=f"{current} at dawn")]

    @tree.context_menu(name="Describe image")
    @everywhere
    async def describe(context: discord.Interaction, message: discord.Message) -> None:
        await context.response.send_message(f"{message.content}!", ephemeral=True)


@contextlib.asynccontextmanager
async def running(server: DiscordServer) -> AsyncIterator[Bot]:
    Route.BASE = server.api_url
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(server.gateway_url)
    client = _Client(intents=discord.Intents.none(), guild_ready_timeout=0)
    tree = app_commands.CommandTree(client)
    _declare(tree)
    bot = Bot(client)

    @client.event
    async def on_interaction(context: discord.Interaction) -> None:
        bot.heard.append(context)
        name = dict(context.data or {}).get("custom_id")
        if name == "u:1":
            await context.response.defer()
        elif name == "remix":
            await context.response.send_modal(_form())
        elif name == "form":
            await context.response.send_message("ok")

    client.setup_hook = tree.sync  # type: ignore[method-assign,assignment]
    task = asyncio.create_task(client.start(server.token))
    try:
        await server.wait_connected()
        yield bot
    finally:
        await client.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def _restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts discord.py's addresses back afterwards."""
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer(limits=Limits(on=False)) as ready:
        yield ready


@pytest.fixture
async def bot(server: DiscordServer) -> AsyncIterator[Bot]:
    async with running(server) as ready:
        yield ready


@pytest.fixture
def ann(server: DiscordServer) -> Person:
    return server.user("Ann")


async def refused(call: Awaitable[object], status: int, code: int) -> None:
    """Expects an answer of Discord's that is no success."""
    with pytest.raises(discord.HTTPException) as caught:
        await call
    assert (caught.value.status, caught.value.code) == (status, code)


async def test_command_button_form_and_menu(server: DiscordServer, bot: Bot, ann: Person) -> None:
    general = server.guild("Studio").channel("general")
    asked = await ann.slash(general, "imagine", prompt="a fox", image=PNG)
    grid = await asked.wait_reply(lambda message: message.attachments)
    assert (grid.content, grid.attachments[0].data) == ("a fox", PNG)
    assert grid in general.messages

    await (await ann.click(grid, "U1")).wait_ack()
    opened = await (await ann.click(grid, "remix")).wait_ack()
    assert opened.modal is not None
    assert opened.modal.field("Prompt").value == "a fox"
    sent = await ann.submit(opened.modal, prompt="two foxes")
    assert (await sent.wait_reply()).content == "ok"

    described = await (await ann.menu(grid, "Describe image")).wait_reply()
    assert described.content == "a fox!"
    assert described.ephemeral
    assert ann.sees(described)
    assert not server.user("Ben").sees(described)
    assert (server.violations, server.api.own_faults) == ([], [])


async def test_autocomplete_and_refused_options(
    server: DiscordServer, bot: Bot, ann: Person
) -> None:
    chat = ann.dm()
    offered = await ann.autocomplete(chat, "imagine", "prompt", "fox")
    assert offered[0]["value"] == "fox at dawn"
    with pytest.raises(AssertionError, match="no options"):
        await ann.slash(chat, "imagine", prompt="a", colour="red")
    with pytest.raises(AssertionError, match="needs"):
        await ann.slash(chat, "imagine")
    with pytest.raises(AssertionError, match="registered"):
        await ann.slash(chat, "paint")


async def test_user_install_outside(server: DiscordServer, bot: Bot, ann: Person) -> None:
    place = server.outside()
    with pytest.raises(AssertionError, match="not installed"):
        await ann.slash(place, "imagine", prompt="a")
    ann.installed = True
    asked = await ann.slash(place, "imagine", prompt="a")
    await asked.wait_reply(lambda message: message.attachments)
    for number in range(5):
        await bot.heard[-1].followup.send(f"{number}")
    await refused(bot.heard[-1].followup.send("six"), 400, 40094)
    await refused(bot.client.http.get_channel(place.id), 403, 50001)


async def _replayed(server: DiscordServer, bot: Bot, ann: Person) -> Interaction:
    asked = await ann.slash(ann.dm(), "imagine", prompt="missed")
    await asked.wait_reply(lambda message: message.attachments)
    return asked


async def test_missed_events_are_replayed(server: DiscordServer, bot: Bot, ann: Person) -> None:
    server.disconnect(resumable=True)
    await _replayed(server, bot, ann)
    assert (server.gateway.identifies, server.gateway.resumes) == (1, 1)
    server.gateway.reconnect()
    await server.world.watch.until(lambda: server.gateway.resumes == 2, 10, lambda: "a resume")
    await _replayed(server, bot, ann)
    assert server.violations == []


async def test_one_answer_in_three_seconds(server: DiscordServer, bot: Bot, ann: Person) -> None:
    asked = await ann.slash(ann.dm(), "imagine", prompt="a")
    await asked.wait_reply(lambda message: message.attachments)
    again = {"type": 5}
    path = f"/interactions/{asked.id}/{asked.token}/callback"
    await refused(bot.client.http.request(Route("POST", path), json=again), 400, 40060)

    server.clock.advance(15 * 60 + 1)
    await refused(bot.heard[-1].edit_original_response(content="late"), 401, 50027)

    held = server.hang("/callback")
    late = await ann.slash(ann.dm(), "imagine", prompt="b")
    await held.wait_hit()
    server.clock.advance(4)
    held.cancel()
    called = await server.wait_call(lambda call: call.code == 10062)
    assert called.status == 404
    assert late.failed
    assert server.unanswered == [late]


async def test_nonce_and_limits(server: DiscordServer, bot: Bot, ann: Person) -> None:
    chat = ann.dm()
    route = Route("POST", f"/channels/{chat.id}/messages")
    body = {"content": "once", "nonce": "n1", "enforce_nonce": True}
    first = await bot.client.http.request(route, json=body)
    second = await bot.client.http.request(route, json=body)
    assert first["id"] == second["id"]
    assert len(chat.messages) == 1
    await refused(bot.client.http.request(route, json={"content": "x" * 2001}), 400, 50035)
    await refused(bot.client.http.request(route, json={"content": ""}), 400, 50006)
    ann.close_dms()
    await refused(bot.client.http.request(route, json={"content": "hi"}), 403, 50007)


async def test_sends_are_rate_limited(server: DiscordServer, bot: Bot, ann: Person) -> None:
    server.world.limits.on = True
    server.world.limits.messages = (2, 0.2)
    target = bot.client.get_partial_messageable(ann.dm().id)
    await asyncio.gather(*(target.send(f"{number}") for number in range(5)))
    assert len(ann.dm().messages) == 5


async def test_down_and_up_and_faults(server: DiscordServer, bot: Bot, ann: Person) -> None:
    fault = server.fail(f"/channels/{ann.dm().id}/messages", 403, body={"code": 50013})
    target = bot.client.get_partial_messageable(ann.dm().id)
    await refused(target.send("hi"), 403, 50013)
    assert fault.hits == 1
    await server.down()
    await server.up()
    await server.wait_connected(timeout=20)
    await _replayed(server, bot, ann)


async def test_redelivered_interaction_is_answered_once(
    server: DiscordServer, bot: Bot, ann: Person
) -> None:
    asked = await _replayed(server, bot, ann)
    server.redeliver(asked)
    await server.wait_call(lambda call: call.code == 40060)
    assert len(ann.dm().messages) == 1
