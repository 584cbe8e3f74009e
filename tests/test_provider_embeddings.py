"""Embeddings: what is asked, and how vectors, mistakes and refusals read."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from core.errors import (
    BadInput,
    BadKey,
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
from core.providers.base import Request, Result
from core.providers.embeddings import OFFERS, Embeddings
from core.wire import Answer

embeddings = Embeddings()
INDEX = [{"text": "a red fox", "jobs": ["j1", "j2"]}, {"text": "a boat", "jobs": ["j3"]}]
ROWS = [[0.5, -0.25, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.5]]


def search(words: str = "fox", offer: str = "text-embedding-3-small", **options: Any) -> Request:
    return Request(offer, "embedding", words, options={"index": INDEX, **options})


def packed(vector: list[float]) -> bytes:
    return struct.pack(f"<{len(vector)}f", *vector)


def good(rows: Any = None, **more: Any) -> Any:
    """The contract's answer."""
    listed = [
        {"object": "embedding", "index": n, "embedding": vector}
        for n, vector in enumerate(ROWS if rows is None else rows)
    ]
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return {
        "object": "list",
        "data": listed,
        "model": "text-embedding-3-small",
        "usage": usage,
        **more,
    }


def read(body: Any, request: Request | None = None) -> Result:
    found = embeddings.accept(request or search(), Answer(200, body))
    assert isinstance(found, Result)
    return found


def trouble(body: Any, status: int = 200) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        embeddings.accept(search(), Answer(status, body))
    return caught.value


def test_one_call_takes_the_words_and_all_texts() -> None:
    """Numbers are asked for in so many words, and few of them."""
    call = embeddings.call(search())

    assert (call.method, call.path) == ("POST", "/v1/embeddings")
    assert call.json == {
        "model": "text-embedding-3-small",
        "input": ["fox", "a red fox", "a boat"],
        "encoding_format": "float",
        "dimensions": 256,
    }
    assert "openai" in call.keys


@pytest.mark.parametrize(
    ("model", "width"),
    [("text-embedding-3-large", 256), ("text-embedding-ada-002", None), ("bge-m3", None)],
)
def test_only_models_that_know_it_are_told_a_width(model: str, width: int | None) -> None:
    """Others refuse the knob."""
    body = embeddings.call(search(offer=model, model=model, index=[])).json

    assert body.get("dimensions") == width
    assert (body["model"], body["input"]) == (model, ["fox"])


def test_words_are_needed() -> None:
    """Nothing is asked for without them."""
    with pytest.raises(BadInput):
        embeddings.call(search(" "))


def test_vectors_come_in_the_order_of_the_texts() -> None:
    """Each as little-endian floats of 32 bits; tokens are told."""
    found = read(good())

    assert found.vectors == tuple(packed(vector) for vector in ROWS)
    assert found.tokens == (8, 0)


def test_vectors_in_another_order_are_put_right() -> None:
    """By their own numbers."""
    body = good()
    body["data"].reverse()
    assert read(body).vectors == tuple(packed(vector) for vector in ROWS)


def test_vectors_without_numbers_are_taken_as_they_come() -> None:
    """Some gateways leave the numbers out."""
    rows = [{"embedding": vector} for vector in ROWS]
    assert read({"data": rows}).vectors == tuple(packed(vector) for vector in ROWS)
    assert read({"data": rows}).tokens is None


def test_base64_is_read_too() -> None:
    """Whatever was asked for."""
    rows = [base64.b64encode(packed(vector)).decode() for vector in ROWS]
    assert read(good(rows)).vectors == tuple(packed(vector) for vector in ROWS)


def test_whole_numbers_are_numbers() -> None:
    """JSON prints 1.0 as 1."""
    assert read(good([[1, 0], [0, 1], [1, 1]])).vectors[0] == packed([1.0, 0.0])


def test_tokens_may_stand_in_the_total_alone() -> None:
    """Usage is told in either place."""
    assert read(good(usage={"total_tokens": 5})).tokens == (5, 0)
    assert read(good(usage=None)).tokens is None


@pytest.mark.parametrize(
    "body",
    [
        good(ROWS[:2]),
        good([*ROWS, ROWS[0]]),
        good([]),
        good(data=None),
        good([ROWS[0], ROWS[1], []]),
        good([ROWS[0], ROWS[1], None]),
        good([ROWS[0], ROWS[1], "@@@"]),
        good([ROWS[0], ROWS[1], base64.b64encode(b"abc").decode()]),
        good([ROWS[0], ROWS[1], [0.0, "x", 1.0]]),
        good([ROWS[0], ROWS[1], [0.0, float("nan"), 1.0]]),
        good([ROWS[0], ROWS[1], [0.0, 1e300, 1.0]]),
        good([ROWS[0], ROWS[1], [1.0]]),
        {"data": [{"index": 0, "embedding": v} for v in ROWS]},
        {"data": [{"index": n + 1, "embedding": v} for n, v in enumerate(ROWS)]},
        {"data": ["x", None, 3]},
    ],
)
def test_a_good_answer_of_no_use_was_paid_for(body: Any) -> None:
    """Too few or too many vectors, broken ones, or whose nobody can say."""
    found = trouble(body)

    assert isinstance(found, Garbled)
    assert found.spent is Spent.YES


@pytest.mark.parametrize("body", ["<html><title>Welcome</title></html>", "", {}, None, [], 7])
def test_an_answer_that_is_none_leaves_it_open(body: Any) -> None:
    """Nobody can say whether it was paid for."""
    found = trouble(body)

    assert isinstance(found, Garbled)
    assert found.spent is Spent.UNKNOWN


def said(message: str, code: Any = "") -> Any:
    return {"error": {"message": message, "type": "new_api_error", "param": "", "code": code}}


@pytest.mark.parametrize(
    ("status", "body", "kind", "spent"),
    [
        (400, said("'$.input' is invalid"), Refused, Spent.NO),
        (400, said("no", "content_policy_violation"), Moderated, Spent.NO),
        (
            400,
            {"description": "task_no_found ", "type": "upstream_error", "code": 4},
            Refused,
            Spent.NO,
        ),
        (400, {"code": "invalid", "message": "no", "data": None}, Refused, Spent.NO),
        (400, {"detail": "no"}, Refused, Spent.NO),
        (400, {"error": "no"}, Refused, Spent.NO),
        (401, said("无效的令牌"), BadKey, Spent.NO),
        (401, said("[sk-abc***xyz] 该令牌额度已用尽"), OutOfCredit, Spent.NO),
        (402, said("pay"), OutOfCredit, Spent.NO),
        (403, said("该令牌无权访问模型"), BadKey, Spent.NO),
        (403, said("no", "insufficient_user_quota"), OutOfCredit, Spent.NO),
        (404, said("Invalid URL (POST /v1/embeddings)"), NotThere, Spent.NO),
        (408, said("slow"), GatewayError, Spent.UNKNOWN),
        (413, "", Refused, Spent.NO),
        (429, "", Busy, Spent.NO),
        (429, said("当前分组上游负载已饱和，请稍后再试"), Busy, Spent.NO),
        (500, said("do_request_failed", "do_request_failed"), GatewayError, Spent.UNKNOWN),
        (501, said("api_not_implemented"), NotThere, Spent.NO),
        (502, "<html><title>502 Bad gateway</title></html>", GatewayError, Spent.UNKNOWN),
        (503, said("当前分组 openai 下对于模型 x 无可用渠道"), NoChannel, Spent.NO),
        (504, "<html></html>", GatewayError, Spent.UNKNOWN),
        (524, "", GatewayError, Spent.UNKNOWN),
    ],
)
def test_refusals(status: int, body: Any, kind: type[GatewayError], spent: Spent) -> None:
    """Every shape and status, with what became of the money."""
    found = trouble(body, status)

    assert isinstance(found, kind)
    assert found.spent is spent


def test_an_error_in_a_good_answer_is_one() -> None:
    """Gateways say no with HTTP 200 too."""
    assert isinstance(trouble(said("没有")), Refused | Garbled | Unreachable)


def test_prices_are_by_the_token() -> None:
    """What is held covers the most that one call can read."""
    for offer in OFFERS:
        used = offer.used((100 * offer.texts + 200, 0))
        assert used is not None
        assert 0 < used < offer.price
        assert offer.sync
