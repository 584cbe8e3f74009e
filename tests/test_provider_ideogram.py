"""Ideogram: its forms and its answers, as the contract prints them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import BadInput, Busy, GatewayError, Moderated, Refused, Spent, Unreachable
from core.messages import Media
from core.providers.base import Remote, Request, Result
from core.providers.ideogram import OFFERS, RESOLUTIONS, Ideogram
from core.wire import Answer, Blob, Call

ideogram = Ideogram()
BY_KIND = {offer.kind: offer for offer in OFFERS}
PHOTO = Media("a" * 64, "image/png", 9, 640, 480)
MASK = Media("b" * 64, "image/png", 9, 640, 480)
ROW = {
    "url": "https://ideogram.ai/api/images/ephemeral/xx.png?exp=1&sig=2",
    "prompt": "a pig, richly lit",
    "resolution": "1312x736",
    "is_image_safe": True,
    "seed": 12345,
    "style_type": "GENERAL",
    "upscaled_resolution": None,
}
UNSAFE = {**ROW, "url": None, "is_image_safe": False}


def ask(kind: Any, *media: Media, prompt: str = "a pig", **options: Any) -> Call:
    return ideogram.call(Request(BY_KIND[kind].key, kind, prompt, media, options))


def read(body: Any, status: int = 200) -> Any:
    return ideogram.accept(Request("ideogram-v3", "image", "a pig"), Answer(status, body))


@pytest.mark.parametrize(
    ("kind", "media", "path"),
    [
        ("image", (), "/ideogram/v1/ideogram-v3/generate"),
        ("edit", (PHOTO, MASK), "/ideogram/v1/ideogram-v3/edit"),
        ("remix", (PHOTO,), "/ideogram/v1/ideogram-v3/remix"),
    ],
)
def test_every_call_is_a_form(kind: str, media: tuple[Media, ...], path: str) -> None:
    """Also one without a file; and it waits longer than the service needs."""
    call = ask(kind, *media)
    assert (call.path, call.multipart) == (path, True)
    assert call.timeout > 120


def test_options_go_in_the_forms_own_words() -> None:
    """A shape has an x, numbers are text, a palette is JSON in a part of its own."""
    call = ask(
        "image",
        ar="16:9",
        count="4",
        no="mud",
        seed=7,
        style="REALISTIC",
        quality="TURBO",
        palette="EMBER",
        magic="OFF",
    )
    palette = json.loads(call.json.pop("color_palette"))
    assert palette == {"name": "EMBER"}
    assert call.json == {
        "prompt": "a pig",
        "aspect_ratio": "16x9",
        "num_images": "4",
        "negative_prompt": "mud",
        "seed": "7",
        "style_type": "REALISTIC",
        "rendering_speed": "TURBO",
        "magic_prompt": "OFF",
    }


def test_files_stand_in_the_parts_they_belong_to() -> None:
    """References, the picture and its mask, the picture and its weight."""
    two = ask("image", PHOTO, MASK).json["style_reference_images"]
    assert [blob.media for blob in two] == [PHOTO, MASK]
    assert sum(blob.most for blob in two) <= 10_000_000
    edit = ask("edit", PHOTO, MASK).json
    assert (edit["image"].media, edit["mask"].media) == (PHOTO, MASK)
    remix = ask("remix", PHOTO, strength=60).json
    assert (remix["image"].media, remix["image_weight"]) == (PHOTO, "60")
    assert isinstance(remix["image"], Blob)
    assert remix["image"].types == ("image/jpeg", "image/png", "image/webp")


def test_style_codes_are_parts_of_their_own() -> None:
    """As many as were given."""
    assert ask("image", codes="3B2A91C0, ffffffff").json["style_codes"] == ["3B2A91C0", "ffffffff"]


@pytest.mark.parametrize(
    ("kind", "media", "options"),
    [
        ("image", (), {"ar": "1:1", "resolution": "1024x1024"}),
        ("image", (), {"codes": "3B2A91C0", "style": "DESIGN"}),
        ("image", (PHOTO,), {"codes": "3B2A91C0"}),
        ("image", (), {"codes": "warm"}),
        ("image", (), {"seed": 2**31}),
        ("remix", (PHOTO,), {"strength": 0}),
        ("remix", (), {}),
        ("edit", (PHOTO,), {}),
        ("edit", (PHOTO, Media("c" * 64, "image/png", 9, 64, 48)), {}),
    ],
)
def test_what_does_not_go_together_is_refused_before_money_moves(
    kind: str, media: tuple[Media, ...], options: dict[str, Any]
) -> None:
    """Each with a sentence."""
    with pytest.raises(BadInput):
        ask(kind, *media, **options)


def test_prices_follow_number_and_speed() -> None:
    """Each picture costs, a quick one less."""
    offer = BY_KIND["image"]
    assert offer.cost({"count": "4"}) == pytest.approx(0.24)
    assert offer.cost({"count": "2", "quality": "TURBO"}) == pytest.approx(0.06)
    assert len(set(RESOLUTIONS)) == 69


def test_the_pictures_and_the_words_they_were_made_from() -> None:
    """The rewritten prompt is told where it differs."""
    result = read({"created": "2025-05-20T10:00:00Z", "data": [ROW, ROW]})
    assert isinstance(result, Result)
    assert result.media == (Remote(ROW["url"]),) * 2
    assert result.prompt == "a pig, richly lit"
    assert read({"data": [{**ROW, "prompt": "a pig"}]}).prompt == ""


@pytest.mark.parametrize("url", [None, ""])
def test_a_picture_that_is_not_safe_was_made_and_charged(url: Any) -> None:
    """It comes with HTTP 200 and no address."""
    with pytest.raises(Moderated) as caught:
        read({"data": [{**UNSAFE, "url": url}]})
    assert caught.value.spent is Spent.YES
    assert "held back" in str(caught.value)


def test_one_of_several_is_held_back() -> None:
    """The others are the result, and it is told."""
    result = read({"data": [ROW, UNSAFE, ROW, UNSAFE]})
    ((text, values),) = result.facts["remarks"]
    assert len(result.media) == 2
    assert text.format(**values).startswith("2 of 4 pictures were held back")


@pytest.mark.parametrize(
    ("status", "body", "kind", "spent"),
    [
        (422, {"error": "Prompt failed the safety check"}, Moderated, Spent.NO),
        (400, {"error": "aspect_ratio: 16:9 is not allowed"}, Refused, Spent.NO),
        (429, {"error": "too many requests"}, Busy, Spent.NO),
        (524, "<html></html>", Unreachable, Spent.UNKNOWN),
        (200, {"data": []}, GatewayError, Spent.YES),
    ],
)
def test_what_goes_wrong(status: int, body: Any, kind: type[GatewayError], spent: Spent) -> None:
    """A refusal costs nothing, a proxy's page leaves it open."""
    with pytest.raises(kind) as caught:
        read(body, status)
    assert caught.value.spent is spent
