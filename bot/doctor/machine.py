"""This machine's part of the doctor: the store, the archive, the clock, and the running program."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

from bot.app import POSTGRES_MISSING
from bot.config import Settings
from bot.doctor.report import Report, Unreachable, get
from core.errors import StoreError
from core.store import Store

ROOM = 1_000_000_000
"""Bytes of free disk below which results may soon not be kept."""
DRIFT = 10.0
"""Seconds a clock may be wrong; interaction tokens and retries are counted by it."""


async def check_store(settings: Settings, report: Report) -> None:
    """Open the store, write to it, read it back."""
    try:
        store = await Store.open(settings.store.url)
    except ModuleNotFoundError:
        report.wrong(POSTGRES_MISSING)
        return
    except StoreError as error:
        if "Another Atelier" in str(error):
            report.note("in use by an Atelier that is running, so it was left alone")
        else:
            report.wrong(f"{error} See [store] url")
        return
    except OSError as error:
        report.wrong(
            f"the store cannot be opened ({error.strerror}): the program's user needs the folder "
            "of [store] url, to write in it"
        )
        return
    try:
        await store.keep("doctor", str(time.time()))
        await store.drop("doctor")
        report.ok(f"opens and takes writes: {store.about}")
    finally:
        await store.close()


async def check_archive(settings: Settings, report: Report) -> None:
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


async def check_clock(settings: Settings, report: Report) -> None:
    """Compare with the time the gateway states in its answers."""
    before = time.time()
    try:
        seen = await get(settings.gateway.base_url, "[gateway] base_url")
        there = parsedate_to_datetime(seen.headers.get("Date", "")).timestamp() + 0.5
    except (Unreachable, ValueError, TypeError):
        report.note("not compared: the gateway tells no time")
        return
    off = (before + time.time()) / 2 - there
    if abs(off) > DRIFT:
        way = "ahead" if off > 0 else "behind"
        report.wrong(
            f"{abs(off):,.0f} seconds {way}: switch on time keeping (timedatectl set-ntp 1)"
        )
    else:
        report.ok("right")


async def check_program(settings: Settings, report: Report) -> None:
    """Whether the bot runs here, and how it says it is."""
    if not settings.web.open and settings.web.playground:
        report.note("the playground is off: [web] listen is open to others, so it needs a password")
    host, _, port = settings.web.listen.rpartition(":")
    reached = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104
    try:
        seen = await get(f"http://{reached}:{port}/healthz", "[web] listen")
    except Unreachable:
        report.note(f"not running at {settings.web.listen}: start it with `atelier run`")
        return
    parts = seen.fields.get("parts")
    if not isinstance(parts, dict):
        report.wrong(f"another program listens on {settings.web.listen}: set [web] listen")
        return
    report.ok(f"running at {settings.web.listen}")
    for part, state in parts.items():
        if state == "starting":
            report.note(f"{part}: starting")
        elif state != "ok":
            report.wrong(f"{part}: {state}")
