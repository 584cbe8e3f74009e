"""Earlier results found by what they are about, as a person in the browser meets it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.sandbox import Sandbox
from tests.families_kit import Person, house, plain
from tests.house import running
from tests.test_walk_ask import final, gateway  # noqa: F401
from tests.web_kit import Card, browser, button, jar

SEARCHES = "/v1/embeddings"
FOX, BOAT, VOICE = "a red fox in deep snow", "a sailing boat at night", "Good evening, dear foxes"


async def work(ann: Person) -> None:
    """Three results of different kinds."""
    await ann.gets(f"/imagine {FOX} --model flux-schnell")
    await ann.gets(f"/imagine {BOAT} --model flux-schnell")
    await ann.gets(f"/speak {VOICE}")


def searches(ann: Person) -> list[Any]:
    """What was asked for meanings, search by search."""
    return [seen.body["input"] for seen in ann.gateway.submits if seen.path == SEARCHES]


def lines(card: Card) -> list[str]:
    """The numbered lines of what was found."""
    return re.findall(r"^\d\. \*\*.*", plain(card), re.MULTILINE)


async def test_results_are_found_by_what_they_are_about(tmp_path: Path) -> None:
    """The nearest first, with what, when, who and the id; a number shows it with live buttons."""
    async with house(tmp_path) as ann:
        await work(ann)
        card = await ann.gets("/find foxes in the winter snow")

        assert lines(card)[0] == f"1. **Imagine** · {FOX}"
        assert lines(card)[1] == f"2. **Speak** · {VOICE}"
        shown = re.search(r"Flux Schnell · \d{4}-\d\d-\d\d · `(\w{7})`", plain(card))
        assert shown is not None
        assert "tokens" in card["text"]
        assert [b["label"] for b in card["buttons"]] == [
            str(n + 1) for n in range(len(lines(card)))
        ]

        seen = await ann.gets(token=button(card, "1"), message=card["key"])
        assert f"`{shown[1]}`" in seen["text"]
        assert [m["mime"] for m in seen["media"]] == ["image/png"]
        assert button(seen, "Improve")
        assert len(ann.gateway.submits) == 4, "to look again costs nothing"


async def test_a_result_is_read_once(tmp_path: Path) -> None:
    """One call a search; what was read before is not sent, nor paid for, again."""
    async with house(tmp_path) as ann:
        await work(ann)
        await ann.gets("/find snow")
        await ann.gets(f"/imagine {FOX} --model flux-schnell")
        again = await ann.gets("/find evening")

        first, second = searches(ann)
        assert first == ["snow", VOICE, BOAT, FOX]
        assert second == ["evening", FOX]
        assert lines(again)[0] == f"1. **Speak** · {VOICE}"


async def test_what_says_the_same_is_shown_once(tmp_path: Path) -> None:
    """The newest of them."""
    async with house(tmp_path) as ann:
        await ann.gets(f"/speak {VOICE}")
        newest = await ann.gets(f"/speak {VOICE}")
        card = await ann.gets("/find foxes")

        assert searches(ann) == [["foxes", VOICE]]
        assert len(lines(card)) == 1
        number = re.findall(r"`(\w{7})`", newest["text"])[-1]
        assert f"`{number}`" in card["text"]


async def test_another_model_reads_everything_anew(tmp_path: Path) -> None:
    """Its vectors cannot be compared with those of the first one."""
    async with house(tmp_path) as ann:
        await work(ann)
        await ann.gets("/find snow")
        card = await ann.gets("/find snow --model ada")

        assert searches(ann)[1] == ["snow", VOICE, BOAT, FOX]
        assert ann.asked()["model"] == "text-embedding-ada-002"
        assert "dimensions" not in ann.asked()
        assert lines(card)[0] == f"1. **Imagine** · {FOX}"


async def test_much_is_read_in_parts(tmp_path: Path) -> None:
    """A search reads so much at most, the newest first, and says what is left."""
    async with house(tmp_path) as ann:
        names = [f"number {n} of my many little foxes" for n in range(24)]
        for name in names:
            await ann.gets(f"/speak {name}")
        first = await ann.gets("/find foxes --model ada")
        second = await ann.gets("/find foxes --model ada")

        assert searches(ann)[0] == ["foxes", *names[:-21:-1]]
        assert "4 older results are not read yet" in plain(first)
        assert searches(ann)[1] == ["foxes", *names[3::-1]]
        assert "not read yet" not in plain(second)
        assert len(lines(second)) == 5


async def test_where_there_is_nothing_a_search_is_free(tmp_path: Path) -> None:
    """It says so; what failed, and a search itself, are nothing to find."""
    async with house(tmp_path) as ann:
        await ann.gets("/imagine a moderated fox --model flux-schnell")
        before = len(ann.gateway.submits)
        card = await ann.gets("/find fox")
        assert "nothing to find yet" in plain(card)
        assert len(ann.gateway.submits) == before


async def test_a_search_that_finds_nothing_says_so(tmp_path: Path) -> None:
    """What is not near is not shown."""
    async with house(tmp_path) as ann:
        await work(ann)
        card = await ann.gets("/find qqqq zzzz")
        assert "found nothing that is near this" in plain(card)
        assert card["buttons"] == []


async def test_other_peoples_private_results_are_not_found(
    gateway: Sandbox,
    tmp_path: Path,
) -> None:
    """Nor their ids shown; Ben has nothing, so he is told that, for free."""
    async with (
        running(tmp_path, gateway.url) as app,
        aiohttp.ClientSession(cookie_jar=jar()) as hers,
        aiohttp.ClientSession(cookie_jar=jar()) as his,
    ):
        ann, ben = await browser(hers, app.address), await browser(his, app.address)
        await ann.act(text=f"/speak {VOICE}")
        await ann.see(final("GPT voice"))
        await ben.act(text="/find foxes")
        await ben.see(final("nothing to find yet"))
        await ben.act(text="/speak hello there")
        await ben.see(final("GPT voice"))
        await ben.act(text="/find foxes")
        card = await ben.see(final("Search", "tokens"))
        assert "dear" not in card["text"]

        sent = [seen.body["input"] for seen in gateway.submits if seen.path == SEARCHES]
        assert sent == [["foxes", "hello there"]]


@pytest.mark.parametrize(
    ("words", "told", "paid"),
    [
        ("/find", "What the result was about", 0),
        ("/find " + "x" * 501, "too long", 0),
        ("/find fox --model nobody", "no model nobody", 0),
        ("/find fox --colour red", "--colour", 0),
        ("/find a fail fox", "words mean nothing", 0),
        ("/find a moderated fox", "turned this down", 0),
        ("/find a lostanswer fox", "may have cost", 1),
        ("/find an e500 fox", "may have cost", 1),
        ("/find an html fox", "may have cost", 1),
        ("/find a notimage fox", "may have cost", 1),
        ("/find a onefails fox", "makes no sense", 1),
        ("/find a nulls fox", "makes no sense", 1),
        ("/find a packed fox", "a red fox in deep snow", 1),
        ("/find a slow fox", "a red fox in deep snow", 1),
    ],
)
async def test_mishaps(tmp_path: Path, words: str, told: str, paid: int) -> None:
    """One clear sentence; what was not spent is given back, what may have been is told."""
    async with house(tmp_path) as ann:
        await work(ann)
        card = await ann.gets(words)

        assert told in plain(card)
        assert len(searches(ann)) == paid
        if not paid and "**Search**" in card["text"]:
            assert "Nothing was charged" in plain(card)


async def test_a_model_that_the_key_cannot_reach(tmp_path: Path) -> None:
    """After some tries it is told whose business that is; nothing was charged."""
    async with house(tmp_path) as ann:
        await work(ann)
        error = {"message": "无可用渠道", "type": "new_api_error", "code": "model_not_found"}
        fault = ann.gateway.faults.add(SEARCHES, times=None, status=503, body={"error": error})
        card = await ann.gets("/find fox")

        assert "nothing that serves this model" in plain(card)
        assert "Nothing was charged" in plain(card)
        assert fault.met > 1
        assert searches(ann) == []


async def test_a_lost_answer_is_asked_for_again_only_by_a_press(tmp_path: Path) -> None:
    """Then the same texts are read, once more and for the last time."""
    async with house(tmp_path) as ann:
        await work(ann)
        ann.gateway.faults.add(SEARCHES, drop="after")
        lost = await ann.gets("/find snow")
        assert "may have cost" in plain(lost)
        assert len(searches(ann)) == 1

        card = await ann.gets(token=button(lost, "Run again"), message=lost["key"])
        assert lines(card)[0] == f"1. **Imagine** · {FOX}"
        await ann.gets("/find boat")
        assert searches(ann)[1:] == [["snow", VOICE, BOAT, FOX], ["boat"]]


async def test_what_was_read_outlives_a_restart(tmp_path: Path) -> None:
    """Vectors are in the store, and so is what was made."""
    hers = jar()
    async with house(tmp_path, cookies=hers) as ann:
        await work(ann)
        await ann.gets("/find snow")
    async with house(tmp_path, cookies=hers) as ann:
        card = await ann.gets("/find boat")
        assert lines(card)[0] == f"1. **Imagine** · {BOAT}"
        assert searches(ann) == [["boat"]]


async def test_the_assistant_may_propose_a_search(tmp_path: Path) -> None:
    """It is run only when its button is pressed."""
    async with house(tmp_path) as ann:
        await work(ann)
        said = await ann.gets("/ask can you find my earlier fox in the snow?")
        assert searches(ann) == []
        assert [b["label"] for b in said["buttons"] if "Look" in b["label"]] == [
            "Look for it · $0.001"
        ]

        card = await ann.gets(token=button(said, "Look for it"), message=said["key"])
        assert lines(card)[0] == f"1. **Imagine** · {FOX}"
        assert len(searches(ann)) == 1
