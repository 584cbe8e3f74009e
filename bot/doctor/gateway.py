"""The gateway's part of the doctor: the key, what it reaches, and what is left on it."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from bot.config import Settings
from bot.doctor.report import Report, Unreachable
from core import errors
from core.archive import Archive
from core.gateway import Gateway
from core.gateway.account import UNLIMITED, ask, left_on, models_of
from core.providers import catalogue, providers
from core.providers.base import Provider, Request, Ticket
from core.wire import Answer, Call

REASONS = {
    "ClientConnectorDNSError": "its name is not known",
    "ClientConnectorError": "no connection",
    "ClientConnectorCertificateError": "its certificate is not valid",
    "ServerDisconnectedError": "it hung up",
}
"""The HTTP client's words for what went wrong, in ours."""


async def check_gateway(settings: Settings, report: Report) -> None:
    """Ask with the owner's keys what costs nothing."""
    keys = settings.gateway.api_key, *settings.gateway.keys.values()
    if not any(key.get_secret_value() for key in keys):
        report.wrong("[gateway] api_key is not set: make a key at the gateway and put it there")
        return
    with tempfile.TemporaryDirectory(prefix="atelier-") as folder:
        async with Gateway(settings.gateway, Archive(Path(folder))) as gateway:
            try:
                await _asked(gateway, settings, report)
            except errors.Unreachable as error:
                host = urlsplit(settings.gateway.base_url).netloc.rpartition("@")[2]
                reason = REASONS.get(error.detail, "no answer")
                raise Unreachable(
                    f"{host} cannot be reached ({reason}): look at the network and at "
                    "[gateway] base_url"
                ) from None


async def _asked(gateway: Gateway, settings: Settings, report: Report) -> None:
    """Look at each key once, and at each family with the key that is used for it."""
    told: dict[str, set[str] | None] = {}
    for family in providers(settings.midjourney).values():
        whose = _key_of(family.family, settings)
        if whose is None:
            name = _name(family)
            report.note(f"{name} has no key: set [gateway] api_key, or keys.{family.family}")
            continue
        if whose not in told:
            told[whose] = await _models(gateway, whose, report)
        models = told[whose]
        if models is not None:
            await _family(gateway, family, settings, models, report)
    for whose, models in told.items():
        if models is not None:
            await _balance(gateway, whose, report)


def _key_of(family: str, settings: Settings) -> str | None:
    """Whose key a family uses: its own, or "" for the one of all; None without any."""
    own = settings.gateway.keys.get(family)
    if own and own.get_secret_value():
        return family
    return "" if settings.gateway.api_key.get_secret_value() else None


def _named(whose: str) -> tuple[str, str]:
    """(a key in words, its setting)."""
    if whose:
        return f"the key for {whose}", f"[gateway.keys] {whose}"
    return "the key", "[gateway] api_key"


def _name(family: Provider) -> str:
    return family.family.capitalize()


async def _models(gateway: Gateway, whose: str, report: Report) -> set[str] | None:
    """The models the key may use, empty if not told; None when the key is refused."""
    answer = await ask(gateway, whose, "/v1/models")
    key, setting = _named(whose)
    match answer:
        case Answer(status=401 | 403):
            report.wrong(
                f"{key} is not accepted (HTTP {answer.status}): it is mistyped, disabled, expired "
                f"or used up; look at the gateway's page and at {setting}"
            )
            return None
        case Answer(status=200, body={"data": [*_]}):
            report.ok(f"{key} is accepted")
            return models_of(answer)
        case _:
            report.note(f"whether {key} is accepted is not told (HTTP {answer.status})")
            return set()


async def _family(
    gateway: Gateway, family: Provider, settings: Settings, models: set[str], report: Report
) -> None:
    """Whether a family is served, and which of its models the key may use."""
    name = _name(family)
    trouble = await _trouble(gateway, family)
    sold = catalogue(providers(settings.midjourney), settings.models).values()
    offers = [o.wire for o in sold if o.family == family.family and not o.hidden]
    missing = sorted(key for key in offers if key not in models)
    if trouble:
        report.wrong(f"{name}: {trouble}")
    elif not models:
        report.note(f"{name}: which of its models the key may use is not told")
    elif missing:
        few = "none of its models" if len(missing) == len(offers) else f"not {', '.join(missing)}"
        report.note(
            f"{name}: the key's list of models has {few}; if jobs are refused, give the key a "
            "group at the gateway that has them"
        )
    else:
        report.ok(f"{name} is reached, with all its models: {len(offers)}")


async def _trouble(gateway: Gateway, family: Provider) -> str:
    """What is wrong with a family's address; empty when nothing is, or nothing can be asked."""
    call = _question(family)
    if call is None:
        return ""
    answer = await gateway.send(call)
    if answer.status in (401, 403):
        return f"the key is not accepted (HTTP {answer.status}); see [gateway.keys] {family.family}"
    if answer.status >= 500:
        return f"the gateway answers HTTP {answer.status}; try again in a while"
    if not _served(answer):
        return f"{call.path} is not served; see [gateway] base_url and paths"
    return ""


def _question(family: Provider) -> Call | None:
    """Ask for a job that does not exist, which is free; None where every question would be paid."""
    try:
        call = family.look(Ticket(family.family, "0"))
        if call.path != "/0":
            return call
    except NotImplementedError:  # the family answers at once
        return None
    for offer in family.offers:  # its jobs are known only where they were made
        with contextlib.suppress(errors.BadInput):
            place = family.call(Request(offer.key, offer.kind, prompt="0")).path
            return family.look(Ticket(family.family, "0", place))
    return None


def _served(answer: Answer) -> bool:
    """Whether a family answered, and not the gateway for it or a web site."""
    match answer:
        case Answer(status=404, body={"error": {}}) | Answer(status=301 | 302 | 303 | 307 | 308):
            return False
        case Answer(status=404, body=body):
            return isinstance(body, dict)
        case Answer(status=200, body=str() as text):
            return not text.strip()
        case _:
            return True


async def _balance(gateway: Gateway, whose: str, report: Report) -> None:
    left = await left_on(gateway, whose)
    key, _ = _named(whose)
    if left is None:
        report.note("the balance is not told by this gateway: look at its own page")
    elif left >= UNLIMITED / 2:
        report.note(f"{key} has no limit of its own; the account's balance is not told")
    elif left <= 0:
        report.wrong(f"nothing is left on {key}: top it up, or every job is refused")
    else:
        report.ok(f"${left:,.2f} left on {key}")
