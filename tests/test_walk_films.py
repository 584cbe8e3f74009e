"""Films and clothes, as a person in the browser meets them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bot.sandbox import Sandbox
from tests.house import running
from tests.pictures import picture
from tests.web_kit import Browser, Card, browser, jar

SIZE = (400, 320)


class House:
    """Ann at the page of a running bot, and the pretend gateway behind it."""

    def __init__(self, ann: Browser, gateway: Sandbox) -> None:
        self.ann, self.gateway = ann, gateway

    async def file(self, kind: str = "PNG", size: tuple[int, int] = SIZE) -> Any:
        """A picture she has sent up."""
        status, found = await self.ann.upload(picture(kind, size))
        assert status == 200
        return {"handle": found["handle"]}

    async def told(self, words: str, **values: Any) -> Card:
        """Do something; returns the card that came of it in the end."""
        before = set(await self.ann.settled())
        assert await self.ann.act(text=words, values=values) == 202
        return await self.ann.see(lambda c: c["key"] not in before and c["progress"] == -1)

    @property
    def bodies(self) -> list[Any]:
        """What began paid work."""
        return [seen.body for seen in self.gateway.submits]


@asynccontextmanager
async def house(folder: Path, **sections: Any) -> AsyncIterator[House]:
    """Run everything; several jobs of one person go on at once."""
    gateway = Sandbox(pace=0.03, image_size=320)
    await gateway.start()
    jobs = {"poll_scale": 0.05, "parallel": 12, "parallel_per_person": 12}
    try:
        async with (
            running(folder, gateway.url, **{"jobs": jobs, **sections}) as app,
            aiohttp.ClientSession(cookie_jar=jar()) as session,
        ):
            yield House(await browser(session, app.address), gateway)
    finally:
        await gateway.stop()


def plain(card: Card) -> str:
    """A card's text as a person reads it."""
    return str(card["text"].replace("\\", ""))


def film(card: Card) -> bool:
    """A card that shows a finished film."""
    return card["progress"] == -1 and [m["mime"] for m in card["media"]] == ["video/mp4"]


# -- what can be done ------------------------------------------------------------------------------

FILMS = {
    "/video boat one own --seconds 10 --mode pro": "Kling 1.6",
    "/video boat two wrapped numeric": "Kling 1.6",
    "/video boat three short": "Kling 1.6",
    "/video boat four object unknownstatus --camera zoom:-3": "Kling 1 ",
    "/video boat five --model kling-v2-master --ar 9:16": "Kling 2 Master",
    "/video boat six listed --model luma": "Luma",
    "/video boat seven html --model ray-v2": "Luma Ray 2",
    "/video boat eight numeric --model pika-2.0": "Pika 2.0",
}


async def test_films_from_words(tmp_path: Path) -> None:
    """They arrive whatever way the gateway prints them, and each was paid for once."""
    async with house(tmp_path) as here:
        for words in FILMS:
            await here.ann.act(text=words)
        for words, model in FILMS.items():
            which = words.split()[2]
            card = await here.ann.see(lambda c, which=which: film(c) and which in c["text"])
            assert model in plain(card)
        assert len(here.gateway.submits) == len(FILMS)


async def test_a_clean_film_is_waited_for_a_little(tmp_path: Path) -> None:
    """One that comes late is fetched; where it never comes the one with a mark is taken."""
    async with house(tmp_path) as here:
        await here.told("/video a late boat --model luma")
        assert film(await here.told("/video a marked boat --model luma"))
        late, marked = here.gateway.tasks.values()
        assert (late.more["seen"], marked.more["seen"]) == (3, 4)


async def test_films_from_a_picture(tmp_path: Path) -> None:
    """Words may be missing; a picture of a kind that is not taken goes redrawn."""
    wanted = {
        "it sails off": "Kling 1.6",
        "": "Kling 1.6",
        "--model gen4_turbo --ar 1:1": "Runway Gen-4 Turbo",
        "it sails wrapped --model gen4_turbo": "Runway Gen-4 Turbo",
        "--model kling-v2-1-video --seconds 10": "Kling 2.1 video",
    }
    kinds = ("WEBP", "GIF", "GIF", "JPEG", "WEBP")
    async with house(tmp_path) as here:
        for (words, model), kind in zip(wanted.items(), kinds, strict=True):
            card = await here.told(f"/video {words}", image=await here.file(kind))
            assert film(card)
            assert model in plain(card)
        assert len(here.gateway.submits) == len(wanted)


async def test_films_from_a_first_picture_to_a_last(tmp_path: Path) -> None:
    """Both go with the request; a dearer mode that this needs is told."""
    async with house(tmp_path) as here:
        files = {"image": await here.file(), "end": await here.file()}
        for model in ("kling-v1", "kling-v1-6", "gen3a_turbo"):
            card = await here.told(f"/video it sails --model {model}", **files)
            assert film(card)
            assert ("needs mode pro" in plain(card)) == (model == "kling-v1-6")
        assert ["image_tail" in body for body in here.bodies] == [True, True, False]


async def test_clothes_are_tried_on(tmp_path: Path) -> None:
    """Two pictures make one."""
    async with house(tmp_path) as here:
        card = await here.told("/tryon", person=await here.file(), garment=await here.file())
        assert "Try on" in plain(card)
        assert "Kolors" in plain(card)
        assert [m["mime"] for m in card["media"]] == ["image/png"]
        assert len(here.gateway.submits) == 1


async def test_what_was_left_out_is_told_with_the_film(tmp_path: Path) -> None:
    """From the first moment on, with the price; flags count wherever they stand."""
    async with house(tmp_path) as here:
        text = "/video a slow boat --model 1.6 --seconds 8 --camera zoom:5 --stylize 50 --ar 2:1"
        await here.ann.act(text=text)
        going = await here.ann.see(lambda c: c["progress"] >= 0 and "$" in c["text"])
        assert "$0.56" in plain(going)
        for card in (going, await here.ann.see(film)):
            assert "has no --camera, --stylize, so I left that out" in plain(card)
            assert "does not film 8 seconds; I took 10" in plain(card)
            assert "I took 16:9" in plain(card)
        assert "Kling 1.6 · 10 s · 16:9 · " in plain(card)
        assert here.bodies[0]["duration"] == "10"


# -- what goes wrong -------------------------------------------------------------------------------

LOST = {
    "a fail boat own": ("the renderer gave up", "Nothing was charged", 1),
    "a fail boat wrapped": ("the renderer gave up", "Nothing was charged", 1),
    "a fail boat short": ("the renderer gave up", "Nothing was charged", 1),
    "a fail boat object": ("the renderer gave up", "Nothing was charged", 1),
    "a fail boat --model luma": ("the renderer gave up", "Nothing was charged", 1),
    "a fail boat --model pika-1.5": ("the renderer gave up", "Nothing was charged", 1),
    "a moderated boat": ("for its content", "Nothing was charged", 1),
    "a banned boat": ("for its content", "Nothing was charged", 0),
    "a banned boat --model luma": ("for its content", "Nothing was charged", 0),
    "a banned boat --model pika-1.5": ("for its content", "Nothing was charged", 0),
    "a noaccount boat": ("no credit left at Kling", "Nothing was charged", 0),
    "a lostanswer boat": ("", "may have cost", 1),
    "a lostanswer boat --model luma": ("", "may have cost", 1),
    "an e500 boat --model pika-1.5": ("", "may have cost", 1),
}
"""What is said of what is asked for, and how often the gateway was paid."""


async def test_films_that_do_not_come(tmp_path: Path) -> None:
    """Each is told once, and what it cost is told truly."""
    async with house(tmp_path) as here:
        for words, (told, cost, paid) in LOST.items():
            before = len(here.gateway.submits)
            card = await here.told(f"/video {words}")
            assert told in plain(card), words
            assert cost in plain(card), words
            assert not card["media"]
            assert len(here.gateway.submits) - before == paid, words


UNREACHABLE = {
    "gone404": "link is dead",
    "notimage": "arrived broken",
    "loopback": "must not open",
}


async def test_a_film_whose_file_cannot_be_had_is_not_lost(tmp_path: Path) -> None:
    """It was paid, which is said with what became of it."""
    async with house(tmp_path) as here:
        for word, told in UNREACHABLE.items():
            card = await here.told(f"/video a {word} boat")
            assert told in plain(card)
            assert "It cost $0.28" in plain(card)
            assert not card["media"]
        assert len(here.gateway.submits) == 3


class Clock:
    """The time, or later."""

    ahead = 0.0

    def __call__(self) -> float:
        """Unix seconds."""
        return time.time() + self.ahead


async def test_films_that_never_end_are_given_up(tmp_path: Path) -> None:
    """After the model's own time, which the owner may set; also one that is finished without an
    address.
    """
    clock = Clock()
    models = {"kling-v1-6": {"deadline": 60}}
    async with house(tmp_path, models=models, clock=clock) as here:
        for word in ("stall", "nofile"):
            await here.ann.act(text=f"/video a {word} boat")
            await here.ann.see(lambda c, word=word: word in c["text"] and c["progress"] > 0)
        clock.ahead = 100.0
        for word in ("stall", "nofile"):
            card = await here.ann.see(
                lambda c, word=word: word in c["text"] and c["progress"] == -1
            )
            assert "stopped watching" in plain(card)
        assert len(here.gateway.submits) == 2


BOTH = ("image", "end")
BAD = (
    ("/video", (), "Say what happens"),
    ("/video --model kling-v1", (), "Say what happens"),
    ("/video a boat", ("end",), "needs a first one"),
    ("/video a boat --model kling-v1 --camera zoom:5", BOTH, "do not go together"),
    ("/video a boat --model kling-v1 --seconds 10", BOTH, "takes 5 for seconds"),
    ("/video a boat --mode std", BOTH, "takes pro for mode"),
    ("/video a boat --model kling-v2-master", BOTH, "takes no last picture"),
    ("/video a boat --model gen4_turbo", BOTH, "takes no last picture"),
    ("/video a boat --model gen4_turbo", (), "needs a picture"),
    ("/video a boat --model pika-1.5 --effect Melt", (), "effect needs a picture"),
    ("/video a boat --model pika-1.5 --effect Sing", ("image",), "Cake-ify"),
    ("/video a boat --model kling-v1 --camera sideways", (), "down_back"),
    ("/video a boat --model nobody", (), "There is no model nobody"),
    ("/video a boat --ar wide", (), "16:9"),
    ("/video a boat --seconds soon", (), "seconds"),
    ("/video a boat --seconds 0", (), "seconds"),
    ("/video a boat --model pika-1.5 --seed x", (), "whole number"),
    ("/video " + "x" * 2600, (), "2500"),
    ("/video " + "x" * 1001 + " --model pika-1.5", (), "1000"),
    ("/video", ("small",), "at least 300"),
    ("/video", ("thin",), "long and thin"),
    ("/video --model luma", ("image",), "needs words"),
    ("/tryon", (), "sent together in this order: person, garment."),
    ("/tryon", ("person",), "sent together in this order: person, garment."),
)
ODD = {"small": (200, 400), "thin": (1200, 320)}


async def test_what_cannot_work_is_said_at_once(tmp_path: Path) -> None:
    """One clear sentence each; nothing is asked of the gateway and no job is made."""
    async with house(tmp_path) as here:
        sent = {name: await here.file() for name in ("image", "end", "person")}
        sent |= {name: await here.file("PNG", size) for name, size in ODD.items()}
        for words, files, told in BAD:
            values = {("image" if name in ODD else name): sent[name] for name in files}
            card = await here.told(words, **values)
            assert told in plain(card), words
        assert not here.gateway.journal
        assert "no jobs" in plain(await here.told("/jobs"))


async def test_a_picture_for_a_model_that_takes_addresses_needs_a_public_one(
    tmp_path: Path,
) -> None:
    """Without it one sentence says what the owner has to set, and nothing is charged."""
    async with house(tmp_path) as here:
        for words in ("a boat --model luma", "--effect melt"):
            card = await here.told(f"/video {words}", image=await here.file())
            assert "public_url" in plain(card)
            assert "Nothing was charged" in plain(card)
        assert not here.gateway.journal


async def test_pictures_go_as_passing_addresses_where_there_is_a_public_one(tmp_path: Path) -> None:
    """For models that take nothing else; a wish for an effect finds a model that has it."""
    web = {"listen": "127.0.0.1:0", "public_url": "https://studio.example"}
    async with house(tmp_path, web=web) as here:
        for words in ("--effect melt", "a boat --model luma"):
            assert film(await here.told(f"/video {words}", image=await here.file()))
        pika, luma = here.bodies
        assert pika["image"].startswith("https://studio.example/")
        assert pika["pikaffect"] == "Melt"
        assert luma["image_url"].startswith("https://studio.example/")


async def test_values_are_offered_while_a_person_types(tmp_path: Path) -> None:
    """The models, the effects and the camera's moves, at most as many as platforms show."""
    async with house(tmp_path) as here:
        for option, typed, wanted in (
            ("model", "", "ray-v2"),
            ("effect", "", "Cake-ify"),
            ("effect", "me", "Melt"),
            ("camera", "", "forward_up"),
            ("camera", "zoom", "zoom:-10"),
        ):
            query = {"command": "video", "option": option, "text": typed}
            async with here.ann.session.get(f"{here.ann.base}/api/suggest", params=query) as answer:
                offered = [value for value, _ in await answer.json()]
            assert wanted in offered
            assert len(offered) <= 25
