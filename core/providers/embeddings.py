"""Meaning in OpenAI's format: texts as vectors, through `/v1/embeddings`.

One call takes the words that are looked for and texts that have no vector yet, and its answer is
the vectors of both. What is near to what is not decided here. Pure. `Request.options` it reads, all
optional: model, index (objects whose `text` is to have a vector as well).
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.errors import BadInput, Garbled, Spent
from core.i18n import mark
from core.providers.base import MILLION, Family, Offer, Request, Result, Ticket, Waiting
from core.providers.fields import list_of, object_of, text_of, tokens, whole
from core.wire import Answer, Call, Json, refusal

FAMILY = "embeddings"
PATH = "/v1/embeddings"
SECONDS = 60.0
MOST = 20_000_000
"""Bytes of an answer: each of its numbers takes some twenty characters."""
HELD = 50_000
"""Tokens that are paid for at most, about: those of the most texts that one call takes."""
WIDTHS: Mapping[str, int] = {"text-embedding-3-": 256}
"""Numbers of a vector by the beginning of a model's name, for models that can be told: the first
of those that they give by themselves say nearly the same."""

WIDE = 10
"""Texts of a call to a model that nobody knows: its vectors may have some 3,000 numbers."""


def _offer(key: str, title: str, cost: float, texts: int = 96) -> Offer:
    """`cost` is USD a million tokens; `texts` so many that an answer, which is parsed at one go,
    holds some 30,000 numbers.
    """
    return Offer(
        key,
        FAMILY,
        "embedding",
        title,
        cost * HELD / MILLION,
        longest=2000,
        texts=texts,
        per_token=(cost / MILLION, 0.0),
        sync=True,
        typical=2.0,
    )


OFFERS: tuple[Offer, ...] = (
    _offer("text-embedding-3-small", "Embedding 3 small", 0.02),
    _offer("text-embedding-3-large", "Embedding 3 large", 0.13),
    _offer("text-embedding-ada-002", "Embedding Ada 2", 0.10, texts=20),
)
"""Prices are the vendor's; `[models]` sets the gateway's."""


class Embeddings(Family):
    """The family. See `core.providers.base.Provider`."""

    family = FAMILY
    offers: Sequence[Offer] = OFFERS

    def call(self, request: Request) -> Call:
        """The call. Raises `BadInput`."""
        texts = inputs(request)
        if not texts[0].strip():
            raise BadInput(mark("Say what you are looking for."))
        model = text_of(request.options.get("model")) or request.offer
        body: dict[str, Json] = {"model": model, "input": texts, "encoding_format": "float"}
        if width := _width(model):
            body["dimensions"] = width
        keys = (request.offer, model, "openai")
        return Call("POST", PATH, FAMILY, body, SECONDS, most=MOST, keys=keys)

    def owned(self, offer: Offer) -> Offer:
        """A model whose vectors may be wide takes few texts a call, as its answer is parsed at one
        go.
        """
        known = offer.wire in {one.key for one in OFFERS} or _width(offer.wire)
        return offer if known else replace(offer, texts=min(offer.texts, WIDE))

    def accept(self, request: Request, answer: Answer) -> Ticket | Waiting | Result:
        """The vectors, in the order of the texts. Raises a `GatewayError`; a good answer that is of
        no use was paid for.
        """
        if error := refusal(answer):
            raise error
        body = object_of(answer.body)
        rows = [object_of(row) for row in list_of(body.get("data"))]
        if "data" not in body:
            raise Garbled(detail="an answer without data")
        wanted = len(inputs(request))
        if len(rows) != wanted:
            raise _useless(f"{len(rows)} vectors for {wanted} texts")
        vectors = tuple(_vector(row.get("embedding")) for row in _in_order(rows))
        if len({len(vector) for vector in vectors}) > 1:
            raise _useless("vectors of several lengths")
        return Result(vectors=vectors, tokens=_tokens(body))


def _width(model: str) -> int:
    """What a model is told to give; 0 for one that cannot be told."""
    return next((n for head, n in WIDTHS.items() if model.startswith(head)), 0)


def inputs(request: Request) -> list[str]:
    """What is sent: the words that are looked for, then the texts without a vector."""
    index = list_of(request.options.get("index"))
    return [request.prompt, *(text_of(object_of(one).get("text")) for one in index)]


def _in_order(rows: Sequence[Mapping[str, Json]]) -> Sequence[Mapping[str, Json]]:
    """The rows by their numbers; as they came where none has one."""
    numbers = [whole(row.get("index")) for row in rows]
    if all(number is None for number in numbers):
        return rows
    by_number = dict(zip(numbers, rows, strict=True))
    if by_number.keys() != set(range(len(rows))):
        raise _useless("vectors whose numbers are not those of the texts")
    return [by_number[number] for number in range(len(rows))]


def _vector(value: Json) -> bytes:
    """A vector as it is kept: little-endian 32-bit floats; it may come as base64 of the same."""
    try:
        if isinstance(value, str):
            data = base64.b64decode(value, validate=True)
            numbers: Sequence[float] = struct.unpack(f"<{len(data) // 4}f", data)
        else:
            numbers = list_of(value)
            data = struct.pack(f"<{len(numbers)}f", *numbers)
        good = bool(data) and math.isfinite(math.fsum(numbers))
    except (ValueError, TypeError, OverflowError, struct.error) as error:
        raise _useless(f"a vector that nobody can read: {error}") from error
    if not good:
        raise _useless("a vector that is none")
    return data


def _tokens(body: Mapping[str, Json]) -> tuple[int, int] | None:
    """What was read, where that is told; nothing is written."""
    usage = object_of(body.get("usage"))
    read = tokens(usage.get("prompt_tokens"))
    read = tokens(usage.get("total_tokens")) if read is None else read
    return None if read is None else (read, 0)


def _useless(detail: str) -> Garbled:
    return Garbled(spent=Spent.YES, detail=detail)
