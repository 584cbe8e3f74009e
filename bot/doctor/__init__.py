"""`atelier doctor`: looks at everything an owner sets up, and says for each: ok, or what to do.

Asks servers only what changes nothing and costs nothing; the store and the archive are opened as
the bot opens them, which makes them where they are missing. Knows the servers' own words for what
is wrong; the settings' own mistakes are `bot.config`'s. Every check has its time, and none stops
another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeAlias

from bot.config import Settings
from bot.doctor.discord import check_discord
from bot.doctor.gateway import check_gateway
from bot.doctor.machine import check_archive, check_clock, check_program, check_store
from bot.doctor.report import SECONDS, SIGNS, Report, Unreachable
from bot.doctor.telegram import check_telegram
from bot.log import Masker
from core.errors import BotError

Check: TypeAlias = Callable[[Settings, Report], Awaitable[None]]

CHECKS: dict[str, Check] = {
    "Gateway": check_gateway,
    "Discord": check_discord,
    "Telegram": check_telegram,
    "Store": check_store,
    "Archive": check_archive,
    "Clock": check_clock,
    "Program": check_program,
}


async def examine(settings: Settings, *, seconds: float = SECONDS) -> list[Report]:
    """Run all checks side by side, each for at most `seconds`; their texts hold no secret."""
    reports = [Report(title) for title in CHECKS]
    async with asyncio.TaskGroup() as tasks:
        for report, check in zip(reports, CHECKS.values(), strict=True):
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
    except (Unreachable, BotError) as error:
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
