"""Pictures by other models, changed pictures and new ones from old, as a person meets them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.families_kit import drawn, house, plain

MADE: list[tuple[str, list[str], int]] = [
    ("/imagine a fox --model dalle --ar 2:1 --count 4", ["DALL·E 3", "16:9", "at most 1"], 1),
    ("/imagine a fox --model dall-e-3 --quality hd --style natural", ["$0.08"], 1),
    ("/imagine a fox --model flux --stylize 500 --chaos 7", ["no --stylize, --chaos,"], 1),
    ('/imagine a fox --model "flux 1.1 pro" --ar 21:9', ["Flux Pro 1.1"], 1),
    ("/imagine a fox --model kontext-max", ["Flux Kontext Max", "$0.08"], 1),
    ("/imagine a fox --model gpt-image-1 --count 2 --background transparent", ["$0.084"], 2),
    ("/imagine a fox --model qwen --ar 4:3", ["Qwen Image"], 1),
    ("/imagine a fox --model ideogram --count 3 --palette EMBER --seed 5", ["$0.18"], 3),
    ("/imagine a fox --model ideogram --resolution 1536x512 --magic OFF", ["Ideogram 3"], 1),
    ("/imagine a fox --model ideogram --codes 3B2A91C0 --quality turbo", ["$0.03"], 1),
    ("/imagine an onefails fox --model ideogram --count 3", ["1 of 3 pictures were held back"], 2),
    ("/imagine an onefails fox --model gpt-image-1 --count 2", ["1 of 2 pictures did not come"], 1),
]


async def test_each_model_draws_in_its_own_way(tmp_path: Path) -> None:
    """What it lacks or does otherwise is said; every call is paid for once."""
    async with house(tmp_path) as ann:
        for number, (words, told, files) in enumerate(MADE, 1):
            card = await ann.gets(words)
            assert len(card["media"]) == files, (words, plain(card))
            assert all(word in plain(card) for word in told), (words, plain(card))
            assert len(ann.gateway.submits) == number


async def test_a_model_of_ones_own(tmp_path: Path) -> None:
    """Once in the settings it draws unless another is named; where it cannot, another one does."""
    async with house(tmp_path) as ann:
        assert "Flux Dev" in plain(await ann.gets("/settings --image flux-dev --ar 3:2"))
        card = await ann.gets("/imagine a fox")
        assert "Flux Dev" in plain(card)
        assert ann.asked()["aspect_ratio"] == "3:2"
        assert "DALL·E 3" in plain(await ann.gets("/imagine a fox --model dalle"))
        pictures = await ann.sends(drawn())
        assert "Midjourney" in plain(await ann.gets("/imagine a fox", values={"image": pictures}))
        assert "no model fluxx" in plain(await ann.gets("/settings --image fluxx-9"))
        await ann.gets("/settings --image default")
        assert "Midjourney" in plain(await ann.gets("/imagine a fox"))


async def test_pictures_to_go_by(tmp_path: Path) -> None:
    """Ideogram takes three of them."""
    async with house(tmp_path) as ann:
        pictures = await ann.sends(drawn(), drawn(colour="red"))
        card = await ann.gets("/imagine a fox --model ideogram", values={"image": pictures})
        assert len(card["media"]) == 1
        assert "🖼️ ×2" in plain(card)


UNSURE = "may or may not be working on this"
ENDS: list[tuple[str, str, str, int]] = [
    ("a banned fox", "dalle", "turned this down for its content", 0),
    ("a fail fox", "dalle", "refused this: the renderer gave up", 0),
    ("a nulls fox", "dalle", "answered without a picture", 1),
    ("a lostanswer fox", "flux", UNSURE, 1),
    ("an html fox", "flux", UNSURE, 1),
    ("an e500 fox", "gpt-image-1", UNSURE, 1),
    ("a gone404 fox", "flux", "It cost $0.003.", 1),
    ("a notimage fox", "flux", "It cost $0.003.", 1),
    ("a banned fox", "ideogram", "turned this down for its content", 0),
    ("a moderated fox", "ideogram", "held back for what it shows", 1),
    ("a nulls fox", "ideogram", "answered without a picture", 1),
    ("a lostanswer fox", "ideogram", UNSURE, 1),
]


async def test_what_goes_wrong_is_said_and_nothing_is_paid_twice(tmp_path: Path) -> None:
    """A refusal costs nothing; what is lost, held back or broken is told as it is."""
    async with house(tmp_path) as ann:
        paid = 0
        for words, model, told, costs in ENDS:
            card = await ann.gets(f"/imagine {words} --model {model}")
            paid += costs
            assert told in plain(card), (words, model, plain(card))
            assert ("Nothing was charged" in plain(card)) == (not costs), (words, plain(card))
            assert "@everyone" not in card["text"]
            assert "http" not in plain(card)
            assert len(ann.gateway.submits) == paid, words


async def test_a_service_that_is_full_is_asked_again_later(tmp_path: Path) -> None:
    """The job waits and says why; nothing is charged."""
    async with house(tmp_path) as ann:
        await ann.ann.act(text="/imagine a saturated fox --model flux")
        card = await ann.ann.see(lambda c: "more to do than it can take" in c["text"])
        assert card["progress"] >= 0
        assert not ann.gateway.submits


async def test_a_picture_is_changed_where_its_mask_says(tmp_path: Path) -> None:
    """Without a mask by a model that needs none; with one in each model's own kind of mask."""
    async with house(tmp_path) as ann:
        (picture,) = await ann.sends(drawn((96, 64)))
        card = await ann.gets("/edit make it winter", values={"image": picture})
        assert "GPT Image" in plain(card)
        assert len(card["media"]) == 1
        for hole, size in (("black", (96, 64)), ("black", (48, 32))):
            (mask,) = await ann.sends(drawn(size, "white", hole))
            files = {"image": picture, "mask": mask}
            for model, told in (("", "Ideogram 3"), (" --model gpt-image", "GPT Image")):
                card = await ann.gets(f"/edit make it winter{model}", values=files)
                assert told in plain(card), plain(card)
                assert len(card["media"]) == 1, plain(card)
        assert len(ann.gateway.submits) == 5


async def test_a_new_picture_from_an_old_one(tmp_path: Path) -> None:
    """With its strength and its shape."""
    async with house(tmp_path) as ann:
        (picture,) = await ann.sends(drawn())
        words = "/remix as an oil painting --strength 60 --ar 5:3 --count 2"
        card = await ann.gets(words, values={"image": picture})
        assert "I took 16:10" in plain(card)
        assert "$0.12" in plain(card)
        assert len(card["media"]) == 2


Files = dict[str, bytes]
WRONG: list[tuple[str, Files, str]] = [
    ("/imagine a fox --model dalle3000", {}, "Did you mean DALL·E 3?"),
    ("/imagine a fox --model dalle --quality ultra", {}, "takes standard, hd for quality"),
    ("/imagine a fox --model dalle --style realistic", {}, "takes vivid, natural for style"),
    ("/imagine a fox --model ideogram --style vivid", {}, "AUTO, GENERAL, REALISTIC, DESIGN"),
    ("/imagine a fox --style vivid", {}, "can be raw, cute, scenic"),
    ("/imagine a fox --model dalle --ar wide", {}, "is no shape"),
    ("/imagine --model dalle --ar 1:1", {}, "Say what the picture shall show"),
    (f"/imagine {'x ' * 2500} --model dalle", {}, "at most 4000 characters"),
    ("/imagine a fox --model dalle", {"image": drawn()}, "takes no pictures"),
    ("/imagine a fox --model ideogram --resolution 1x1", {}, "for resolution, not 1x1"),
    (
        "/imagine a fox --model ideogram --ar 1:1 --resolution 1024x1024",
        {},
        "takes a shape or a resolution, not both",
    ),
    (
        "/imagine a fox --model ideogram --codes 3B2A91C0 --style DESIGN",
        {},
        "takes style codes, or a style",
    ),
    ("/imagine a fox --model ideogram --seed 4294967295", {}, "seeds from 0 to 2147483647"),
    ("/imagine a fox --model dalle --count 20", {}, "count goes from 1 to 9"),
    ("/edit make it winter", {}, "Send a picture with the command"),
    ("/edit", {"image": drawn()}, "What shall be different"),
    ("/edit", {}, "Send a picture with the command"),
    ("/edit winter --model ideogram", {"image": drawn()}, "changes only a part of a picture"),
    (
        "/edit winter",
        {"image": drawn(), "mask": drawn((64, 64), "white", "black")},
        "The mask has another shape (64×64) than the picture (64×48)",
    ),
    (
        "/edit winter",
        {"image": drawn(), "mask": drawn(colour="white")},
        "it has no black in it",
    ),
    ("/remix as a painting", {}, "Send a picture with the command"),
    ("/remix as a painting --strength 0", {"image": drawn()}, "strength goes from 1 to 100"),
    ("/remix as a painting --model dalle", {"image": drawn()}, "There is Ideogram 3"),
]


async def test_bad_input_gets_one_sentence_and_costs_nothing(tmp_path: Path) -> None:
    """Before anything is sent."""
    async with house(tmp_path) as ann:
        for words, files, told in WRONG:
            handles: dict[str, Any] = {n: (await ann.sends(d))[0] for n, d in files.items()}
            card = await ann.gets(words, **({"values": handles} if handles else {}))
            assert told in plain(card), (words, plain(card))
        assert not ann.gateway.submits


@pytest.mark.parametrize("words", ["/imagine a fox --model=flux-dev", "/imagine a fox --no dogs"])
async def test_a_model_named_among_the_flags_of_a_typed_option(tmp_path: Path, words: str) -> None:
    """Where the prompt is an option of its own, its flags count as well."""
    async with house(tmp_path) as ann:
        prompt = words.removeprefix("/imagine ")
        card = await ann.gets(command="imagine", values={"prompt": prompt})
        assert ("Flux Dev" in plain(card)) == ("flux" in words)


async def test_each_models_styles_are_offered_while_a_person_types(tmp_path: Path) -> None:
    """With the name of the model they belong to, by which they are found too."""
    async with house(tmp_path) as ann:
        offered: dict[str, list[list[str]]] = {}
        for command, typed in (
            ("imagine", ""),
            ("imagine", "dall"),
            ("remix", ""),
            ("edit", "fic"),
        ):
            query = {"command": command, "option": "style", "text": typed}
            url = f"{ann.ann.base}/api/suggest"
            async with ann.ann.session.get(url, params=query) as answer:
                offered[f"{command} {typed}"] = await answer.json()
        assert ["vivid", "vivid · DALL·E 3"] in offered["imagine "]
        assert ["REALISTIC", "REALISTIC · Ideogram 3"] in offered["imagine "]
        assert [value for value, _ in offered["imagine dall"]] == ["vivid", "natural"]
        assert ["DESIGN", "DESIGN"] in offered["remix "]
        assert [value for value, _ in offered["edit fic"]] == ["FICTION"]
