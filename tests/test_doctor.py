"""The doctor against pretend servers: what is well is said so, what is not comes with its fix."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.config import Settings
from bot.doctor import examine, written
from bot.doctor.report import Report
from bot.sandbox import Sandbox
from core.commands import COMMANDS
from tests.house import running
from tests.servers.discord import DiscordServer
from tests.servers.telegram import TelegramServer

KEY = "sk-doctor-key-123456"
TELEGRAM = "123456:abcdefghijklmnopqrstuvwxyzABCDEFGHI"


class Clinic:
    """The three servers, and the settings that lead to them."""

    def __init__(self, folder: Path) -> None:
        self.gateway = Sandbox(pace=0.03, image_size=64, keys=(KEY,))
        self.discord = DiscordServer()
        self.telegram = TelegramServer(token=TELEGRAM, username="atelier_bot")
        self.folder = folder

    def sections(self) -> dict[str, dict[str, Any]]:
        """The settings with everything set up."""
        discord = self.discord
        return {
            "gateway": {"base_url": self.gateway.url, "api_key": KEY},
            "discord": {
                "token": discord.token,
                "api_url": discord.api_url,
                "gateway_url": discord.gateway_url,
            },
            "telegram": {"token": TELEGRAM, "api_url": self.telegram.url},
            "web": {"listen": "127.0.0.1:9"},
            "store": {"url": f"sqlite:///{self.folder}/atelier.db"},
            "archive": {"dir": str(self.folder / "archive")},
        }

    async def found(self, seconds: float = 5.0, **changes: dict[str, Any]) -> dict[str, Report]:
        """What the doctor finds with some settings changed, by title."""
        sections = self.sections()
        for name, values in changes.items():
            sections[name] = sections.get(name, {}) | values
        settings = Settings.model_validate(sections)
        reports = await examine(settings, seconds=seconds)
        text = "\n".join(written(reports))
        for secret in settings.secrets():
            assert secret not in text
        return {report.title: report for report in reports}


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncIterator[Clinic]:
    made = Clinic(tmp_path)
    await made.gateway.start()
    async with made.discord, made.telegram:
        yield made
    await made.gateway.stop()


def says(report: Report, mark: str, *words: str) -> bool:
    """Whether one line of such a mark has all the words."""
    return any(m == mark and all(w in text for w in words) for m, text in report.lines)


# -- all well ----------------------------------------------------------------------------------


async def test_when_all_is_well_every_line_says_so(clinic: Clinic) -> None:
    found = await clinic.found()
    assert all(report.well for report in found.values()), found
    assert says(found["Gateway"], "ok", "the key is accepted")
    assert says(found["Gateway"], "ok", "Midjourney is reached")
    assert says(found["Gateway"], "ok", "$100,000.00 left")
    assert says(found["Discord"], "ok", "the bot is atelier")
    assert says(found["Discord"], "ok", "none of the privileged ones")
    assert says(found["Telegram"], "ok", "@atelier_bot", "https://t.me/atelier_bot")
    assert says(found["Telegram"], "ok", "privacy mode is on")
    assert says(found["Telegram"], "ok", "polling")
    assert says(found["Store"], "ok", "SQLite")
    assert says(found["Archive"], "ok", "can be written")
    assert says(found["Clock"], "ok", "right")


async def test_the_invite_links_are_printed_for_servers_and_for_people(clinic: Clinic) -> None:
    found = await clinic.found()
    link = f"https://discord.com/oauth2/authorize?client_id={clinic.discord.bot.id}"
    assert says(found["Discord"], "ok", "to a server", link, "scope=bot+applications.commands")
    assert says(found["Discord"], "ok", "for yourself", link, "integration_type=1")


async def test_nothing_is_paid_and_nothing_is_changed(clinic: Clinic) -> None:
    await clinic.found()
    assert clinic.gateway.submits == []
    assert {call.method for call in clinic.discord.calls} == {"GET"}
    changing = [c.method for c in clinic.telegram.calls if not c.method.lower().startswith("get")]
    assert changing == []
    assert clinic.discord.violations == []
    assert clinic.telegram.violations == []


async def test_without_any_setting_it_says_what_to_set_and_prints_the_steps(tmp_path: Path) -> None:
    blank = {
        "gateway": {"base_url": "http://127.0.0.1:9"},
        "web": {"listen": "127.0.0.1:9"},
        "store": {"url": f"sqlite:///{tmp_path}/a.db"},
        "archive": {"dir": str(tmp_path)},
    }
    reports = await examine(Settings.model_validate(blank), seconds=5)
    found = {report.title: report for report in reports}
    assert says(found["Gateway"], "wrong", "[gateway] api_key is not set")
    assert says(found["Discord"], "note", "off", "Reset Token", "Installation")
    assert says(found["Telegram"], "note", "off", "/newbot", "/setprivacy")


async def test_a_family_key_alone_is_enough(clinic: Clinic) -> None:
    found = await clinic.found(gateway={"api_key": "", "keys": {"midjourney": KEY}})
    assert found["Gateway"].well, found["Gateway"]
    assert says(found["Gateway"], "ok", "the key for midjourney is accepted")
    assert says(found["Gateway"], "note", "Pictures has no key")


# -- wrong secrets -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "values", "title", "fix"),
    [
        ("gateway", {"api_key": "sk-wrong-key-1"}, "Gateway", "look at the gateway's page"),
        ("discord", {"token": "wrong-token-123"}, "Discord", "Reset Token"),
        ("telegram", {"token": "123456:wrong-token"}, "Telegram", "/token"),
        ("telegram", {"token": "just words"}, "Telegram", "looks like 123456:ABC"),
    ],
)
async def test_a_wrong_secret_is_named_with_where_to_get_another(
    section: str, values: dict[str, Any], title: str, fix: str, clinic: Clinic
) -> None:
    found = await clinic.found(**{section: values})
    assert says(found[title], "wrong", "not accepted", fix), found[title]
    assert all(report.well for name, report in found.items() if name != title)


async def test_a_key_that_opens_only_one_family_is_named(clinic: Clinic) -> None:
    found = await clinic.found(gateway={"keys": {"midjourney": "sk-other-key-9"}})
    assert says(found["Gateway"], "wrong", "not accepted", "[gateway.keys] midjourney")
    assert says(found["Gateway"], "ok", "the key is accepted")


# -- servers in trouble ------------------------------------------------------------------------


async def test_servers_that_are_down_are_named_each_on_its_own(clinic: Clinic) -> None:
    down = "http://127.0.0.1:9"
    found = await clinic.found(
        gateway={"base_url": down},
        discord={"api_url": f"{down}/api/v10", "gateway_url": "ws://127.0.0.1:9"},
        telegram={"api_url": down},
    )
    assert says(found["Gateway"], "wrong", "127.0.0.1:9 cannot be reached", "[gateway] base_url")
    assert says(found["Discord"], "wrong", "connection refused", "[discord] api_url")
    assert says(found["Telegram"], "wrong", "connection refused", "[telegram] api_url")
    assert found["Store"].well
    assert found["Archive"].well


async def test_servers_that_never_answer_hold_it_up_no_longer_than_its_time(clinic: Clinic) -> None:
    clinic.gateway.faults.add("", hang=True, times=None)
    clinic.discord.hang("", None)
    clinic.telegram.hang(".*", None)
    began = time.monotonic()
    found = await clinic.found(seconds=0.5)
    assert time.monotonic() - began < 3
    for title in ("Gateway", "Discord", "Telegram"):
        assert says(found[title], "wrong", "no answer within 0.5 seconds"), title


async def test_a_web_site_in_the_gateways_place_is_not_taken_for_it(clinic: Clinic) -> None:
    clinic.gateway.faults.add("", status=200, body="<html>Welcome</html>", times=None)
    found = await clinic.found()
    assert says(found["Gateway"], "wrong", "is not served", "[gateway] base_url")


@pytest.mark.parametrize("trouble", ["fail", "html", "garble", "drop"])
async def test_a_telegram_in_trouble_is_a_finding_and_no_crash(
    trouble: str, clinic: Clinic
) -> None:
    getattr(clinic.telegram, trouble)("getMe", times=None)
    found = await clinic.found()
    assert not found["Telegram"].well
    assert not says(found["Telegram"], "wrong", "the check itself failed")


async def test_a_discord_in_trouble_is_a_finding_and_no_crash(clinic: Clinic) -> None:
    clinic.discord.fail("/users/@me", 503, None)
    assert says((await clinic.found())["Discord"], "wrong", "HTTP 503")


# -- the gateway's money -----------------------------------------------------------------------


async def test_an_empty_account_is_said_so(clinic: Clinic) -> None:
    clinic.gateway.ground.account.granted = 0.0
    assert says((await clinic.found())["Gateway"], "wrong", "top it up")


async def test_the_balance_is_read_wherever_it_is_told(clinic: Clinic) -> None:
    """Errors of the billing addresses come as HTTP 200 with an error object."""
    refused = {"error": {"message": "no such thing"}}
    clinic.gateway.faults.add("billing", status=200, body=refused, times=None)
    assert says((await clinic.found())["Gateway"], "ok", "$100,000.00 left")
    clinic.gateway.faults.add("api/usage", status=200, body=refused, times=None)
    assert says((await clinic.found())["Gateway"], "note", "the balance is not told")


async def test_models_the_key_may_not_use_are_named(clinic: Clinic) -> None:
    rows = {"data": [{"id": "mj_imagine"}, {"id": "gpt-5"}]}
    clinic.gateway.faults.add("/v1/models", status=200, body=rows, times=None)
    report = (await clinic.found())["Gateway"]
    assert says(report, "note", "not mj_blend", "group")
    assert not says(report, "note", "mj_imagine")


# -- how the chats are set up ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "mark", "words"),
    [
        ({"interactions_endpoint_url": "https://x.example"}, "wrong", "Interactions Endpoint URL"),
        ({"bot_require_code_grant": True}, "wrong", "Requires OAuth2 Code Grant off"),
        ({"integration_types_config": {"0": {}}}, "wrong", "tick User Install"),
        ({"integration_types_config": {"1": {}}}, "wrong", "tick Guild Install"),
        ({"bot_public": False}, "note", "only you can invite"),
        ({"flags": 1 << 19}, "ok", "message content may be switched off"),
    ],
)
async def test_a_switch_of_the_portal_that_is_wrong_is_named(
    change: dict[str, Any], mark: str, words: str, clinic: Clinic
) -> None:
    body = {"id": "1", "bot_public": True, "integration_types_config": {"0": {}, "1": {}}} | change
    clinic.discord.fail("/applications/@me", 200, None, body=body)
    assert says((await clinic.found())["Discord"], mark, words)


async def test_telegrams_switches_are_looked_at(clinic: Clinic) -> None:
    clinic.telegram.me["can_read_all_group_messages"] = True
    clinic.telegram.me["can_join_groups"] = False
    report = (await clinic.found())["Telegram"]
    assert says(report, "note", "privacy mode is off", "/setprivacy")
    assert says(report, "note", "/setjoingroups")


async def test_a_menu_that_hides_the_bots_own_is_found(clinic: Clinic) -> None:
    old = [{"command": "old", "description": "An older bot's"}]
    clinic.telegram.world.settings["commands", ("all_group_chats", 0, 0), ""] = old
    report = (await clinic.found())["Telegram"]
    assert says(report, "wrong", "all group chats", "/deletecommands")


async def test_after_a_run_the_commands_are_registered_on_both(clinic: Clinic) -> None:
    before = await clinic.found()
    menu = clinic.telegram.delay("setMyCommands", 0.0, after_effect=True)
    sections = {k: v for k, v in clinic.sections().items() if k in ("discord", "telegram")}
    async with running(clinic.folder / "run", clinic.gateway.url, **sections):
        await clinic.discord.wait_commands()
        await menu.wait_hit()
    after = await clinic.found()
    for title in ("Discord", "Telegram"):
        assert says(before[title], "note", "no command is registered")
        assert says(after[title], "ok", f"all {sum(not c.owner for c in COMMANDS)} commands"), (
            after[title]
        )


# -- this machine ------------------------------------------------------------------------------


async def test_a_bot_that_runs_is_found_and_left_alone(clinic: Clinic) -> None:
    store = {"url": f"sqlite:///{clinic.folder}/atelier.db"}
    async with running(clinic.folder, clinic.gateway.url, store=store) as app:
        found = await clinic.found(web={"listen": app.address.removeprefix("http://")})
    assert says(found["Store"], "note", "running", "left alone")
    assert says(found["Program"], "ok", "running at")


async def test_another_program_at_the_bots_address_is_named(clinic: Clinic) -> None:
    found = await clinic.found(web={"listen": clinic.gateway.url.removeprefix("http://")})
    assert says(found["Program"], "wrong", "another program", "[web] listen")


async def test_a_store_and_an_archive_that_cannot_be_used_are_named(clinic: Clinic) -> None:
    (clinic.folder / "file").write_text("in the way")
    found = await clinic.found(
        store={"url": f"sqlite:///{clinic.folder}/file/atelier.db"},
        archive={"dir": str(clinic.folder / "file" / "archive")},
    )
    assert says(found["Store"], "wrong", "[store] url"), found["Store"]
    assert says(found["Archive"], "wrong", "[archive] dir")


async def test_a_database_that_is_away_is_named_without_its_password(clinic: Clinic) -> None:
    found = await clinic.found(store={"url": "postgresql://me:hunter22x@127.0.0.1:9/atelier"})
    assert says(found["Store"], "wrong", "[store] url"), found["Store"]


async def test_a_clock_that_is_wrong_is_named(clinic: Clinic) -> None:
    async def late(request: web.Request) -> web.Response:
        return web.json_response({}, headers={"Date": "Thu, 01 Jan 2026 00:00:00 GMT"})

    app = web.Application()
    app.router.add_get("/{rest:.*}", late)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        found = await clinic.found(gateway={"base_url": base})
    finally:
        await runner.cleanup()
    assert says(found["Clock"], "wrong", "timedatectl")
