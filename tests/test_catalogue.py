"""Models as the owner's settings have them."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import App
from bot.config import load
from bot.sandbox import Sandbox
from core.commands.fit import find
from core.errors import BadInput
from core.providers import Catalogue, ModelSettings, catalogue, providers
from tests.families_kit import house, plain
from tests.test_walk_web import browser, gateway, jar, result  # noqa: F401

FLUX = {
    "family": "pictures",
    "kind": "image",
    "model": "flux-pro-2",
    "title": "My Flux",
    "price": 0.07,
    "takes": {"ar": ["1:1", "16:9"]},
}


def made(**models: dict[str, Any]) -> Catalogue:
    """A catalogue with these entries of `[models]`."""
    settings = {key: ModelSettings.model_validate(value) for key, value in models.items()}
    return catalogue(providers(), settings)


def test_a_model_of_the_owners_own_is_sold_like_its_family() -> None:
    """It has what it was told, and the rest from its family's first of that kind."""
    offers = made(myflux=FLUX)
    offer = find(offers.values(), "image", "My Flux")
    assert (offer.key, offer.wire, offer.price) == ("myflux", "flux-pro-2", 0.07)
    assert offer.takes == {"ar": ("1:1", "16:9")}
    assert offer.sync
    assert offer.cost({"ar": "16:9", "quality": "hd"}) == 0.07


@pytest.mark.parametrize(
    ("key", "settings", "texts"),
    [
        ("bge-m3", {"family": "embeddings", "kind": "embedding", "price": 0.001}, 10),
        ("text-embedding-3-small", {"model": "qwen-embedding"}, 10),
        ("text-embedding-3-small", {"price": 0.001}, 96),
        ("text-embedding-ada-002", {"price": 0.001}, 20),
        (
            "small",
            {
                "family": "embeddings",
                "kind": "embedding",
                "price": 0.001,
                "model": "text-embedding-3-small",
            },
            96,
        ),
    ],
)
def test_models_whose_vectors_may_be_wide_take_few_texts(
    key: str, settings: dict[str, Any], texts: int
) -> None:
    """Nobody told how many numbers those of the owner's own models have."""
    offers = catalogue(providers(), {key: ModelSettings(**settings)})
    assert offers[key].texts == texts


def test_language_models_are_sold_by_the_million_tokens() -> None:
    """Of question and answer; what a long one costs is held unless the price says how much."""
    tokens = {"price_in": 3.0, "price_out": 12.0}
    own = {"family": "chat", "kind": "chat", "model": "deepseek-v3", **tokens}
    offers = made(**{"deep": own, "gpt-4o": {**tokens, "price": 0.5}})
    deep = offers["deep"]
    assert (deep.wire, deep.price, deep.streams) == ("deepseek-v3", 0.03, True)
    assert deep.used((1_000_000, 500_000)) == pytest.approx(9.0)
    assert deep.used(None) is None
    assert offers["gpt-4o"].price == 0.5
    assert offers["gpt-4o"].used((1_000, 1_000)) == pytest.approx(0.015)


def test_a_price_alone_is_that_of_every_call() -> None:
    """Also of a model that is sold by tokens otherwise; where nothing is said it stays so."""
    offers = made(**{"gpt-4o": {"price": 0.02}, "gpt-4.1": {"title": "Four"}})
    assert offers["gpt-4o"].used((1_000, 1_000)) is None
    assert offers["gpt-4.1"].used((1_000_000, 1_000_000)) == pytest.approx(10.0)


def test_the_default_is_chosen_where_nobody_names_a_model() -> None:
    """Without a wish the first of the kind is taken, which is Midjourney's otherwise."""
    assert find(made().values(), "image", "").key == "mj_imagine"
    assert find(made(myflux={**FLUX, "default": True}).values(), "image", "").key == "myflux"
    assert find(made(**{"dall-e-3": {"default": True}}).values(), "image", "").key == "dall-e-3"


def test_a_hidden_model_is_neither_found_nor_named() -> None:
    """It stays known for the jobs that were made with it."""
    offers = made(mj_imagine={"hidden": True})
    assert find(offers.values(), "image", "").key != "mj_imagine"
    with pytest.raises(BadInput) as caught:
        find(offers.values(), "image", "mj_imagine")
    assert "Midjourney" not in str(caught.value.values["models"])
    assert offers["mj_imagine"].family == "midjourney"


def test_a_change_holds_for_everybody_and_a_bad_one_for_nobody() -> None:
    """What is sold no more stays, hidden; settings that cannot be used change nothing."""
    offers = made(myflux=FLUX)
    offers.change({"dall-e-3": ModelSettings(price=9.0)})
    assert offers["myflux"].hidden
    assert offers["dall-e-3"].price == 9.0
    with pytest.raises(ValueError, match="there is no such model; did you mean dall-e-3"):
        offers.change({"dall-e-4": ModelSettings(price=1.0)})
    assert offers["dall-e-3"].price == 9.0
    offers.change({"myflux": ModelSettings.model_validate(FLUX)})
    assert not offers["myflux"].hidden


BASE = """
[gateway]
base_url = "{url}"
api_key = "sandbox"
[web]
listen = "127.0.0.1:0"
[store]
url = "sqlite:///{folder}/atelier.db"
[archive]
dir = "{folder}/archive"
[jobs]
poll_scale = 0.05
"""
MINE = """
[models.myflux]
family = "pictures"
kind = "image"
model = "flux-dev"
title = "My Flux"
price = 0.07
default = true
"""


async def test_a_saved_file_counts_at_once_and_a_broken_one_does_not(
    gateway: Sandbox,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The new model draws without a restart, under its name on the wire; a mistake is logged with
    its line, and what there was goes on.
    """
    path = tmp_path / "config.toml"
    base = BASE.format(url=gateway.url, folder=tmp_path)
    path.write_text(base)
    app = App(load(path), config=path)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as tasks, aiohttp.ClientSession(cookie_jar=jar()) as s:
        run = tasks.create_task(app.run(ready.set))
        await ready.wait()
        try:
            ann = await browser(s, app.address)
            await ann.act(text="/imagine a fox --model myflux")
            await ann.see(lambda c: "There is no model myflux" in c["text"])
            path.write_text(base + MINE)
            await told(caplog, "took over [models]")
            await ann.act(text="/imagine a fox")
            card = await ann.see(result("Imagine"))
            assert "My Flux" in card["text"]
            assert "0.07" in card["text"]
            assert gateway.submits[-1].body["model"] == "flux-dev"
            path.write_text(base + MINE.replace("pictures", "picture"))
            await told(caplog, "did you mean pictures?")
            assert f"{path}, line 15: " in caplog.text
            await ann.act(text="/imagine a hare")
            await ann.see(lambda c: c["media"] and "hare" in c["text"])
            assert gateway.submits[-1].body["model"] == "flux-dev"
        finally:
            app.stop.set()
            await run


async def told(caplog: pytest.LogCaptureFixture, words: str) -> None:
    """Wait until the log has these words."""
    caplog.set_level(logging.INFO)
    async with asyncio.timeout(60):
        while words not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_an_answer_is_booked_by_its_tokens(tmp_path: Path) -> None:
    """At the owner's prices: what the receipt says is what the ledger has."""
    models = {"gpt-4.1-mini": {"price_in": 1000, "price_out": 2000}}
    async with house(tmp_path, models=models) as ann:
        card = await ann.gets("/ask why is the sky blue?")
        found = re.search(r"(\d+) \+ (\d+) tokens", plain(card))
        assert found is not None, plain(card)
        cost = (int(found[1]) * 1000 + int(found[2]) * 2000) / 1_000_000
        assert f"${cost:.2f}" in plain(card)
    with sqlite3.connect(tmp_path / "atelier.db") as books:
        ((booked,),) = books.execute("SELECT amount FROM ledger WHERE entry = 'settle'").fetchall()
    assert booked == round(cost * 1_000_000)
