"""Language models: what is asked, and how every form of an answer reads."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from core.errors import (
    BadInput,
    Busy,
    Garbled,
    GatewayError,
    Moderated,
    Refused,
    Spent,
    Unreachable,
)
from core.messages import Media
from core.providers.base import Remote, Request, Result
from core.providers.chat import OFFERS, Chat, vendor_of
from core.providers.chat_answers import (
    BROKE_OFF,
    FILTERED,
    ONLY_WORDS,
    STOPPED,
    TOO_LONG,
    UNREADABLE_CALL,
)
from core.wire import Answer, Blob

chat = Chat()
PICTURE = Media("a" * 64, "image/jpeg", 9)
VOICE = Media("b" * 64, "audio/mpeg", 9)
USAGE = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
PNG = "data:image/png;base64,iVBORw0KGgo="


def ask(prompt: str = "Hi", *media: Media, kind: str = "chat", **options: Any) -> Request:
    return Request("gpt-4.1-mini", kind, prompt, media, options)  # type: ignore[arg-type]


def whole(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A body in one piece."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1730621826,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": list(choices),
        "usage": USAGE,
        **more,
    }


def choice(content: Any = "Hello!", reason: Any = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": content, **message}
    return {"index": 0, "message": said, "finish_reason": reason}


def read(body: Any, request: Request | None = None, status: int = 200) -> Result:
    found = chat.accept(request or ask(), Answer(status, body))
    assert isinstance(found, Result)
    return found


def remarks(result: Result) -> Any:
    return result.facts["remarks"]


def streamed(*events: Any, cut: bool = False, stopped: bool = False) -> Any:
    """The body that a stream's events make."""
    stream = chat.stream(ask())
    for event in events:
        stream.add(event if isinstance(event, bytes) else json.dumps(event).encode())
    return stream.whole(cut=cut, stopped=stopped)


def piece(text: str = "", reason: str | None = None, index: int = 0, **delta: Any) -> Any:
    more = {"content": text} if text else {}
    return {"choices": [{"index": index, "delta": {**more, **delta}, "finish_reason": reason}]}


# -- what is asked ---------------------------------------------------------------------------------


def test_a_question_goes_with_what_was_said_before() -> None:
    """System first, then the turns in their order, then the question; streamed, with usage."""
    turns = [{"role": "user", "text": "one"}, {"role": "assistant", "text": "two"}]
    call = chat.call(ask("three", turns=turns, system="Be brief.", model="gpt-4.1-mini"))

    assert (call.method, call.path, call.stream) == ("POST", "/v1/chat/completions", True)
    assert call.json == {
        "model": "gpt-4.1-mini",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": "three"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_pictures_and_sounds_go_along_as_data() -> None:
    """Pictures as data addresses, sounds as bare base64 with their kind."""
    call = chat.call(ask("What is this?", PICTURE, VOICE))

    assert call.json["messages"][-1]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": Blob(PICTURE)}},
        {"type": "input_audio", "input_audio": {"data": Blob(VOICE, "base64"), "format": "mp3"}},
    ]


def test_an_answer_aloud_comes_in_one_piece() -> None:
    """Streams of sound would be raw samples, so it is asked for whole, as an MP3."""
    call = chat.call(ask("", VOICE, voice="nova", model="gpt-4o-mini-audio-preview"))

    assert not call.stream
    assert call.json["stream"] is False
    assert call.json["modalities"] == ["text", "audio"]
    assert call.json["audio"] == {"voice": "nova", "format": "mp3"}


def test_an_answer_in_a_form_comes_in_one_piece() -> None:
    """Structured output: a strict schema with a name."""
    schema = {"type": "object"}
    call = chat.call(ask(schema=schema))

    named = {"name": "answer", "strict": True, "schema": schema}
    assert not call.stream
    assert call.json["response_format"] == {"type": "json_schema", "json_schema": named}


@pytest.mark.parametrize("offer", [o for o in OFFERS if o.kind == "chat"], ids=lambda o: o.key)
def test_no_knob_a_vendor_refuses_is_sent(offer: Any) -> None:
    """Neither temperature nor a bound of length, which o-series, Claude and Gemini read apart."""
    call = chat.call(Request(offer.key, "chat", "Hi", options={"model": offer.wire}))

    assert set(call.json) == {"model", "messages", "stream", "stream_options"}
    assert ("count" in offer.takes) == (
        vendor_of(offer.wire) == "openai" and "voice" not in offer.takes
    )


@pytest.mark.parametrize(
    ("model", "vendor"),
    [("gpt-4.1", "openai"), ("o3-mini", "openai"), ("claude-x", "claude"), ("orca", "chat")],
)
def test_each_vendors_models_may_have_a_key_of_their_own(model: str, vendor: str) -> None:
    """Groups of models have keys of their own: the model's, then the vendor's."""
    assert chat.call(ask(model=model)).keys == ("gpt-4.1-mini", model, vendor)


def test_nothing_is_not_asked() -> None:
    """An empty question costs nothing."""
    with pytest.raises(BadInput):
        chat.call(ask("  "))


def test_a_text_goes_on() -> None:
    """Completions: the old form, with a length, for its own default is 16 tokens."""
    request = Request("gpt-3.5-turbo-instruct", "complete", "Once upon")
    call = chat.call(request)
    body = {"choices": [{"text": " a time", "index": 0, "finish_reason": "length"}], "usage": USAGE}

    assert call.path == "/v1/completions"
    assert call.json == {
        "model": "gpt-3.5-turbo-instruct",
        "prompt": "Once upon",
        "max_tokens": 500,
    }
    result = read(body, request)
    assert (result.text, result.tokens, remarks(result)) == ("a time", (9, 12), [TOO_LONG])
    with pytest.raises(Refused):
        read({"choices": [{"text": "", "finish_reason": "stop"}]}, request)


# -- answers in one piece --------------------------------------------------------------------------


def test_an_answer_reads() -> None:
    """Text, tokens and a button that goes on with it."""
    result = read(whole(choice()))

    assert (result.text, result.markdown, result.tokens) == ("Hello!", True, (9, 12))
    assert [i.label for i in result.invites] == ["Continue"]
    again = result.invites[0].request
    assert again is not None
    assert again.options["turns"] == [
        {"role": "user", "text": "Hi"},
        {"role": "assistant", "text": "Hello!"},
    ]


def test_several_answers_stand_under_their_numbers() -> None:
    """Each can be read, and each has a button that goes on with it."""
    result = read(whole(choice("One"), {**choice("Two"), "index": 1}))

    assert result.text == "**1.**\n\nOne\n\n**2.**\n\nTwo"
    assert [i.label for i in result.invites] == ["1", "2"]
    assert result.facts["answers"] == ["One", "Two"]


@pytest.mark.parametrize(
    ("said", "text", "told"),
    [
        (choice("Half", "length"), "Half", [TOO_LONG]),
        (choice("Half", "content_filter"), "Half", [FILTERED]),
        (choice(None, refusal="I cannot help with that."), "I cannot help with that.", []),
        (
            choice([{"type": "text", "text": "In "}, {"type": "text", "text": "parts"}]),
            "In parts",
            [],
        ),
        (choice("Hello!", None), "Hello!", []),
    ],
)
def test_what_an_answer_may_be(said: dict[str, Any], text: str, told: list[str]) -> None:
    """Every form of words is shown, and an end before its time is told."""
    result = read(whole(said))

    assert (result.text, remarks(result)) == (text, told)


def test_reasoning_is_kept_behind_a_button() -> None:
    """It is no part of the answer and not of the next question."""
    result = read(whole(choice("42", reasoning_content="Let me think.")))

    assert result.text == "42"
    assert result.facts["thought"] == "Let me think."
    assert [(i.label, i.command) for i in result.invites][1] == ("Show reasoning", "why")


@pytest.mark.parametrize(
    ("said", "kind", "spent"),
    [
        ([], Moderated, Spent.YES),
        ([choice("", "content_filter")], Moderated, Spent.YES),
        ([choice(None)], Refused, Spent.YES),
        ([{"index": 0, "message": None, "finish_reason": None}], Refused, Spent.YES),
        (["nonsense"], Moderated, Spent.YES),
    ],
)
def test_an_empty_answer_says_so(said: list[Any], kind: type[GatewayError], spent: Spent) -> None:
    """What was asked was worked on, so it is counted, and never asked again by itself."""
    with pytest.raises(kind) as caught:
        read(whole(*said))

    assert (caught.value.spent, caught.value.again) == (spent, False)


@pytest.mark.parametrize(
    ("status", "body", "kind", "spent"),
    [
        (
            400,
            {"error": {"message": "flagged", "code": "content_policy_violation"}},
            Moderated,
            "no",
        ),
        (
            429,
            {"error": {"message": "当前分组上游负载已饱和，请稍后再试", "code": None}},
            Busy,
            "no",
        ),
        (
            500,
            {"error": {"message": "do_request_failed", "type": "new_api_error"}},
            Unreachable,
            "unknown",
        ),
        (524, "<html><title>524</title></html>", Unreachable, "unknown"),
        (200, "<html>hello</html>", Garbled, "unknown"),
        (200, {"error": {"message": "upstream is unhappy"}}, Refused, "no"),
    ],
)
def test_refusals_before_the_first_word(
    status: int, body: Any, kind: type[GatewayError], spent: str
) -> None:
    """They are ordinary errors, whatever their shape."""
    with pytest.raises(kind) as caught:
        read(body, status=status)

    assert caught.value.spent == spent


# -- proposals -------------------------------------------------------------------------------------


def call_of(name: str, arguments: str) -> dict[str, Any]:
    return {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}


def test_a_proposal_is_a_button() -> None:
    """Content is null with calls; the words of the call are shown, and only a press runs it."""
    result = read(
        whole(choice(None, "tool_calls", tool_calls=[call_of("imagine", '{"prompt":"a fox"}')]))
    )

    assert "a fox" in result.text
    assert [(i.command, dict(i.values)) for i in result.invites] == [
        ("imagine", {"prompt": "a fox"})
    ]


@pytest.mark.parametrize("arguments", ['{"prompt": "a f', "[]", "null", '{"prompt": 7}', "{}"])
def test_a_broken_proposal_beside_words_leaves_the_words(arguments: str) -> None:
    """No button, no crash."""
    result = read(whole(choice("Here:", "tool_calls", tool_calls=[call_of("imagine", arguments)])))

    assert result.text == "Here:"
    assert [i for i in result.invites if i.command] == []


def test_a_broken_proposal_alone_is_one_clear_sentence() -> None:
    """It was paid for."""
    with pytest.raises(Garbled) as caught:
        read(whole(choice(None, "tool_calls", tool_calls=[call_of("imagine", '{"prom')])))

    assert (caught.value.text, caught.value.spent) == (UNREADABLE_CALL, Spent.YES)


def test_a_command_nobody_offered_is_no_button() -> None:
    """The model's words never name what is run."""
    result = read(whole(choice("Ok", tool_calls=[call_of("settings", '{"text":"x"}')])))

    assert [i for i in result.invites if i.command] == []


def test_the_older_form_of_a_call_is_read_too() -> None:
    """`function_call` of the page on function calling."""
    older = {"name": "song", "arguments": '{"idea":"rain"}'}
    result = read(whole(choice(None, "function_call", function_call=older)))

    assert [i.command for i in result.invites] == ["song"]


# -- structured output -----------------------------------------------------------------------------


@pytest.mark.parametrize("fence", ["{}", "```json\n{}\n```"])
def test_prompts_become_buttons(fence: str) -> None:
    """Each of them draws one."""
    body = fence.replace("{}", json.dumps({"prompts": ["one", "two", "three"]}))
    result = read(whole(choice(body)), ask(schema={"type": "object"}))

    assert [i.values["prompt"] for i in result.invites] == ["one", "two", "three"]
    assert all(i.command == "imagine" for i in result.invites)


@pytest.mark.parametrize(
    "text", ['{"prompts": [', "no json", '{"prompts": []}', '{"prompts": 3}', "[1]"]
)
def test_prompts_in_broken_json_are_one_clear_sentence(text: str) -> None:
    """They were paid for, and nothing of them is shown."""
    with pytest.raises(Garbled) as caught:
        read(whole(choice(text)), ask(schema={"type": "object"}))

    assert caught.value.spent is Spent.YES


# -- answers aloud ---------------------------------------------------------------------------------


def test_an_answer_aloud_has_its_words_beside_it() -> None:
    """`content` is null, the sound is in the answer, its transcript is the text."""
    audio = {"id": "audio_1", "data": "SUQz", "expires_at": 1, "transcript": "Hello there"}
    result = read(whole(choice(None, audio=audio)))

    assert result.media == (Remote("data:;base64,SUQz", "audio", voice=True),)
    assert result.text == "Hello there"


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
        (whole(choice("", images=[{"type": "image_url", "image_url": {"url": PNG}}])), (PNG,)),
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
    ids=["markdown data", "markdown address", "images", "parts", "native"],
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
