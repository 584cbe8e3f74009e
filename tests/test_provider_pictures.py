"""Pictures in OpenAI's format: each body as the contract prints it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from core.errors import (
    BadInput,
    Busy,
    Garbled,
    GatewayError,
    Moderated,
    NoChannel,
    NotThere,
    OutOfCredit,
    Refused,
    Spent,
    Unreachable,
)
from core.messages import Media
from core.providers.base import Remote, Request, Result
from core.providers.pictures import OFFERS, Pictures
from core.wire import Answer, Blob, Call

pictures = Pictures()
BY_KEY = {offer.key: offer for offer in OFFERS}
PHOTO = Media("a" * 64, "image/png", 9, 640, 480)
MASK = Media("b" * 64, "image/png", 9, 640, 480)
LINK = "https://cdn.example/x.png?sig=1"
DATA = base64.b64encode(b"\x89PNG bytes").decode()


def ask(key: str, *media: Media, prompt: str = "a fox", **options: Any) -> Call:
    return pictures.call(Request(key, BY_KEY[key].kind, prompt, media, options))


def read(body: Any, status: int = 200, prompt: str = "a fox") -> Any:
    return pictures.accept(Request("dall-e-3", "image", prompt), Answer(status, body))


@pytest.mark.parametrize(
    ("key", "options", "body"),
    [
        ("dall-e-3", {}, {"n": 1, "size": "1024x1024"}),
        (
            "dall-e-3",
            {"ar": "16:9", "quality": "hd", "style": "natural"},
            {"n": 1, "size": "1792x1024", "quality": "hd", "style": "natural"},
        ),
        ("dall-e-3", {"ar": "9:16"}, {"n": 1, "size": "1024x1792"}),
        ("gpt-image-1", {}, {"n": 1, "size": "1024x1024", "quality": "medium"}),
        (
            "gpt-image-1",
            {"ar": "3:2", "count": "4", "quality": "low", "background": "transparent"},
            {"n": 4, "size": "1536x1024", "quality": "low", "background": "transparent"},
        ),
        ("flux-schnell", {}, {"n": 1}),
        ("flux-kontext-max", {"ar": "21:9"}, {"n": 1, "aspect_ratio": "21:9"}),
        ("qwen-image", {"ar": "4:3"}, {"n": 1, "size": "1472x1140"}),
    ],
)
def test_each_model_is_asked_in_its_own_words(
    key: str, options: dict[str, Any], body: dict[str, Any]
) -> None:
    """Sizes where they are wanted, a shape for Flux, and never a quality dearer than was told."""
    call = ask(key, **options)
    assert call.json == {"model": key, "prompt": "a fox", **body}
    assert call.path == "/v1/images/generations"
    assert "×" not in json.dumps(call.json, ensure_ascii=False)


@pytest.mark.parametrize("media", [(PHOTO,), (PHOTO, MASK)])
def test_an_edit_is_a_form_with_its_files(media: tuple[Media, ...]) -> None:
    """The picture is one of `image[]`, the mask a file of its own."""
    call = ask("gpt-image-1-edit", *media)
    assert call.path == "/v1/images/edits"
    files = {name: part for name, part in call.json.items() if isinstance(part, Blob)}
    assert [part.media for part in files.values()] == list(media)
    assert list(files) == ["image[]", "mask"][: len(media)]
    assert all(part.form == "file" for part in files.values())
    assert call.json["model"] == "gpt-image-1"
    assert ask("qwen-image-edit", PHOTO).json["model"] == "qwen-image-edit"


def test_an_owners_name_for_a_model_counts() -> None:
    """`[models]` may call it otherwise on the wire; keys go by both names."""
    call = ask("flux-pro", model="black-forest-labs/flux-pro")
    assert call.json["model"] == "black-forest-labs/flux-pro"
    assert call.keys == ("flux-pro", "black-forest-labs/flux-pro")


@pytest.mark.parametrize(
    ("key", "options", "price"),
    [
        ("dall-e-3", {}, 0.04),
        ("dall-e-3", {"ar": "16:9"}, 0.08),
        ("dall-e-3", {"quality": "hd"}, 0.08),
        ("dall-e-3", {"ar": "9:16", "quality": "hd"}, 0.12),
        ("gpt-image-1", {"count": "3"}, 0.126),
        ("gpt-image-1", {"quality": "high"}, 0.168),
        ("flux-schnell", {"ar": "16:9"}, 0.003),
    ],
)
def test_prices_follow_size_quality_and_number(
    key: str, options: dict[str, Any], price: float
) -> None:
    """The wide sizes and hd cost twice, both together three times."""
    assert BY_KEY[key].cost(options) == pytest.approx(price)


def test_nothing_to_draw_is_refused_before_money_moves() -> None:
    """No words, and no picture to change."""
    with pytest.raises(BadInput):
        ask("flux-dev", prompt=" \n")
    with pytest.raises(BadInput):
        ask("gpt-image-1-edit")


@pytest.mark.parametrize(
    ("row", "url"),
    [
        ({"url": LINK, "b64_json": None, "revised_prompt": "a fox, finely"}, LINK),
        ({"url": LINK}, LINK),
        ({"b64_json": DATA}, f"data:;base64,{DATA}"),
        ({"url": "", "b64_json": DATA}, f"data:;base64,{DATA}"),
        ({"url": f"data:image/png;base64,{DATA}"}, f"data:image/png;base64,{DATA}"),
        ({"b64_json": f"data:image/png;base64,{DATA}"}, f"data:image/png;base64,{DATA}"),
    ],
)
def test_a_picture_comes_as_an_address_or_as_bytes(row: dict[str, Any], url: str) -> None:
    """Whatever was asked for."""
    result = read({"created": 1730621826, "data": [row]})
    assert isinstance(result, Result)
    assert result.media == (Remote(url),)
    assert result.prompt == row.get("revised_prompt", "")


@pytest.mark.parametrize("data", [{"url": LINK}, [LINK], LINK])
def test_a_picture_is_found_without_its_list_or_its_row(data: Any) -> None:
    """It was paid for, however it is printed."""
    assert read({"data": data}).media == (Remote(LINK),)


def test_some_of_several_are_missing_and_that_is_told() -> None:
    """What came is the result; the rest is a remark beside it."""
    result = read({"data": [{"url": LINK}, {"url": None, "b64_json": None}, {"url": LINK}]})
    assert len(result.media) == 2
    ((text, values),) = result.facts["remarks"]
    assert text.format(**values) == "1 of 3 pictures did not come."


@pytest.mark.parametrize(
    "body", [{"data": []}, {"data": None}, {"data": [None]}, {"created": 1}, {"data": [{}]}, []]
)
def test_an_answer_without_a_picture_was_paid_for(body: Any) -> None:
    """It is said, and never asked for again by itself."""
    with pytest.raises(Garbled) as caught:
        read(body)
    assert caught.value.spent is Spent.YES
    assert not caught.value.again


def error(message: str, code: Any = "", kind: str = "new_api_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": "", "code": code}}


@pytest.mark.parametrize(
    ("status", "body", "kind", "spent"),
    [
        (400, error("rejected by our safety system", "content_policy_violation"), Moderated, "no"),
        (400, error("size not supported", None, "invalid_request_error"), Refused, "no"),
        (403, error("x", "insufficient_user_quota"), OutOfCredit, "no"),
        (503, error("当前分组 default 下对于模型 flux-pro 无可用渠道"), NoChannel, "no"),
        (429, error("当前分组上游负载已饱和，请稍后再试"), Busy, "no"),
        (429, "", Busy, "no"),
        (501, error("not implemented", "api_not_implemented"), NotThere, "no"),
        (500, error("do_request_failed", "do_request_failed"), Unreachable, "unknown"),
        (502, "<html><title>502 Bad gateway</title></html>", Unreachable, "unknown"),
        (504, "<html></html>", Unreachable, "unknown"),
        (524, "<html></html>", Unreachable, "unknown"),
        (200, "<html></html>", Garbled, "unknown"),
    ],
)
def test_what_goes_wrong(status: int, body: Any, kind: type[GatewayError], spent: str) -> None:
    """A proxy that gave up waiting says nothing of the money; a refusal does."""
    with pytest.raises(kind) as caught:
        read(body, status)
    assert caught.value.spent.value == spent
