"""The commands in Discord's own register: where they are, and that they stay as they should be."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.discord.app import DiscordSettings
from adapters.discord.commands import LOCALES, for_everywhere
from bot.app import App
from bot.config import Settings
from bot.doctor import examine, written
from core.commands import COMMANDS
from core.i18n import DEFAULT, languages, translator
from tests.discord_house import Walk, grid, result, world
from tests.house import running
from tests.servers.discord_commands import check_command

LISTED = {c.name for c in COMMANDS} | {m.title for c in COMMANDS for m in c.menus}


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with world(tmp_path) as found:
        yield found
        found.in_order()


def names(commands: list[dict[str, Any]]) -> set[str]:
    return {command["name"] for command in commands}


async def settled(walk: Walk, writes: int) -> None:
    """Wait until the bot has registered commands so many times."""
    await walk.server.world.watch.until(
        lambda: walk.server.commands.writes >= writes, 10, lambda: f"{writes} registrations"
    )


async def discord_says(app: App) -> str:
    """What the health page says of Discord."""
    async with aiohttp.ClientSession() as http, http.get(f"{app.address}/healthz") as answer:
        return str((await answer.json())["parts"]["discord"])


async def test_chosen_servers_have_the_commands_and_nobody_else(walk: Walk) -> None:
    """They work there at once, and are registered once."""
    home, other = walk.server.guild("Home"), walk.server.guild("Other")
    for _ in range(2):
        async with walk.bot(guild_ids=[home.id]):
            await settled(walk, 2)
            ann = walk.person("Ann", home.channel("general"))
            await grid(walk, ann, home.channels[-1])
            with pytest.raises(AssertionError, match="no command"):
                await ann.slash(other.channel("general"), "imagine", prompt="a fox")
    assert names(walk.server.commands.all(home.id)) == LISTED
    assert walk.server.commands.all() == walk.server.commands.all(other.id) == []
    assert walk.server.commands.writes == 2


async def test_moving_from_everywhere_to_a_server_and_back_leaves_nothing_behind(
    walk: Walk,
) -> None:
    """Nobody ever sees a command twice."""
    home = walk.server.guild("Home")
    async with walk.bot():
        await settled(walk, 1)
    assert names(walk.server.commands.all()) == LISTED
    async with walk.bot(guild_ids=[str(home.id)]):
        await settled(walk, 3)
    assert names(walk.server.commands.all(home.id)) == LISTED
    assert walk.server.commands.all() == []
    async with walk.bot():
        await settled(walk, 5)
    assert names(walk.server.commands.all()) == LISTED
    assert walk.server.commands.all(home.id) == []


async def test_a_server_without_the_bot_is_named_and_holds_up_nobody(walk: Walk) -> None:
    """The other servers get their commands; the owner reads what to do."""
    strange = walk.server.guild("Strange", bot_is_member=False)
    home = walk.server.guild("Home")
    async with walk.bot(guild_ids=[strange.id, 42, home.id]) as app:
        await settled(walk, 2)
        said = await discord_says(app)
        ann = walk.person("Ann", home.channel("general"))
        await grid(walk, ann, home.channels[-1])
    assert str(strange.id) in said
    assert "42" in said
    assert "invite it" in said
    assert names(walk.server.commands.all(home.id)) == LISTED


@pytest.mark.parametrize(("status", "times"), [(429, 2), (503, 4)])
async def test_a_registration_that_failed_is_tried_again(
    walk: Walk, status: int, times: int
) -> None:
    """Until Discord takes it."""
    body = {"message": "no", "code": 0, "retry_after": 0.5}
    failed = walk.server.fail("/commands$", status, times, method="PUT", body=body)
    async with walk.bot():
        ann, general = walk.people()
        await grid(walk, ann, general)
    assert failed.hits == times
    assert names(walk.server.commands.all()) == LISTED


async def test_a_changed_command_is_registered_again(walk: Walk) -> None:
    """Installing for people is part of every command, so that setting counts as a change."""
    async with walk.bot():
        pass
    async with walk.bot(user_install=False):
        await settled(walk, 2)
    assert {tuple(c["integration_types"]) for c in walk.server.commands.all()} == {(0,)}


async def test_commands_that_were_taken_away_come_back(walk: Walk) -> None:
    """By another program with the same token, or by hand."""
    async with walk.bot():
        pass
    walk.server.commands._known.clear()
    async with walk.bot():
        await settled(walk, 2)
    assert names(walk.server.commands.all()) == LISTED
    walk.server.fail("/commands$", 404, None, method="GET", body={"message": "no", "code": 0})
    async with walk.bot():
        await walk.server.wait_call(lambda c: c.method == "GET" and c.status == 404)
        ann, general = walk.people()
        await grid(walk, ann, general)
    assert walk.server.commands.writes == 2


async def test_commands_that_another_program_keeps_are_none_of_ours(walk: Walk) -> None:
    """A command that is registered no more here is answered with the way out."""
    async with walk.bot():
        ann, general = walk.people()
        known = walk.server.commands._known[None]
        known[1, "paint"] = known[1, "help"] | {"name": "paint"}
        reply = await (await ann.slash(general, "paint")).wait_reply()
        assert reply.ephemeral
        assert "/help" in reply.content


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("1, 22", ["1", "22"]),
        ('["1", 22]', ["1", "22"]),
        ([1, "22", 1], ["1", "22"]),
        (7, ["7"]),
        ("", []),
    ],
)
def test_servers_are_listed_as_people_write_them(given: object, expected: list[str]) -> None:
    assert DiscordSettings.model_validate({"guild_ids": given}).guild_ids == expected


@pytest.mark.parametrize("given", ["my server", "[1,", [True, {}], "-1"])
def test_a_server_that_is_no_number_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="guild_ids"):
        DiscordSettings.model_validate({"guild_ids": given})


def test_every_command_is_one_discord_takes_and_says_itself_in_every_language() -> None:
    """Names, bounds, sizes; descriptions in each language there are texts for."""
    drawn = for_everywhere(COMMANDS, user_install=True)
    assert [str(p) for command in drawn for p in check_command(command)] == []
    imagine = drawn[0]
    for lang in set(languages()) - {DEFAULT}:
        locales = [locale for locale in LOCALES if locale.split("-")[0] == lang]
        wanted = translator(lang)(COMMANDS[0].summary)
        assert {imagine["description_localizations"][locale] for locale in locales} == {wanted}
    assert len(json.dumps(drawn)) < 100_000


async def test_the_environment_names_servers_with_commas(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an owner without a settings file does it."""
    home, club = walk.server.guild("Home"), walk.server.guild("Club")
    monkeypatch.setenv("ATELIER_DISCORD__GUILD_IDS", f"{home.id}, {club.id}")
    given = {
        "token": walk.server.token,
        "api_url": walk.server.api_url,
        "gateway_url": walk.server.gateway_url,
    }
    async with running(walk.folder, walk.gateway.url, discord=given):
        await settled(walk, 3)
    assert names(walk.server.commands.all(home.id)) == LISTED
    assert names(walk.server.commands.all(club.id)) == LISTED


async def test_a_result_is_where_its_command_was_registered(walk: Walk) -> None:
    """A thread of a chosen server, and an age-restricted channel, are places like others."""
    home = walk.server.guild("Home")
    async with walk.bot(guild_ids=[home.id]):
        await settled(walk, 2)
        for room in (home.channel("thread", kind=11), home.channel("late", nsfw=True)):
            ann = walk.person("Ann", room)
            await ann.slash(room, "imagine", prompt="a fox")
            four = await room.wait_message(result("a fox"), timeout=15)
            assert not four.attachments[0].filename.startswith("SPOILER_")


async def test_the_doctor_looks_into_every_chosen_server(walk: Walk) -> None:
    """Registered in one, and not invited to the other: each is said."""
    home = walk.server.guild("Home")
    strange = walk.server.guild("Strange", bot_is_member=False)
    async with walk.bot(guild_ids=[home.id]):
        await settled(walk, 2)
    discord = {
        "token": walk.server.token,
        "api_url": walk.server.api_url,
        "gateway_url": walk.server.gateway_url,
        "guild_ids": [home.id, strange.id],
    }
    settings = Settings.model_validate({"discord": discord})
    reports = await examine(settings, seconds=5.0)
    lines = [line for line in written(reports) if "server" in line]
    assert any("all" in line and f"in server {home.id}" in line for line in lines)
    assert any(f"not in server {strange.id}" in line for line in lines)
