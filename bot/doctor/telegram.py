"""Telegram's part of the doctor: the token, groups, the command menu, and how updates come."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from adapters.telegram.commands import menu
from bot.config import Settings
from bot.doctor.report import Report, Unreachable, get, registered
from core.commands import COMMANDS
from core.i18n import DEFAULT, translator

STEPS = """\
To turn Telegram on:
1. Write /newbot to https://t.me/BotFather and answer its two questions.
2. Copy the token it gives to [telegram] token.
3. Leave privacy mode on (/setprivacy) and groups allowed (/setjoingroups)."""
REFUSED = (
    "the token is not accepted: write /token to https://t.me/BotFather and copy what it gives to "
    "[telegram] token"
)

Ask = Callable[[str], Awaitable[Any]]


async def check_telegram(settings: Settings, report: Report) -> None:
    """Ask Telegram who the bot is and how it is set up."""
    token = settings.telegram.token.get_secret_value()
    if not token:
        report.note(f"off: [telegram] token is not set\n{STEPS}")
        return
    if not re.fullmatch(r"\d+:[\w-]+", token, re.ASCII):
        report.wrong(f"{REFUSED}. It looks like 123456:ABC-def")
        return
    root = settings.telegram.api_url.rstrip("/")
    setting = "" if urlsplit(root).hostname == "api.telegram.org" else "[telegram] api_url"

    async def ask(method: str) -> Any:
        seen = await get(f"{root}/bot{token}/{method}", setting)
        if seen.status in (401, 404):
            raise Unreachable(REFUSED)
        if seen.status != 200 or not seen.fields.get("ok"):
            raise Unreachable(f"Telegram answers HTTP {seen.status}: try again in a while")
        return seen.fields.get("result")

    me = await ask("getMe")
    name = me.get("username")
    report.ok(f"the token works: the bot is @{name}, https://t.me/{name}")
    _groups(me, report)
    await _menus(ask, report)
    _updates(await ask("getWebhookInfo"), settings, report)


def _groups(me: Mapping[str, Any], report: Report) -> None:
    if me.get("can_read_all_group_messages"):
        report.note(
            "privacy mode is off: in groups the bot is sent everything people write. It needs only "
            "commands and replies: /setprivacy at @BotFather → Enable"
        )
    else:
        report.ok(
            "privacy mode is on, as it should: in groups it sees commands and replies, no more"
        )
    if me.get("can_join_groups") is False:
        report.note("it cannot be added to groups: /setjoingroups at @BotFather → Enable")


async def _menus(ask: Ask, report: Report) -> None:
    """The command menu; one that was set for a narrower scope hides the bot's own."""
    ours = {name for name, _ in menu(COMMANDS, translator(DEFAULT))}
    registered([str(c.get("command")) for c in await ask("getMyCommands")], "", report)
    for kind in ("all_private_chats", "all_group_chats", "all_chat_administrators"):
        found = await ask(f'getMyCommands?scope={{"type":"{kind}"}}')
        names = {str(c.get("command")) for c in found}
        if names and not ours <= names:
            report.wrong(
                f"an older menu for {kind.replace('_', ' ')} hides the bot's commands: "
                "/deletecommands at @BotFather, then start the bot again"
            )


def _updates(info: Mapping[str, Any], settings: Settings, report: Report) -> None:
    url, mode = str(info.get("url") or ""), settings.telegram.mode
    host = urlsplit(url).hostname
    if mode == "polling" and url:
        report.note(
            f"updates go to a webhook at {host}; `atelier run` takes it off, since [telegram] mode "
            "is polling. If another program set it, give that one its own bot"
        )
    elif mode == "polling":
        report.ok("updates come by polling, and no webhook is in the way")
    elif not url.startswith(settings.telegram.webhook_url):
        report.note(f"the webhook is not set yet ({host or 'none'}): `atelier run` does that")
    elif info.get("last_error_message"):
        report.wrong(
            f"Telegram does not get through to {host}: {info['last_error_message']}. The address "
            f"must lead to [web] listen = {settings.web.listen}"
        )
    else:
        report.ok(f"updates come by webhook at {host}")
