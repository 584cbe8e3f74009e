"""What people get wrong, or try on purpose, from the outside: one clear sentence each, nothing
submitted, nothing held, and no word of theirs in the log.
"""

from __future__ import annotations

import io
import logging
import sqlite3
import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from PIL import Image

from bot.sandbox import Sandbox
from tests.house import running
from tests.web_kit import Browser, Card, browser, button, jar, result

SECRET = "zebrastripe"
"""A word of people's own that no log may hold."""


class Studio:
    """The running program, a person in it, and what it did."""

    def __init__(self, ann: Browser, gateway: Sandbox, folder: Path, address: str) -> None:
        self.ann, self.gateway, self.folder, self.address = ann, gateway, folder, address

    async def told(self, **event: Any) -> str:
        """Do something; returns what the bot said to it, without marks of its text format."""
        before = set(await self.ann.settled())
        assert await self.ann.act(**event) == 202
        card = await self.ann.see(lambda c: c["key"] not in before)
        return plain(card)

    def untouched(self) -> bool:
        """Nothing was sent to the gateway, no job was made, no money was held."""
        with sqlite3.connect(self.folder / "atelier.db") as database:
            rows = database.execute(
                "select (select count(*) from ledger) + (select count(*) from jobs)"
            ).fetchone()
        return not self.gateway.submits and rows == (0,)


def plain(card: Card) -> str:
    assert card["progress"] == -1, f"a job was started: {card['text']}"
    return str(card["text"].replace("\\", "").replace("\u2060", ""))


@asynccontextmanager
async def studio(folder: Path, trusted: str = "") -> AsyncIterator[Studio]:
    """Run everything with one person in the browser."""
    gateway = Sandbox(pace=0.03, image_size=64)
    await gateway.start()
    hosts = {"trusted_hosts": [trusted]} if trusted else {}
    try:
        async with (
            running(folder, gateway.url, security=hosts) as app,
            aiohttp.ClientSession(cookie_jar=jar()) as session,
        ):
            ann = await browser(session, app.address)
            yield Studio(ann, gateway, folder, app.address)
    finally:
        await gateway.stop()


def silent_about(caplog: pytest.LogCaptureFixture, *words: str) -> bool:
    seen = "\n".join(r.getMessage() for r in caplog.records if r.levelno >= logging.INFO)
    return not any(word in seen for word in words)


# -- words -----------------------------------------------------------------------------------------

LINES: list[tuple[str, str]] = [
    (f"/imagine {SECRET} --ar wide", "is no shape. Give width to height in whole numbers"),
    ("/imagine --ar 3:2", "Say what the picture shall show, before any flags."),
    ("/imagine \u200b\u2060", "What shall I draw?"),
    (f"/imagine {SECRET} " + "x" * 10_000, "is too long: at most 6000 characters"),
    (f"/imagine {SECRET} --repeat 4", "--repeat would start several jobs at once."),
    (f"/imagine {SECRET} —repeat 4", "--repeat would start several jobs at once."),
    ("/imagine a {red,blue} fox", "{red,blue} would start several jobs at once."),
    (f"/imagine {SECRET} --chaos 101", "--chaos goes from 0 to 100."),
    (f"/imagine {SECRET} --speed warp", "speed can be fast, relax, turbo."),
    (f"/imagine {SECRET} --image cat.png", "takes a picture's address"),
    ("/blend", "Send 2 to 5 pictures with the command."),
    ("/blend a cat", "takes pictures, not words"),
    ("/describe", "Send a picture with the command"),
    ("/show abc@everyone", "You have no job “abc@everyone”."),
    ("/show", "The job's id"),
    ("/edit", "Send a picture with the command"),
    ("/cancel k7f3q2x", "You have no job “k7f3q2x”."),
    ("/cancel", "You have nothing under way."),
    ("/again", "You have no jobs yet."),
    ("/settings --stylize 7", "stylize can be default"),
    ("/settings --language klingon", "I speak "),
    ("/settings --ar tall", "is no shape"),
    ("/help nonsense", "There is no command /nonsense."),
    ("/jobs now", "takes nothing besides"),
    (f"/{SECRET} **x** <@1>", f"There is no command /{SECRET}."),
]


async def test_every_slip_in_a_line_is_explained(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each with the fix; nothing is sent, held or logged."""
    caplog.set_level(logging.INFO)
    async with studio(tmp_path) as house:
        told = [(line, words, await house.told(text=line)) for line, words in LINES]

        assert [(line, words, said) for line, words, said in told if words not in said] == []
        assert house.untouched()
    assert silent_about(caplog, SECRET, "klingon")


POSTED: list[dict[str, Any]] = [
    {"text": None},
    {"command": "imagine", "values": {"prompt": 5}},
    {"command": "imagine", "values": {"image": "https://a.example/x.png"}},
    {"command": "imagine", "values": {"prompt": "x", "seed": "many"}},
    {"command": "imagine", "values": {"prompt": "x", "nonsense": "y"}},
    {"command": "imagine", "values": {"prompt": "x", "image": [{"handle": "made-up"}]}},
    {"command": "imagine", "values": []},
    {"command": ["imagine"]},
    {},
]


async def test_what_no_page_would_post_is_refused(tmp_path: Path) -> None:
    """At the door or with a sentence; never with a job."""
    async with studio(tmp_path) as house:
        statuses = [(await house.ann.post(**posted))[0] for posted in POSTED]
        await house.ann.act(text="/jobs")
        await house.ann.see(lambda c: "You have no jobs yet" in c["text"])

        assert set(statuses) <= {202, 400}
        assert house.untouched()


async def test_a_prompt_never_stands_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither of a job that went well nor of one that failed or was lost."""
    caplog.set_level(logging.INFO)
    async with studio(tmp_path) as house:
        for words in ("", "fail", "lostanswer"):
            before = set(await house.ann.settled())
            await house.ann.act(text=f"/imagine {SECRET} fox {words}")
            await house.ann.see(lambda c, b=before: c["key"] not in b and c["progress"] == -1)

        assert len(house.gateway.submits) == 3
    assert "done" in caplog.text
    assert silent_about(caplog, SECRET)


# -- files -----------------------------------------------------------------------------------------


def png(width: int = 8, height: int = 8) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(buffer, "PNG")
    return buffer.getvalue()


def bomb() -> bytes:
    """A picture of 50,000 × 50,000 points in some kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * (6_251 * 2_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


FILES: list[tuple[str, bytes, str]] = [
    ("notes.txt", b"just some words", "not a picture"),
    ("page.png", b"<html><script>alert(1)</script></html>", "not a picture"),
    ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture"),
    ("half.png", png(64, 64)[:60], "broken or not complete"),
    ("head.png", png()[:20], "broken or not complete"),
    ("bomb.png", bomb(), "pixels"),
    ("empty.png", b"", "empty"),
    ("huge.png", png() + b"\0" * 60_000_000, "at most 25 MB"),
]


async def files(request: web.Request) -> web.StreamResponse:
    """A host the owner trusts."""
    name = request.match_info["name"]
    if name == "leap.png":
        raise web.HTTPFound("http://169.254.169.254/latest/meta-data/")
    if name == "gone.png":
        raise web.HTTPNotFound
    return web.Response(body=next(data for n, data, _ in FILES if n == name))


@asynccontextmanager
async def host(handler: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{name:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield "{}:{}".format(*runner.addresses[0][:2])
    finally:
        await runner.cleanup()


async def test_files_that_are_no_use_are_refused(tmp_path: Path) -> None:
    """Uploaded or fetched, each says why; nothing of them stays in the archive."""
    async with host(files) as trusted, studio(tmp_path, trusted) as house:
        for name, data, words in FILES:
            status, answer = await house.ann.upload(data, name)
            assert (status, words in answer["error"]) == (400, True), (name, answer)
            said = await house.told(text=f"/describe --image http://{trusted}/{name}")
            assert words in said or "could not be fetched" in said, (name, said)

        assert house.untouched()
        assert [f for f in (tmp_path / "archive").rglob("*") if f.is_file()] == []


async def test_a_song_is_not_described(tmp_path: Path) -> None:
    """A file that is of use elsewhere is of none where a picture is due."""
    async with studio(tmp_path) as house:
        _, song = await house.ann.upload(b"ID3\x03\x00\x00\x00\x00\x00\x00", "song.mp3")
        said = await house.told(command="describe", values={"image": {"handle": song["handle"]}})

        assert "That is not a picture." in said
        assert house.untouched()


@pytest.mark.parametrize("count", [1, 6])
async def test_a_blend_of_one_or_six_is_refused(tmp_path: Path, count: int) -> None:
    """Saying how many it takes and how many came."""
    async with studio(tmp_path) as house:
        sent = [(await house.ann.upload(png(8 + n), "x.png"))[1] for n in range(count)]
        pictures = [{"handle": one["handle"]} for one in sent]
        said = await house.told(command="blend", values={"image": pictures})

        assert said == f"This takes 2 to 5 pictures, and you sent {count}."
        assert house.untouched()


# -- addresses -------------------------------------------------------------------------------------

PLACES = (
    "127.0.0.1", "localhost", "localhost.", "127.1", "2130706433", "0x7f000001", "0x7f.1",
    "0177.0.0.1", "127.0.0.1.", "127。0.0.1", "①②⑦.⓪.⓪.①", "[::1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "0.0.0.0", "[::]", "user@127.0.0.1",
)  # fmt: skip
"""This machine, in every spelling there is."""


async def test_addresses_of_this_machine_are_never_opened(tmp_path: Path) -> None:
    """However they are spelled, with http or https, on any port."""
    hits: list[str] = []

    async def count(request: web.Request) -> web.Response:
        hits.append(request.path)
        return web.Response(body=png())

    async with host(count) as address, studio(tmp_path) as house:
        port = address.rpartition(":")[2]
        for place in PLACES:
            for scheme in ("http", "https"):
                url = f"{scheme}://{place}:{port}/x.png"
                said = await house.told(text=f"/describe --image {url}")
                assert "x.png c" in said, (url, said)

        assert hits == []
        assert house.untouched()


PRIVATE = (
    "http://169.254.169.254/latest/meta-data/x.png",
    "https://169.254.169.254/x.png",
    "https://10.0.0.1/x.png",
    "https://192.168.1.1/x.png",
    "https://[fd00::1]/x.png",
    "http://a.example/x.png",
)


async def test_private_places_and_plain_http_are_never_opened(tmp_path: Path) -> None:
    """Not even to find out whether anything is there."""
    async with studio(tmp_path) as house:
        for url in PRIVATE:
            said = await house.told(text=f"/describe --image {url}")
            assert "Please send the picture itself." in said, (url, said)

        assert house.untouched()


async def test_a_trusted_host_cannot_send_the_bot_elsewhere(tmp_path: Path) -> None:
    """A redirect is judged like an address that was typed."""
    async with host(files) as trusted, studio(tmp_path, trusted) as house:
        for name in ("leap.png", "gone.png"):
            said = await house.told(text=f"/describe --image http://{trusted}/{name}")
            assert "Please send the picture itself." in said

        assert house.untouched()


# -- buttons, forms and jobs -----------------------------------------------------------------------


async def test_made_up_buttons_do_nothing(tmp_path: Path) -> None:
    """Pressed or filled in, whatever they look like."""
    async with studio(tmp_path) as house:
        for token in ("made-up", "x" * 3000, "' or 1=1 --", "\u202e", "b:1"):
            assert "not known here any more" in await house.told(token=token)
            said = await house.told(token=token, values={"prompt": "a fox"})
            assert "not known here any more" in said

        assert house.untouched()


async def test_a_question_answered_twice_starts_one_job(tmp_path: Path) -> None:
    """The second answer is shown what the first one started."""
    async with studio(tmp_path) as house:
        await house.ann.act(text="/imagine")
        asked = await house.ann.see(lambda c: c["form"])
        token = asked["form"]["token"]
        await house.ann.act(token=token, values={"prompt": "a fox"})
        await house.ann.see(result("Imagine"))
        before = set(await house.ann.settled())
        await house.ann.act(token=token, values={"prompt": "a wolf"})
        again = await house.ann.see(lambda c: c["key"] not in before)

        assert "a fox" in again["text"]
        assert len(house.gateway.submits) == 1


async def test_an_answer_nobody_asked_for_is_not_taken(tmp_path: Path) -> None:
    """A plain button has no form, and a form has only its own fields."""
    async with studio(tmp_path) as house:
        await house.ann.act(text="/imagine a house")
        grid = await house.ann.see(result("Imagine"))
        said = await house.told(token=button(grid, "U1"), values={"prompt": "a palace"})
        assert "nothing to fill in" in said
        assert len(house.gateway.submits) == 1

        before = set(await house.ann.settled())
        await house.ann.act(text="/imagine")
        asked = await house.ann.see(lambda c: c["form"] and c["key"] not in before)
        answers = {"prompt": "a boat", "seed": "7", "command": "settings"}
        await house.ann.act(token=asked["form"]["token"], values=answers)
        boat = await house.ann.see(lambda c: c["media"] and "a boat" in c["text"])

        assert "seed" not in boat["text"]
        assert len(house.gateway.submits) == 2


async def test_a_strangers_jobs_and_buttons_are_out_of_reach(tmp_path: Path) -> None:
    """Neither shown, stopped, run again nor pressed; the answer is that of a job there is not."""
    async with studio(tmp_path) as house, aiohttp.ClientSession(cookie_jar=jar()) as session:
        await house.ann.act(text="/imagine a house")
        grid = await house.ann.see(result("Imagine"))
        job = grid["text"].rpartition("`")[0].rpartition("`")[2]
        bob = await browser(session, house.address)
        stranger = Studio(bob, house.gateway, house.folder, house.address)

        for line in (f"/show {job}", f"/cancel {job}", f"/again {job}"):
            assert f"You have no job “{job}”." in await stranger.told(text=line)
        for name in ("U1", "V4"):
            said = await stranger.told(token=button(grid, name))
            assert "belongs to the person who asked" in said
        assert len(house.gateway.submits) == 1
