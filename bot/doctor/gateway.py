"""The gateway's part of the doctor: the key, what it reaches, and what is left on it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from bot.config import Settings
from bot.doctor.report import SECONDS, Report, Unreachable
from core import errors
from core.archive import Archive
from core.gateway import Gateway
from core.providers import catalogue, providers
from core.providers.base import Provider, Ticket
from core.wire import Answer, Call

UNLIMITED = 100_000_000
"""USD a gateway states for a key without a limit of its own."""
UNITS = 500_000
"""The gateway's own units in a USD."""
REASONS = {
    "ClientConnectorDNSError": "its name is not known",
    "ClientConnectorError": "no connection",
    "ClientConnectorCertificateError": "its certificate is not valid",
    "ServerDisconnectedError": "it hung up",
}
"""The HTTP client's words for what went wrong, in ours."""


async def check_gateway(settings: Settings, report: Report) -> None:
    """Ask with the owner's keys what costs nothing."""
    families = providers(settings.midjourney)
    own = {name for name, key in settings.gateway.keys.items() if key.get_secret_value()}
    if not settings.gateway.api_key.get_secret_value() and set(families) - own:
        report.wrong("[gateway] api_key is not set: make a key at the gateway and put it there")
        return
    with tempfile.TemporaryDirectory(prefix="atelier-") as folder:
        async with Gateway(settings.gateway, Archive(Path(folder))) as gateway:
            try:
                await _asked(gateway, families, settings, report)
            except errors.Unreachable as error:
                host = urlsplit(settings.gateway.base_url).netloc.rpartition("@")[2]
                reason = REASONS.get(error.detail, "no answer")
                raise Unreachable(
                    f"{host} cannot be reached ({reason}): look at the "
                    "network and at [gateway] base_url"
                ) from None


async def _asked(
    gateway: Gateway, families: dict[str, Provider], settings: Settings, report: Report
) -> None:
    bare = not settings.gateway.api_key.get_secret_value()
    whose = next(iter(settings.gateway.keys)) if bare else ""
    models = await _models(gateway, whose, report)
    if models is None:
        return
    for family in families.values():
        await _family(gateway, family, settings, models, report)
    await _balance(gateway, whose, report)


async def _models(gateway: Gateway, whose: str, report: Report) -> set[str] | None:
    """The models the key may use, empty if not told; None when the key is refused."""
    answer = await _ask(gateway, whose, "/v1/models")
    match answer:
        case Answer(status=401 | 403):
            report.wrong(
                f"the key is not accepted (HTTP {answer.status}): it is mistyped, disabled, "
                "expired or used up; look at the gateway's page and at [gateway] api_key"
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
    elif not _served(answer):
        report.wrong(f"{name}: {call.path} is not served; see [gateway] base_url and paths")
    elif not models:
        report.ok(f"{name} is reached; which of its models the key may use is not told")
    elif missing:
        few = "none of its models" if len(missing) == len(offers) else f"not {', '.join(missing)}"
        report.note(
            f"{name} is reached, but the key's list of models has {few}: if jobs are refused, give "
            "the key a group at the gateway that has them"
        )
    else:
        report.ok(f"{name} is reached, with all its {len(offers)} models")


def _served(answer: Answer) -> bool:
    """Whether a family answered, and not the gateway for it or a web site."""
    match answer:
        case Answer(status=404, body={"code": int() | str()}):
            return True
        case Answer(status=404) | Answer(status=300 | 301 | 302 | 303 | 307 | 308):
            return False
        case Answer(status=200, body=str() as text):
            return not text.strip()
        case _:
            return True


async def _balance(gateway: Gateway, whose: str, report: Report) -> None:
    left = await _left(gateway, whose)
    if left is None:
        report.note("the balance is not told by this gateway: look at its own page")
    elif left >= UNLIMITED / 2:
        report.note("the key has no limit of its own; the account's balance is not told")
    elif left <= 0:
        report.wrong("nothing is left on the key: top it up, or every job is refused")
    else:
        report.ok(f"${left:,.2f} left")


async def _left(gateway: Gateway, whose: str) -> float | None:
    """USD left on the key, None when no address tells."""
    for base in ("/v1/dashboard/billing", "/dashboard/billing"):
        limit = (await _ask(gateway, whose, f"{base}/subscription")).body
        used = (await _ask(gateway, whose, f"{base}/usage")).body
        match limit, used:
            case {"hard_limit_usd": int() | float() as usd}, {"total_usage": int() | float() as c}:
                return float(usd) - float(c) / 100
    match (await _ask(gateway, whose, "/api/usage/token")).body:
        case {"data": {"unlimited_quota": True}}:
            return float(UNLIMITED)
        case {"data": {"total_available": int() | float() as units}}:
            return float(units) / UNITS
    return None


async def _ask(gateway: Gateway, whose: str, path: str) -> Answer:
    """GET with the key of a family, or with the one for all when `whose` is empty."""
    return await gateway.send(Call("GET", path, whose, timeout=SECONDS))
