"""Language models: answers that grow, and pictures wherever they stand in one."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from core.errors import (
    Garbled,
    GatewayError,
    Moderated,
    Refused,
    Spent,
    Unreachable,
)
from core.providers.base import Remote, Request
from core.providers.chat_answers import (
    BROKE_OFF,
    ONLY_WORDS,
    STOPPED,
)
from tests.chat_kit import (
    PNG,
    USAGE,
    ask,
    chat,
    choice,
    piece,
    read,
    remarks,
    streamed,
    whole,
)

# -- answers that grow -----------------------------------------------------------------------------


def test_pieces_make_the_whole() -> None:
    """Empty choices first, the role once, the usage last; what nobody can read is passed over."""
    body = streamed(
        {"choices": []},
        piece(role="assistant"),
        piece("Hel"),
        b"{broken",
        b"[1]",
        piece("lo!"),
        piece(reason="stop"),
        {"choices": [], "usage": USAGE},
    )
    result = read(body)

    assert (result.text, result.tokens, remarks(result)) == ("Hello!", (9, 12), [])


def test_a_stream_without_its_end_mark_is_whole_when_the_model_had_ended() -> None:
    """A missing `[DONE]` alone is no loss."""
    result = read(streamed(piece("All."), piece(reason="stop"), cut=True))

    assert remarks(result) == []


@pytest.mark.parametrize("last", [[], [{"error": {"message": "upstream error", "code": 500}}]])
def test_a_stream_that_breaks_off_keeps_what_came(last: list[Any]) -> None:
    """The text stays, with a remark; it is a result, so it is paid for and not asked again."""
    result = read(streamed(piece("Once upon"), *last, cut=True))

    assert (result.text, remarks(result)) == ("Once upon", [BROKE_OFF])


@pytest.mark.parametrize("events", [[], [piece(role="assistant")], [{"choices": []}]])
def test_a_stream_that_breaks_before_the_first_word_is_unsure(events: list[Any]) -> None:
    """Nobody can say whether it costs."""
    with pytest.raises(Unreachable) as caught:
        read(streamed(*events, cut=True))

    assert (caught.value.spent, caught.value.again) == (Spent.UNKNOWN, False)


@pytest.mark.parametrize("before", [[], [piece(role="assistant")]])
@pytest.mark.parametrize(
    ("words", "kind", "spent"),
    [
        ("sensitive_words_detected", Moderated, Spent.NO),
        ("upstream is unhappy", Refused, Spent.NO),
        ("upstream timeout", Unreachable, Spent.UNKNOWN),
    ],
)
def test_an_error_in_a_stream_before_the_first_word_is_never_tried_again(
    before: list[Any], words: str, kind: type[GatewayError], spent: Spent
) -> None:
    """It reads as the error it is, but the call had been passed on."""
    with pytest.raises(kind) as caught:
        read(streamed(*before, {"error": {"message": words, "code": "x"}}, cut=True))

    assert (caught.value.spent, caught.value.again) == (spent, False)


def test_a_stopped_answer_keeps_what_came() -> None:
    """Also when nothing had: that is no failure."""
    some = read(streamed(piece("Once"), stopped=True))
    none = read(streamed(stopped=True))

    assert (some.text, remarks(some)) == ("Once", [STOPPED])
    assert (none.text, remarks(none)) == ("", [STOPPED])


def test_calls_come_in_fragments() -> None:
    """Their arguments are put together by their numbers, which some leave out."""
    body = streamed(
        piece(
            tool_calls=[{"index": 0, "id": "a", "function": {"name": "imagine", "arguments": ""}}]
        ),
        piece(
            tool_calls=[
                {"index": 1, "id": "b", "function": {"name": "song", "arguments": '{"idea"'}}
            ]
        ),
        piece(tool_calls=[{"index": 0, "function": {"arguments": '{"prompt":'}}]),
        piece(tool_calls=[{"index": 0, "function": {"arguments": '"a fox"}'}}]),
        piece(tool_calls=[{"index": 1, "function": {"arguments": ':"rain"}'}}]),
        piece(reason="tool_calls"),
    )

    assert [dict(i.values) for i in read(body).invites] == [{"prompt": "a fox"}, {"idea": "rain"}]


def test_calls_without_numbers_are_told_apart_by_their_ids() -> None:
    """A piece with a new id begins a call, one without goes on with the last."""
    body = streamed(
        piece(tool_calls=[{"id": "a", "function": {"name": "song", "arguments": '{"idea":'}}]),
        piece(tool_calls=[{"function": {"arguments": '"x"}'}}]),
        piece(tool_calls=[{"id": "b", "function": {"name": "song", "arguments": '{"idea":"y"}'}}]),
    )

    assert [dict(i.values) for i in read(body).invites] == [{"idea": "x"}, {"idea": "y"}]


@pytest.mark.parametrize("names", [("ima", "gine"), ("imagine", "imagine"), ("", "imagine")])
def test_a_calls_name_may_come_in_pieces_or_again(names: tuple[str, str]) -> None:
    """However it is printed, what was proposed gets its button."""
    first, second = names
    body = streamed(
        piece(tool_calls=[{"index": 0, "id": "a", "function": {"name": first, "arguments": "{"}}]),
        piece(tool_calls=[{"index": 0, "function": {"name": second, "arguments": '"prompt":'}}]),
        piece(tool_calls=[{"index": 0, "function": {"arguments": '"a fox"}'}}]),
    )

    assert [i.command for i in read(body).invites] == ["imagine"]


@pytest.mark.parametrize(
    "events",
    [
        [piece([{"type": "text", "text": "Hel"}]), piece([{"type": "text", "text": "lo"}])],
        [{"choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]}],
        [piece("Hel"), piece("lo"), {"choices": [{"index": 0, "message": {"content": "Hello"}}]}],
    ],
    ids=["in parts", "all at once", "and again at the end"],
)
def test_words_are_found_in_whatever_form_they_stream(events: list[Any]) -> None:
    """An answer that was paid for is shown, and once."""
    answers = [i for i in read(streamed(*events)).invites if i.key.startswith("continue")]

    assert read(streamed(*events)).text == "Hello"
    assert len(answers) == 1


@pytest.mark.parametrize("told", [-5, 10**15, "-5", None, 3.5, {"a": 1}])
def test_tokens_that_cannot_be_are_not_charged(told: Any) -> None:
    """Such a number says nothing about the price."""
    body = whole(choice(), usage={"prompt_tokens": 9, "completion_tokens": told})

    assert read(body).tokens is None


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        (ask(), whole()),
        (ask(), whole(choice("", "content_filter"))),
        (ask(schema={"type": "object"}), whole(choice("no JSON"))),
        (ask(kind="complete"), whole({"text": "", "index": 0})),
    ],
)
def test_what_an_answer_without_a_result_cost_is_what_it_tells(
    request_: Request, body: Any
) -> None:
    """The tokens were paid for, and no more than those."""
    with pytest.raises(GatewayError) as caught:
        read(body, request_)

    assert (caught.value.spent, caught.value.tokens) == (Spent.YES, (9, 12))


def test_several_answers_grow_side_by_side() -> None:
    """The first is what is shown meanwhile."""
    stream = chat.stream(ask())
    for event in (piece("A"), piece("B", index=1), piece("a"), piece("b", index=1)):
        stream.add(json.dumps(event).encode())

    assert stream.text == "Aa"
    assert read(stream.whole(cut=False)).facts["answers"] == ["Aa", "Bb"]


def test_a_picture_that_is_still_coming_is_not_shown_as_letters() -> None:
    """Neither whole nor begun."""
    stream = chat.stream(ask())
    for text in ("Look: ", f"![image]({PNG})", " and ![image](data:image/png;base64,AAAA"):
        stream.add(json.dumps(piece(text)).encode())

    assert stream.text == "Look:  and "


# -- pictures out of a chat ------------------------------------------------------------------------

DRAW = Request("gemini-image", "image", "a fox")


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (whole(choice(f"Here: ![image]({PNG}) and ![two]({PNG}) done")), (PNG, PNG)),
        (whole(choice('![x](https://cdn.example/a.png "a fox")')), ("https://cdn.example/a.png",)),
        (whole(choice(PNG)), (PNG,)),
        (whole(choice(f"{PNG}\nThere it is.")), (PNG,)),
        (whole(choice("", images=[{"type": "image_url", "image_url": {"url": PNG}}])), (PNG,)),
        (whole(choice("", images=[PNG, {"url": PNG}, {"image_url": PNG}])), (PNG,) * 3),
        (
            whole(
                choice(
                    [
                        {"type": "text", "text": "Here"},
                        {"type": "image_url", "image_url": {"url": PNG}},
                    ]
                )
            ),
            (PNG,),
        ),
        (
            {
                "candidates": [
                    {
                        "content": {
                            "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]
                        }
                    }
                ]
            },
            ("data:;base64,AAAA",),
        ),
    ],
    ids=[
        "markdown data",
        "markdown address",
        "bare data",
        "data before words",
        "images",
        "images otherwise",
        "parts",
        "native",
    ],
)
def test_a_picture_is_found_wherever_it_stands(body: Any, media: tuple[str, ...]) -> None:
    """All the forms in which gateways put it."""
    result = read(body, DRAW)

    assert tuple(part.url for part in result.media if isinstance(part, Remote)) == media
    assert "base64" not in result.text


def test_words_instead_of_a_picture_are_a_normal_answer() -> None:
    """They are shown, saying that there is no picture."""
    result = read(whole(choice("I would rather describe it.")), DRAW)

    assert (result.media, result.text, remarks(result)) == (
        (),
        "I would rather describe it.",
        [ONLY_WORDS],
    )


@pytest.mark.parametrize("request_", [DRAW, ask()], ids=["image", "chat"])
def test_ten_megabytes_of_base64_are_read_in_linear_time(request_: Request) -> None:
    """Once over the text, and none of it among the words."""
    big = "data:image/png;base64," + "A" * 10_000_000
    started = time.process_time()
    result = read(whole(choice(f"Here it is ![image]({big}) enjoy")), request_)

    assert time.process_time() - started < 1.0
    assert [part.url == big for part in result.media if isinstance(part, Remote)] == [True]
    assert len(result.text) < 100


def test_a_picture_whose_end_is_missing_is_none() -> None:
    """Nor are its bytes told as words."""
    with pytest.raises(Garbled):
        read(whole(choice("![image](data:image/png;base64,AAAA")), DRAW)


@pytest.mark.parametrize("body", [whole(), whole(choice("", "content_filter")), {"candidates": []}])
def test_a_picture_turned_down(body: Any) -> None:
    """Safety blocks come as empty choices or with their reason."""
    with pytest.raises(Moderated):
        read(body, DRAW)
