"""Fitting wishes to models: what is lacking is told, what is near is taken, the rest is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.commands.fit import find, request_for
from core.errors import BadInput
from core.messages import Media
from core.providers import catalogue, providers
from core.providers.base import Offer, Request

OFFERS = catalogue(providers(), {})
PICTURE = Media("a" * 64, "image/png", 9)


def fitted(key: str, *media: Media, **options: Any) -> tuple[Request, str]:
    request, notes = request_for(OFFERS[key], "a fox", options, media)
    return request, " ".join(text.format(**values) for text, values in notes)


@pytest.mark.parametrize(
    ("kind", "name", "key"),
    [
        ("image", "", "mj_imagine"),
        ("image", "mj", "mj_imagine"),
        ("image", "Midjourney", "mj_imagine"),
        ("image", "dalle", "dall-e-3"),
        ("image", "DALL-E 3", "dall-e-3"),
        ("image", "dall·e", "dall-e-3"),
        ("image", "gpt image", "gpt-image-1"),
        ("image", "gpt-image-1", "gpt-image-1"),
        ("image", "flux", "flux-schnell"),
        ("image", "flux pro", "flux-pro"),
        ("image", "flux 1.1 pro", "flux-pro-1.1"),
        ("image", "Flux 1.1 Pro Ultra", "flux-pro-1.1-ultra"),
        ("image", "kontext max", "flux-kontext-max"),
        ("image", "qwen", "qwen-image"),
        ("image", "ideogram", "ideogram-v3"),
        ("image", "Ideogram 3", "ideogram-v3"),
        ("edit", "ideogram", "ideogram-v3-edit"),
        ("remix", "ideogram", "ideogram-v3-remix"),
        ("song", "suno", "chirp-crow"),
        ("song", "suno 4", "chirp-v4"),
        ("song", "Suno 4.5", "chirp-auk"),
        ("song", "suno 4.5+", "chirp-bluejay"),
        ("song", "suno v5", "chirp-crow"),
    ],
)
def test_a_model_is_found_however_it_is_written(kind: str, name: str, key: str) -> None:
    """By its key, its title, its beginning, or its words in any order."""
    assert find(OFFERS.values(), kind, name).key == key


@pytest.mark.parametrize("kind", ["image", "video"])
def test_kling_is_found(kind: str) -> None:
    """For pictures and for films."""
    assert OFFERS[find(OFFERS.values(), kind, "kling").key].family == "kling"


@pytest.mark.parametrize(
    ("name", "near"),
    [("flx pro", "Flux Pro"), ("ideogam", "Ideogram 3"), ("dale-e-3", "DALL·E 3")],
)
def test_a_misspelt_model_is_named_with_its_neighbour(name: str, near: str) -> None:
    """And with all there are."""
    with pytest.raises(BadInput, match=f"Did you mean {near}") as caught:
        find(OFFERS.values(), "image", name)
    assert "Midjourney" in str(caught.value)


def test_a_model_nobody_has_heard_of() -> None:
    """Those there are, each once."""
    with pytest.raises(BadInput) as caught:
        find(OFFERS.values(), "image", "zzzzz")
    assert str(caught.value).count("GPT Image") == 1
    with pytest.raises(BadInput, match="not offered here"):
        find([], "image", "")


def test_the_usual_model_takes_the_files_there_are() -> None:
    """An edit without a mask goes to one that needs none."""
    assert find(OFFERS.values(), "edit", "", 1).media[0] == 1
    assert find(OFFERS.values(), "edit", "", 2).media[1] >= 2


@pytest.mark.parametrize(
    ("key", "options", "kept", "told"),
    [
        ("flux-dev", {"ar": "16:9"}, {"ar": "16:9"}, ""),
        ("flux-dev", {"ar": "5:4"}, {"ar": "4:3"}, "does not draw 5:4; I took 4:3."),
        ("dall-e-3", {"ar": "2:1"}, {"ar": "16:9"}, "I took 16:9."),
        ("dall-e-3", {"ar": "1:9"}, {"ar": "9:16"}, "I took 9:16."),
        ("dall-e-3", {"count": 4}, {"count": "1"}, "makes at most 1 at a time"),
        ("gpt-image-1", {"count": 3}, {"count": "3"}, ""),
        ("gpt-image-1", {"count": 9}, {"count": "8"}, "makes at most 8 at a time"),
        ("dall-e-3", {"style": "VIVID"}, {"style": "vivid"}, ""),
        ("ideogram-v3", {"style": "realistic"}, {"style": "REALISTIC"}, ""),
        ("ideogram-v3", {"seed": "7"}, {"seed": 7}, ""),
        (
            "flux-dev",
            {"stylize": 500, "chaos": "7", "raw": True, "tile": False, "no": None},
            {},
            "Flux Dev has no --stylize, --chaos, --raw, so I left that out.",
        ),
    ],
)
def test_options_are_fitted_and_what_changed_is_told(
    key: str, options: dict[str, Any], kept: dict[str, Any], told: str
) -> None:
    """Once, with everything that was left out."""
    request, notes = fitted(key, **options)
    assert request.options == {**kept, "model": OFFERS[key].wire}
    assert told in notes
    assert bool(told) == bool(notes)


@pytest.mark.parametrize(
    ("key", "media", "options", "told"),
    [
        ("dall-e-3", 0, {"quality": "ultra"}, "DALL·E 3 takes standard, hd for quality, not ultra"),
        ("dall-e-3", 0, {"ar": "wide"}, "for ar, not wide"),
        ("ideogram-v3", 0, {"resolution": "10x10"}, "…"),
        ("ideogram-v3", 0, {"seed": "many"}, "seed is a whole number"),
        ("dall-e-3", 1, {}, "DALL·E 3 takes no pictures"),
        ("ideogram-v3", 4, {}, "takes at most 3 pictures; 4 were given"),
        ("ideogram-v3-remix", 0, {}, "needs a picture"),
        ("ideogram-v3-edit", 1, {}, "needs 2 pictures"),
    ],
)
def test_what_a_model_cannot_take_is_refused(
    key: str, media: int, options: dict[str, Any], told: str
) -> None:
    """Before money moves, with what it takes instead."""
    with pytest.raises(BadInput) as caught:
        fitted(key, *[PICTURE] * media, **options)
    assert told in str(caught.value)


def test_a_prompt_that_is_too_long_for_this_model() -> None:
    """With both numbers."""
    with pytest.raises(BadInput, match="at most 4000 characters, and this is 4001"):
        request_for(OFFERS["dall-e-3"], "x" * 4001, {})


DRAWING = [offer for offer in OFFERS.values() if offer.kind == "image" and not offer.flags]
SHAPED = [offer for offer in DRAWING if "ar" in offer.takes]
wishes = st.dictionaries(
    st.sampled_from(["ar", "count", "no", "seed", "style", "quality", "stylize", "resolution"]),
    st.none() | st.booleans() | st.integers(0, 12) | st.text(max_size=12),
)


@given(offer=st.sampled_from(DRAWING), options=wishes)
def test_whatever_is_wished_for_is_fitted_or_refused(offer: Offer, options: dict[str, Any]) -> None:
    """What goes on is what the model takes; what it lacks is named; nothing else is raised."""
    try:
        request, notes = request_for(offer, "a fox", options)
    except BadInput:
        return
    for name, value in request.options.items():
        if name != "model" and offer.takes[name]:
            assert value in offer.takes[name]
    told = " ".join(text.format(**values) for text, values in notes)
    lacking = [n for n, v in options.items() if v not in (None, False, "") and n not in offer.takes]
    assert all(f"--{name}" in told for name in lacking)


@given(offer=st.sampled_from(SHAPED), wide=st.integers(1, 50), tall=st.integers(1, 50))
def test_every_shape_has_a_nearest_one(offer: Offer, wide: int, tall: int) -> None:
    """Lying stays lying, standing stays standing, as far as the model has both."""
    request, _ = request_for(offer, "a fox", {"ar": f"{wide}:{tall}"})
    taken = request.options["ar"].split(":")
    if wide >= 2 * tall:
        assert int(taken[0]) > int(taken[1])
    if tall >= 2 * wide:
        assert int(taken[0]) < int(taken[1])
