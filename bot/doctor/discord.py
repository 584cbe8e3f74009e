"""Discord's part of the doctor: the token, the application's switches, and the invite links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.config import Settings
from bot.doctor.report import Report, Seen, get, registered

DISCORD = "https://discord.com/api/v10"
PERMISSIONS = 274_878_024_704
"""View channel, send messages (also in threads), embed links, attach files, read history."""
PRIVILEGED = {"presences": 3 << 12, "server members": 3 << 14, "message content": 3 << 18}
"""Bits of an application's flags, full and limited, by the intent they switch on."""
STEPS = """\
To turn Discord on:
1. https://discord.com/developers/applications → New Application.
2. Bot → Reset Token → copy it to [discord] token. No privileged intent is needed.
3. Installation → tick Guild Install and User Install.
4. Run `atelier doctor` again: it prints the links that invite the bot."""


async def check_discord(settings: Settings, report: Report) -> None:
    """Ask Discord who the bot is and how its application is set up."""
    token = settings.discord.token.get_secret_value()
    if not token:
        report.note(f"off: [discord] token is not set\n{STEPS}")
        return
    base = settings.discord.api_url or DISCORD
    setting = "[discord] api_url" if settings.discord.api_url else ""
    agent = "DiscordBot (https://discord.com, 1)"

    async def ask(path: str) -> Seen:
        headers = {"Authorization": f"Bot {token}", "User-Agent": agent}
        return await get(f"{base}{path}", setting, **headers)

    me = await ask("/users/@me")
    if me.status == 401:
        report.wrong(
            "the token is not accepted: in the developer portal, Bot → Reset Token, and copy the "
            "new one to [discord] token"
        )
        return
    if me.status != 200:
        report.wrong(f"Discord answers HTTP {me.status}: try again in a while")
        return
    report.ok(f"the token works: the bot is {me.fields.get('username')}")
    app = await ask("/applications/@me")
    if app.status != 200 or "id" not in app.fields:
        report.note(f"the application's settings are not told (HTTP {app.status})")
        return
    _application(app.fields, settings.discord.user_install, report)
    for server in settings.discord.guild_ids or [""]:
        guild, where = (f"/guilds/{server}", f" in server {server}") if server else ("", "")
        commands = await ask(f"/applications/{app.fields['id']}{guild}/commands")
        if commands.status == 200 and isinstance(commands.body, list):
            registered([str(c.get("name")) for c in commands.body], where, report)
        elif server and commands.status in (403, 404):
            report.wrong(
                f"the bot is not in server {server}: invite it by the link above, or take the "
                "number out of [discord] guild_ids"
            )


def _application(app: Mapping[str, Any], user_install: bool, report: Report) -> None:
    """The switches in the portal that matter, and the links."""
    if app.get("interactions_endpoint_url"):
        report.wrong(
            "commands go to a web address instead of this bot: in the portal, General Information, "
            "empty Interactions Endpoint URL"
        )
    if app.get("bot_require_code_grant"):
        report.wrong("invitations fail: in the portal, Bot, switch Requires OAuth2 Code Grant off")
    if app.get("bot_public") is False:
        report.note("only you can invite the bot (portal: Bot → Public Bot)")
    flags = int(app.get("flags") or 0)
    on = [name for name, bits in PRIVILEGED.items() if flags & bits]
    extra = f"; {' and '.join(on)} may be switched off" if on else ""
    report.ok(f"intents: none of the privileged ones is needed{extra}")
    ways = app.get("integration_types_config")
    link = f"https://discord.com/oauth2/authorize?client_id={app['id']}"
    kinds = [("0", "Guild Install", f"bot+applications.commands&permissions={PERMISSIONS}")]
    if user_install:
        kinds.append(("1", "User Install", "applications.commands"))
    for key, name, scope in kinds:
        if isinstance(ways, dict) and key not in ways:
            report.wrong(
                f"the link for {name} is refused: in the portal, Installation, tick {name}"
            )
        else:
            whom = "to a server" if key == "0" else "for yourself, to use in all your chats"
            report.ok(f"add it {whom}:\n{link}&scope={scope}&integration_type={key}")
