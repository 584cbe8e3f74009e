"""The brush as chats hand it out: to the person alone, and for one job however often it is used."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

from bot.sandbox import Sandbox
from core.links import DAY, Links
from tests import discord_house, telegram_house
from tests.both import discord, telegram
from tests.house import running
from tests.web_kit import browser, jar, result

__all__ = ["discord", "telegram"]

PUBLIC = "https://bot.example/atelier"
WEB = {"listen": "127.0.0.1:0", "public_url": PUBLIC, "playground": False}


def mask(size: int = 128, colour: str = "white", kind: str = "PNG") -> str:
    """A mask as the page sends it: black with a painted corner."""
    image = Image.new("L", (size, size), "black")
    image.paste(colour, (0, 0, size // 4, size // 4))
    target = io.BytesIO()
    image.save(target, kind)
    return base64.b64encode(target.getvalue()).decode()


def local(app: Any, url: str) -> str:
    """A public address as a reverse proxy passes it on."""
    assert url.startswith(f"{PUBLIC}/paint/")
    return app.address + url.removeprefix(PUBLIC)


async def sent(url: str, **body: Any) -> tuple[int, Any]:
    """What the page's Send brings."""
    async with aiohttp.ClientSession() as s, s.post(url, json=body) as answer:
        return answer.status, await answer.json()


async def test_on_discord_the_address_is_shown_to_the_owner_alone(
    discord: discord_house.Walk,
) -> None:
    """Vary (Region) answers with the window's button and the link, both for her eyes only; what is
    painted makes the same job as the window would, once.
    """
    house = discord_house
    login = {
        "token": discord.server.token,
        "api_url": discord.server.api_url,
        "gateway_url": discord.server.gateway_url,
    }
    async with running(
        discord.folder,
        discord.gateway.url,
        clock=discord.server.clock.now,
        discord=login,
        web=WEB,
        jobs={"poll_scale": 0.01},
    ) as app:
        await discord.server.wait_connected()
        await discord.server.wait_commands()
        ann, general = discord.people()
        one = await house.pressed(discord, ann, await house.grid(discord, ann, general), "U1")
        region = next(label for label in house.labels(one) if "Region" in label)
        await ann.click(one, region)
        lent = await general.wait_message(house.says("page of mine"), timeout=10)
        assert lent.ephemeral
        assert lent.seen_by is ann
        window = await general.wait_message(lambda m: "Vary a region" in house.labels(m))
        assert window.ephemeral
        opened = await (await ann.click(window, "Vary a region")).wait_ack()
        assert opened.modal is not None

        url = local(app, next(b.url for b in lent.buttons if b.url))
        values = {"prompt": "a hat"}
        for _ in range(2):
            assert await sent(url, mask=mask(), values=values) == (202, {"ok": True})
        await general.wait_message(house.result("Region"), timeout=15)
        assert await sent(url, mask=mask(), values=values) == (202, {"ok": True})
    assert len(discord.paid) == 3


async def test_on_telegram_it_comes_in_the_private_chat(telegram: telegram_house.Walk) -> None:
    """In a group the question stays there, and the link goes to her alone."""
    house = telegram_house
    login = {"token": telegram.server.token, "api_url": telegram.server.url}
    async with running(telegram.folder, telegram.gateway.url, telegram=login, web=WEB) as app:
        ann, group = house.studio(telegram)
        own = telegram.server.private(ann)
        await ann.say(own, "/help")
        four = await house.grid(telegram, ann, group)
        await ann.press(four, "U1")
        one = await group.wait_message(house.result("U1"), timeout=15)
        region = next(label for label in house.labels(one) if "Region" in label)
        await ann.press(one, region)
        lent = await own.wait_message(house.says("page of mine"), timeout=10)
        await group.wait_message(house.question("Vary a region", "1/2"))
        shown = str([m.markup for m in group.messages])
        assert PUBLIC not in shown
        button = lent.markup["inline_keyboard"][0][0]
        paid = len(telegram.paid)
        url = local(app, button["url"])
        async with aiohttp.ClientSession() as s, s.get(f"{url}/picture") as answer:
            size = Image.open(io.BytesIO(await answer.read())).width
        assert await sent(url, mask=mask(size), values={}) == (202, {"ok": True})
        await group.wait_message(house.result("Region"), timeout=15)
    assert len(telegram.paid) == paid + 1


async def test_a_mask_that_cannot_be_used_is_refused_in_words(
    discord: discord_house.Walk,
) -> None:
    """Another size, nothing painted, no picture, no JSON, a form that is over: one sentence each,
    and nothing is submitted.
    """
    house = discord_house
    login = {
        "token": discord.server.token,
        "api_url": discord.server.api_url,
        "gateway_url": discord.server.gateway_url,
    }
    async with running(
        discord.folder, discord.gateway.url, discord=login, web=WEB, jobs={"poll_scale": 0.01}
    ) as app:
        await discord.server.wait_connected()
        await discord.server.wait_commands()
        ann, general = discord.people()
        one = await house.pressed(discord, ann, await house.grid(discord, ann, general), "U1")
        await ann.click(one, next(n for n in house.labels(one) if "Region" in n))
        lent = await general.wait_message(house.says("page of mine"), timeout=10)
        url = local(app, next(b.url for b in lent.buttons if b.url))
        paid = list(discord.paid)
        bad = {
            "another size": mask(64),
            "Nothing is painted": mask(colour="black"),
            "could not be read": "§",
            "picture": base64.b64encode(b"hello").decode(),
        }
        for words, data in bad.items():
            status, told = await sent(url, mask=data, values={"prompt": "a hat"})
            assert (status, words in told["error"]) == (400, True), told
        status, told = await sent(url, mask=mask(), values={"prompt": "x" * 7000})
        assert (status, "7000" in told["error"]) == (400, True)
        async with aiohttp.ClientSession() as s, s.get(url + "0") as answer:
            assert answer.status == 404
            assert "Press the button" in await answer.text()
        assert paid == discord.paid


async def test_a_part_of_an_own_picture_is_painted_for_an_edit(tmp_path: Path) -> None:
    """/edit asks for the part; what is painted goes to the model as black, once."""
    gateway = Sandbox(pace=0.01, image_size=128)
    await gateway.start()
    async with running(tmp_path, gateway.url) as app, aiohttp.ClientSession(cookie_jar=jar()) as s:
        ann = await browser(s, app.address)
        source = io.BytesIO()
        Image.new("RGB", (200, 100), "teal").save(source, "JPEG")
        _, given = await ann.upload(source.getvalue(), "sea.jpg")
        values = {"prompt": "a boat", "image": {"handle": given["handle"]}, "region": True}
        await ann.act(command="edit", values=values)
        card = await ann.see(lambda c: c["form"] and "which one?" in c["text"])
        url = app.address + card["form"]["page"]
        async with s.get(f"{url}/picture") as shown:
            assert Image.open(io.BytesIO(await shown.read())).size == (200, 100)
        image = Image.new("L", (200, 100), "white")
        image.paste("black", (0, 0, 50, 50))
        target = io.BytesIO()
        image.save(target, "PNG")
        painted = base64.b64encode(target.getvalue()).decode()
        for _ in range(2):
            assert await sent(url, mask=painted, values={}) == (202, {"ok": True})
        await ann.see(result("Edit"))
        await ann.settled()
        assert len(gateway.submits) == 1
        assert "edit" in gateway.submits[0].path
    await gateway.stop()


def test_an_address_is_good_for_a_day_and_for_its_button() -> None:
    """No part of it can be changed, and neither can that of a file be used for it."""
    now = [1000.0]
    links = Links(PUBLIC, b"secret", lambda: now[0])
    _, _, mark, end, token = links.page("abc").split("/")
    assert links.paints(mark, end, token)
    assert not links.paints(mark, end, "abd")
    assert not links.paints(mark, str(int(end) + 1), token)
    assert not links.paints("é", end, token)
    assert not Links(PUBLIC, b"other", lambda: now[0]).paints(mark, end, token)
    now[0] += DAY + 1
    assert not links.paints(mark, end, token)
