"""`atelier doctor`: looks at everything an owner sets up, and says for each thing: ok, or what to do.

Asks only questions that change nothing and cost nothing. Knows the servers' own words for what is
wrong; the settings' own mistakes are `bot.config`'s. Every check has its time, and none stops
another.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

import aiohttp

from adapters.telegram.commands import menu
from bot.config import Settings
from bot.log import Masker
from core.archive import Archive
from core.commands import COMMANDS
from core.errors import BotError, StoreError
from core.gateway import Gateway
from core.i18n import DEFAULT, translator
from core.providers import catalogue, providers
from core.providers.base import Provider, Ticket
from core.store import Store
from core.wire import Answer, Call

SECONDS = 15.0
"""The longest one check may take."""
DISCORD = "https://discord.com/api/v10"
PERMISSIONS = 274_878_024_704
"""View channel, send messages (also in threads), embed links, attach files, read history."""
PRIVILEGED = {"presences": 3 << 12, "server members": 3 << 14, "message content": 3 << 18}
"""Bits of an application's flags, full and limited, by the intent they switch on."""
ROOM = 1_000_000_000
"""Bytes of free disk below which results may soon not be kept."""
DRIFT = 10.0
"""Seconds a clock may be wrong; interaction tokens and retries are counted by it."""
UNLIMITED = 100_000_000
"""USD a gateway states for a key without a limit of its own."""

DISCORD_STEPS = """\
To turn Discord on:
1. https://discord.com/developers/applications → New Application.
2. Bot → Reset Token → copy it to [discord] token. No privileged intent is needed.
3. Installation → tick Guild Install and User Install.
4. Run `atelier doctor` again: it prints the links that invite the bot."""
TELEGRAM_STEPS = """\
To turn Telegram on:
1. Write /newbot to https://t.me/BotFather and answer its two questions.
2. Copy the token it gives to [telegram] token.
3. Leave privacy mode on (/setprivacy) and groups allowed (/setjoingroups)."""

Mark: TypeAlias = Literal["ok", "wrong", "note"]
SIGNS: Mapping[Mark, str] = {"ok": "✔", "wrong": "✘", "note": "–"}


@dataclass(slots=True)
class Report:
    """What was found about one subject, as (mark, sentence) lines."""

    title: str
    lines: list[tuple[Mark, str]] = field(default_factory=list)

    def ok(self, text: str) -> None:
        """Something works."""
        self.lines.append(("ok", text))

    def wrong(self, text: str) -> None:
        """Something does not; the text says what to do."""
        self.lines.append(("wrong", text))

    def note(self, text: str) -> None:
        """Something is off, not told, or good to know."""
        self.lines.append(("note", text))

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return all(mark != "wrong" for mark, _ in self.lines)


class _Unreachable(Exception):
    """A server did not answer; the text says how."""


Check: TypeAlias = Callable[[Settings, Report], Awaitable[None]]


async def examine(settings: Settings, *, seconds: float = SECONDS) -> list[Report]:
    """Run all checks side by side, each for at most `seconds`; their texts hold no secret."""
    checks: dict[str, Check] = {
        "Gateway": _gateway,
        "Discord": _discord,
        "Telegram": _telegram,
        "Store": _store,
        "Archive": _archive,
        "Clock": _clock,
        "Program": _program,
    }
    reports = [Report(title) for title in checks]
    async with asyncio.TaskGroup() as tasks:
        for report, check in zip(reports, checks.values(), strict=True):
            tasks.create_task(_guarded(check, settings, report, seconds))
    mask = Masker(settings.secrets())
    for report in reports:
        report.lines[:] = [(mark, mask(text)) for mark, text in report.lines]
    return reports


async def _guarded(check: Check, settings: Settings, report: Report, seconds: float) -> None:
    """Run one check; what goes wrong with it is its own finding."""
    try:
        async with asyncio.timeout(seconds):
            await check(settings, report)
    except TimeoutError:
        report.wrong(f"no answer within {seconds:g} seconds: look at the network and the address")
    except (_Unreachable, BotError) as error:
        report.wrong(str(error))
    except Exception as error:
        report.wrong(f"the check itself failed: {type(error).__name__}: {error}")


def written(reports: Sequence[Report]) -> Iterator[str]:
    """The lines to print."""
    for report in reports:
        yield report.title
        for mark, text in report.lines:
            first, *more = text.splitlines()
            yield f"  {SIGNS[mark]} {first}"
            yield from (f"    {line}" for line in more)
    wrong = sum(mark == "wrong" for report in reports for mark, _ in report.lines)
    yield ""
    yield "All is well." if not wrong else f"{wrong} to mend: see the lines with {SIGNS['wrong']}."


# -- speaking HTTP -----------------------------------------------------------------------------


async def _get(url: str, named: str, **headers: str) -> tuple[int, Any, Mapping[str, str]]:
    """(status, body, headers) of a GET; the body is {} when it is no JSON."""
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(url, headers=headers, allow_redirects=False) as response,
        ):
            body = await response.content.read(4_000_000)
            return response.status, _json(body), response.headers
    except (aiohttp.ClientError, ValueError, OSError) as error:
        host = urlsplit(url).netloc
        raise _Unreachable(
            f"{host} cannot be reached ({type(error).__name__}): look at the network and {named}"
        ) from None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return {}


# -- the gateway -------------------------------------------------------------------------------


async def _gateway(settings: Settings, report: Report) -> None:
    """The key, what it reaches, and what is left on it."""
    families = providers(settings.midjourney)
    own = settings.gateway.keys
    if not settings.gateway.api_key.get_secret_value() and set(families) - set(own):
        report.wrong("[gateway] api_key is not set: make a key at the gateway and put it there")
        return
    with tempfile.TemporaryDirectory(prefix="atelier-") as folder:
        async with Gateway(settings.gateway, Archive(Path(folder))) as gateway:
            models = await _models(gateway, report)
            if models is None:
                return
            for family in families.values():
                await _family(gateway, family, settings, models, report)
            await _balance(gateway, report)


async def _models(gateway: Gateway, report: Report) -> set[str] | None:
    """The models the key may use, empty if not told; None when the key is refused."""
    answer = await _ask(gateway, "/v1/models")
    match answer:
        case Answer(status=401 | 403):
            report.wrong(
                f"the key is not accepted (HTTP {answer.status}): it is mistyped, disabled, expired "
                "or used up; look at the gateway's page and at [gateway] api_key"
            )
            return None
        case Answer(status=200, body={"data": [*rows]}):
            report.ok("the key is accepted")
            return {str(row.get("id")) for row in rows if isinstance(row, dict)}
        case _:
            report.note(f"whether the key is accepted is not told (HTTP {answer.status})")
            return set()


async def _family(
    gateway: Gateway, family: Provider, settings: Settings, models: set[str], report: Report
) -> None:
    """Ask for a job that does not exist: free, and it tells whether the address is served."""
    call = family.look(Ticket(family.family, "0"))
    answer = await gateway.send(call)
    name = family.family.capitalize()
    offers = catalogue({family.family: family}, settings.models)
    missing = sorted(key for key in offers if key not in models)
    if answer.status in (401, 403):
        report.wrong(f"{name}: the key is not accepted; see [gateway.keys] {family.family}")
    elif answer.status >= 500:
        report.wrong(f"{name}: the gateway answers HTTP {answer.status}; try again in a while")
    elif answer.status == 404 and "invalid url" in str(answer.body).lower():
        report.wrong(f"{name}: {call.path} is not served; see [gateway] base_url and paths")
    elif not models or len(missing) == len(offers):
        report.ok(f"{name} is reached; which of its models the key may use is not told")
    elif missing:
        report.ok(f"{name} is reached; not in the key's list of models: {', '.join(missing)}")
    else:
        report.ok(f"{name} is reached, with all its {len(offers)} models")


async def _balance(gateway: Gateway, report: Report) -> None:
    left = await _left(gateway)
    if left is None:
        report.note("the balance is not told by this gateway: look at its own page")
    elif left >= UNLIMITED / 2:
        report.note("the key has no limit of its own; the account's balance is not told")
    elif left <= 0:
        report.wrong("nothing is left on the key: top it up, or every job is refused")
    else:
        report.ok(f"${left:,.2f} left")


async def _left(gateway: Gateway) -> float | None:
    """USD left on the key, None when no address tells."""
    base = "/v1/dashboard/billing"
    limit = (await _ask(gateway, f"{base}/subscription")).body
    used = (await _ask(gateway, f"{base}/usage")).body
    match limit, used:
        case {"hard_limit_usd": int() | float() as usd}, {"total_usage": int() | float() as cents}:
            return float(usd) - float(cents) / 100
    match (await _ask(gateway, "/api/usage/token")).body:
        case {"data": {"unlimited_quota": True}}:
            return float(UNLIMITED)
        case {"data": {"total_available": int() | float() as units}}:
            return float(units) / 500_000
    return None


async def _ask(gateway: Gateway, path: str) -> Answer:
    return await gateway.send(Call("GET", path, "", timeout=SECONDS))


# -- Discord -----------------------------------------------------------------------------------


async def _discord(settings: Settings, report: Report) -> None:
    """The token, the application's switches, and the links that invite the bot."""
    token = settings.discord.token.get_secret_value()
    if not token:
        report.note(f"off: [discord] token is not set\n{DISCORD_STEPS}")
        return
    base = settings.discord.api_url or DISCORD
    headers = {"Authorization": f"Bot {token}", "User-Agent": "DiscordBot (atelier, 1)"}
    status, me, _ = await _get(f"{base}/users/@me", "[discord] api_url", **headers)
    if status == 401:
        report.wrong(
            "the token is not accepted: in the developer portal, Bot → Reset Token, and copy the "
            "new one to [discord] token"
        )
        return
    if status != 200:
        report.wrong(f"Discord answers HTTP {status}: try again in a while")
        return
    report.ok(f"the token works: the bot is {me.get('username')}")
    status, app, _ = await _get(f"{base}/applications/@me", "[discord] api_url", **headers)
    if status != 200 or "id" not in app:
        report.note(f"the application's settings are not told (HTTP {status})")
        return
    _application(app, settings.discord.user_install, report)
    url = f"{base}/applications/{app['id']}/commands"
    status, commands, _ = await _get(url, "[discord] api_url", **headers)
    if status == 200:
        _registered([str(c.get("name")) for c in commands], report)


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


def _registered(names: Sequence[str], report: Report) -> None:
    """Whether the chat knows the commands."""
    missing = [f"/{c.name}" for c in COMMANDS if c.name not in names]
    if not missing:
        report.ok(f"all {len(COMMANDS)} commands are registered")
    elif len(missing) == len(COMMANDS):
        report.note("no command is registered yet: `atelier run` does that")
    else:
        report.note(f"`atelier run` will register {', '.join(missing)}")


# -- Telegram ----------------------------------------------------------------------------------


async def _telegram(settings: Settings, report: Report) -> None:
    """The token, what the bot sees in groups, its commands, and how updates come."""
    token = settings.telegram.token.get_secret_value()
    if not token:
        report.note(f"off: [telegram] token is not set\n{TELEGRAM_STEPS}")
        return

    async def ask(method: str) -> Any:
        root = settings.telegram.api_url.rstrip("/")
        status, body, _ = await _get(f"{root}/bot{token}/{method}", "[telegram] api_url")
        if status in (401, 404):
            raise _Unreachable(
                "the token is not accepted: write /token to https://t.me/BotFather and copy what it "
                "gives to [telegram] token"
            )
        if status != 200 or not isinstance(body, dict) or not body.get("ok"):
            raise _Unreachable(f"Telegram answers HTTP {status}: try again in a while")
        return body.get("result")

    me = await ask("getMe")
    report.ok(
        f"the token works: the bot is @{me.get('username')}, https://t.me/{me.get('username')}"
    )
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


async def _menus(ask: Callable[[str], Awaitable[Any]], report: Report) -> None:
    """The command menu; one that was set for a narrower scope hides the bot's own."""
    ours = {name for name, _ in menu(COMMANDS, translator(DEFAULT))}
    _registered([str(c.get("command")) for c in await ask("getMyCommands")], report)
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


# -- this machine ------------------------------------------------------------------------------


async def _store(settings: Settings, report: Report) -> None:
    """Open the store, write to it, read it back."""
    try:
        store = await Store.open(settings.store.url)
    except ModuleNotFoundError:
        report.wrong("PostgreSQL needs one more package: pip install 'atelier-bot[postgres]'")
        return
    except StoreError as error:
        if "Another Atelier" in str(error):
            report.note("in use by an Atelier that is running, so it was left alone")
        else:
            report.wrong(f"{error} See [store] url")
        return
    try:
        await store.keep("doctor", str(time.time()))
        await store.drop("doctor")
        report.ok(f"opens and takes writes: {store.about}")
    finally:
        await store.close()


async def _archive(settings: Settings, report: Report) -> None:
    """Write a file and see how many more fit."""
    folder = settings.archive.dir.absolute()
    try:
        free = await asyncio.to_thread(_try_folder, folder)
    except OSError as error:
        report.wrong(
            f"{folder} cannot be written ({error.strerror}): give the program's user the folder, "
            "or set [archive] dir to another"
        )
        return
    if free < ROOM:
        report.wrong(f"only {free / 1e6:,.0f} MB free at {folder}: make room, or set [archive] dir")
    else:
        report.ok(f"{folder} can be written, {free / 1e9:,.0f} GB free")


def _try_folder(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix="doctor-", dir=folder)
    try:
        os.write(handle, b"x" * 4096)
        os.fsync(handle)
    finally:
        os.close(handle)
        Path(name).unlink()
    return shutil.disk_usage(folder).free


async def _clock(settings: Settings, report: Report) -> None:
    """Compare with the time the gateway states in its answers."""
    before = time.time()
    _, _, headers = await _get(settings.gateway.base_url, "[gateway] base_url")
    here = (before + time.time()) / 2
    try:
        there = parsedate_to_datetime(headers.get("Date", "")).timestamp() + 0.5
    except ValueError:
        report.note("not told by the gateway")
        return
    off = here - there
    if abs(off) > DRIFT:
        way = "ahead" if off > 0 else "behind"
        report.wrong(
            f"{abs(off):,.0f} seconds {way}: switch on time keeping (timedatectl set-ntp 1)"
        )
    else:
        report.ok("right")


async def _program(settings: Settings, report: Report) -> None:
    """Whether the bot runs here, and how it says it is."""
    if not settings.web.open and settings.web.playground:
        report.note("the playground is off: [web] listen is open to others, so it needs a password")
    host, _, port = settings.web.listen.rpartition(":")
    reached = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104
    try:
        _, body, _ = await _get(f"http://{reached}:{port}/healthz", "[web] listen")
    except _Unreachable:
        report.note(f"not running at {settings.web.listen}: start it with `atelier run`")
        return
    if not isinstance(body, dict) or "parts" not in body:
        report.wrong(f"another program listens on {settings.web.listen}: set [web] listen")
        return
    report.ok(f"running at {settings.web.listen}")
    for part, state in body["parts"].items():
        if state != "ok":
            report.wrong(f"{part}: {state}")
