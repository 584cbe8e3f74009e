"""What the playground's server lets in, and what it says to the rest."""

from __future__ import annotations

import asyncio
import base64
import io
import re
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

from adapters.web import intake
from adapters.web.commands import WORDS
from adapters.web.settings import WebSettings
from bot.app import App
from bot.sandbox import Sandbox
from core.messages import Caller, Filling, Invocation, Media, Place, Press, Ref
from tests.house import running
from tests.web_kit import Browser, browser, button, jar, result


@pytest.fixture
async def gateway() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox(pace=0.03, image_size=128)
    await sandbox.start()
    yield sandbox
    await sandbox.stop()


@pytest.fixture
async def people() -> AsyncIterator[tuple[aiohttp.ClientSession, aiohttp.ClientSession]]:
    async with (
        aiohttp.ClientSession(cookie_jar=jar()) as ann,
        aiohttp.ClientSession(cookie_jar=jar()) as bob,
    ):
        yield ann, bob


People = tuple[aiohttp.ClientSession, aiohttp.ClientSession]


def png(colour: str = "teal") -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(target, "PNG")
    return target.getvalue()


def bomb() -> bytes:
    """A PNG of a few KB that says it is 50,000 pixels wide and high."""
    whole = bytearray(png())
    whole[16:24] = (50_000).to_bytes(4, "big") * 2
    whole[29:33] = zlib.crc32(whole[12:29]).to_bytes(4, "big")
    return bytes(whole)


async def test_only_this_machines_own_names_open_the_page(
    gateway: Sandbox, tmp_path: Path, people: People
) -> None:
    """A foreign name that points here, and requests of foreign pages, are refused."""
    async with running(tmp_path, gateway.url) as app:
        ann = await browser(people[0], app.address)
        port = app.address.rpartition(":")[2]

        async def status(**headers: str) -> int:
            async with people[0].get(f"{ann.base}/api/commands", headers=headers) as answer:
                return answer.status

        assert 403 == await status(Host=f"evil.example:{port}")
        assert 403 == await status(Host=f"127.0.0.1.evil.example:{port}")
        assert 403 == await status(Host="[")
        assert 403 == await status(Origin="https://evil.example")
        assert 403 == await status(Origin="null")
        assert 403 == await status(Origin=app.address.replace(port, "1"))
        assert 200 == await status(Origin=app.address)
        assert 200 == await status(Host="127.0.0.1")


async def test_without_a_session_nothing_is_told(
    gateway: Sandbox, tmp_path: Path, people: People
) -> None:
    """No cookie, or one that was made up, gets no stream, no commands and no job."""
    async with running(tmp_path, gateway.url) as app:
        await browser(people[0], app.address)
        (cookie,) = list(people[0].cookie_jar)
        forged = f"{cookie.value.partition('.')[0]}.{'0' * 32}"
        assert {"httponly": True, "samesite": "Strict"} == {
            "httponly": cookie["httponly"],
            "samesite": cookie["samesite"],
        }
        for value in ("", "x", forged, f"ä.{'0' * 32}"):
            headers = {"Cookie": f"{cookie.key}={value}"}
            for path in ("commands", "stream", "suggest", "form/x"):
                async with people[1].get(f"{app.address}/api/{path}", headers=headers) as answer:
                    assert 401 == answer.status
            async with people[1].post(
                f"{app.address}/api/events", json={"id": "1", "text": "a cat"}, headers=headers
            ) as answer:
                assert 401 == answer.status
        assert not gateway.submits


async def test_a_password_is_asked_for(gateway: Sandbox, tmp_path: Path, people: People) -> None:
    """Without it, or with a wrong one, there is no page; letters of any language are fine."""
    web = {"listen": "127.0.0.1:0", "password": "grün-ß-пароль"}
    async with running(tmp_path, gateway.url, web=web) as app:
        for wrong in ({}, said("me:grun"), said("me"), {"Authorization": "Basic ?"}):
            async with people[0].get(f"{app.address}/", headers=wrong) as answer:
                assert 401 == answer.status
                assert answer.headers["WWW-Authenticate"].startswith("Basic")
        async with people[0].get(f"{app.address}/", headers=said("me:grün-ß-пароль")) as answer:
            assert 200 == answer.status
        async with people[0].get(f"{app.address}/api/commands") as answer:
            assert 401 == answer.status  # the cookie alone is not enough


def said(pair: str) -> dict[str, str]:
    """A name and a password as browsers send them."""
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@pytest.mark.parametrize(
    ("listen", "password", "open_"),
    [
        ("127.0.0.1:8080", "", True),
        ("localhost:8080", "", True),
        ("[::1]:8080", "", True),
        ("0.0.0.0:8080", "", False),
        ("example.org:8080", "", False),
        ("0.0.0.0:8080", "secret", True),
    ],
)
def test_the_playground_is_never_open_to_the_world(listen: str, password: str, open_: bool) -> None:
    """Where others reach it, it is served with a password only."""
    assert open_ == WebSettings(listen=listen, password=password).open  # type: ignore[arg-type]


async def sixty_megabytes() -> AsyncIterator[bytes]:
    yield png()
    for _ in range(60):
        yield bytes(1_000_000)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x89PNG" + bytes(60_000_000), "at most 25 MB"),
        (sixty_megabytes, "at most 25 MB"),
        (b"", "empty"),
        (b"<html>hello</html>", "not a picture"),
        (png()[:90], "broken"),
        (bomb(), "pixels"),
    ],
    ids=["60 MB", "60 MB without a length", "empty", "html", "truncated", "bomb"],
)
async def test_a_bad_file_gets_one_clear_sentence(
    gateway: Sandbox, tmp_path: Path, people: People, data: Any, told: str
) -> None:
    """Also a far too large one: the answer arrives instead of a reset connection."""
    async with running(tmp_path, gateway.url) as app:
        ann = await browser(people[0], app.address)
        status, answer = await ann.upload(data() if callable(data) else data)
        assert 400 == status
        assert told in answer["error"]
        assert not list((tmp_path / "archive").rglob("*.part"))


async def test_a_file_is_its_sessions_alone(
    gateway: Sandbox, tmp_path: Path, people: People
) -> None:
    """Neither its address nor its handle works in another session, or for another type."""
    async with running(tmp_path, gateway.url) as app:
        ann, bob = [await browser(one, app.address) for one in people]
        status, up = await ann.upload(png(), "my%20cat.png")
        assert (200, "my cat.png") == (status, up["name"])

        async def fetch(who: Browser, url: str) -> tuple[int, str]:
            async with who.session.get(who.base + url) as answer:
                return answer.status, answer.content_type

        assert (200, "image/png") == await fetch(ann, up["url"])
        assert 404 == (await fetch(bob, up["url"]))[0]
        assert 404 == (await fetch(ann, up["url"].replace("image%2Fpng", "text%2Fhtml")))[0]
        assert 404 == (await fetch(ann, up["url"].replace(up["url"].split("/")[3][:8], "0" * 8)))[0]

        pictures = [{"handle": up["handle"]}] * 2
        assert 400 == await bob.act(text="/blend", values={"image": pictures})
        assert not gateway.submits


async def test_an_upload_outlives_a_restart(
    gateway: Sandbox, tmp_path: Path, people: People
) -> None:
    """A picture sent up before the program stopped can be used after it came back."""
    async with running(tmp_path, gateway.url) as app:
        ann = await browser(people[0], app.address)
        handles = [{"handle": (await ann.upload(png(c)))[1]["handle"]} for c in ("red", "blue")]
    async with running(tmp_path, gateway.url) as app:
        ann = await browser(people[0], app.address)
        assert 202 == await ann.act(text="/blend", values={"image": handles})
        await ann.see(result("Blend"))
        assert 2 == len(gateway.submits[0].body["base64Array"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"id": 1}',
        b'{"id": null, "text": "a cat"}',
        b'{"text": "a cat"}',
        b'{"id": "1", "text": "a cat", "values": 7}',
        b'{"id": "1", "text": "/blend", "values": {"image": {"handle": "x.y"}}}',
        b'{"id": "1", "text": "/blend", "values": {"image": {"hash": "00"}}}',
        b'{"id": "1", "command": ["imagine"]}',
        b'{"id": "1", "text": "/blend", "values": {"image": [[["x"]]]}}',
        b'{"id": "1", "token": "x", "values": {"zoom": [1.5]}}',
        b"[" * 100_000,
        b'{"id": "1", "text": "' + b"x" * 2_000_000 + b'"}',
    ],
    ids=lambda body: body[:30].decode(),
)
async def test_what_is_no_event_is_refused(
    gateway: Sandbox, tmp_path: Path, people: People, body: bytes
) -> None:
    """A post that nobody can read gets a sentence, and starts nothing."""
    async with running(tmp_path, gateway.url) as app:
        ann = await browser(people[0], app.address)
        headers = {"Content-Type": "application/json"}
        async with ann.session.post(f"{ann.base}/api/events", data=body, headers=headers) as answer:
            assert 400 == answer.status
            assert "could not be read" in (await answer.json())["error"]
        assert not gateway.submits


def test_a_stored_event_is_read_as_it_was() -> None:
    """Events that a restart finds are the ones that were posted, files and all."""
    ann, place = Caller("web", "a", "You", "en"), Place("web", "a", private=True)
    media = Media("ab" * 32, "image/png", 7, 1, 1, "a.png")
    ref = Ref("web", "a", "m")
    for event in (
        Invocation("k", ann, place, "blend", {"image": [media, media], "n": 3, "tile": True}),
        Invocation("k", ann, place, "imagine", {}, text="a cat --ar 3:2"),
        Press("k", ann, place, "token", ref),
        Filling("k", ann, place, "token", {"prompt": "a cat", "mask": media}, ref=ref),
    ):
        assert event == intake.load(intake.dump(event))
    with pytest.raises(ValueError, match="cannot be read"):
        intake.load('{"kind": "press", "event": {}}')


async def test_a_form_answered_twice_counts_once(
    gateway: Sandbox, tmp_path: Path, people: People
) -> None:
    """The same answers again show what the first ones made; a stranger does not get the form."""
    async with running(tmp_path, gateway.url) as app:
        ann, bob = [await browser(one, app.address) for one in people]
        await ann.act(text="/imagine a house")
        grid = await ann.see(result("Imagine"))
        await ann.act(token=button(grid, "U1"))
        single = await ann.see(result("U1"))
        token = button(single, "Custom Zoom")
        async with bob.session.get(f"{bob.base}/api/form/{token}") as answer:
            assert 400 == answer.status
            assert "belongs to" in (await answer.json())["error"]
        async with ann.session.get(f"{ann.base}/api/form/{token}") as answer:
            fields = {f["name"]: f["value"] for f in (await answer.json())["fields"]}
        assert "2" == fields["zoom"]

        for _ in range(2):
            assert 202 == await ann.act(token=token, values={**fields, "zoom": "1.5"})
        await ann.see(result("Custom Zoom"))
        await ann.settled()
        paid = [seen for seen in gateway.submits if seen.path.endswith("/modal")]
        assert 1 == len(paid)


async def test_sessions_of_one_browser_are_apart(
    gateway: Sandbox, tmp_path: Path, people: People
) -> None:
    """A second session sees nothing of the first, and has no right to its buttons."""
    async with running(tmp_path, gateway.url) as app:
        first = await browser(people[0], app.address)
        second = Browser(people[0], app.address, number="2")
        await first.act(text="/imagine a house")
        grid = await first.see(result("Imagine"))
        await second.act(token=button(grid, "U1"))
        refusal = await second.see(lambda c: "belongs to" in c["text"])
        assert refusal["private"]
        assert [refusal["key"]] == list(await second.settled())
        assert 1 == len(gateway.submits)


async def test_streams_end_when_the_program_stops(
    gateway: Sandbox, tmp_path: Path, people: People
) -> None:
    """Open pages do not hold a stop up, and their streams end as they should."""
    async with running(tmp_path, gateway.url) as app:
        ann = await browser(people[0], app.address)
        streams = [await ann.session.get(f"{ann.base}/api/stream") for _ in range(5)]
        await stopped(app)
        for stream in streams:
            assert b"event: all" in await stream.content.read()


async def stopped(app: App) -> None:
    """Ask the program to stop and wait until its address is closed."""
    app.stop.set()
    port = int(app.address.rpartition(":")[2])
    async with asyncio.timeout(4):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return
            writer.close()
            await asyncio.sleep(0.05)


def test_every_word_of_the_page_is_in_the_catalogue() -> None:
    """The page says nothing that cannot be translated, and lists nothing it does not say."""
    folder = Path(__file__).parent.parent / "adapters" / "web" / "static"
    scripts = "\n".join(file.read_text() for file in folder.glob("*.js"))
    page = (folder / "page.html").read_text()
    said = set(re.findall(r'\b(?:t|state)\("([^"]+)"', scripts))
    said |= set(re.findall(r'data-(?:text|label|title|hint)="([^"]+)"', page))
    assert set(WORDS) == said


def test_every_sign_of_a_button_is_drawn() -> None:
    """Not every machine has a font for them; the page draws those that the house itself uses."""
    root = Path(__file__).parent.parent
    icons = (root / "adapters" / "web" / "static" / "icons.js").read_text()
    drawn = {*re.findall(r'^  "([^"]+)": \[', icons, re.MULTILINE), "🔟"}
    sign = re.compile('"([\u2600-\u27bf\U0001f000-\U0001faff])\ufe0f?"')
    used = {one for file in root.glob("core/**/*.py") for one in sign.findall(file.read_text())}
    assert len(used) > 20
    assert not used - drawn
