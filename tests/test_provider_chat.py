"""Language models: what is asked, and how every form of an answer reads."""

from __future__ import annotations

import json
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
from core.providers.base import Remote, Request
from core.providers.chat import OFFERS, vendor_of
from core.providers.chat_answers import (
    FILTERED,
    TOO_LONG,
    UNREADABLE_CALL,
)
from core.wire import Blob
from tests.chat_kit import (
    PICTURE,
    USAGE,
    VOICE,
    ask,
    chat,
    choice,
    read,
    remarks,
    whole,
)

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
    """Streams of sound would be raw samples, so it is asked for whole; an MP3 by itself."""
    call = chat.call(ask("", VOICE, voice="nova", model="gpt-4o-mini-audio-preview"))

    assert not call.stream
    assert call.json["stream"] is False
    assert call.json["modalities"] == ["text", "audio"]
    assert call.json["audio"] == {"voice": "nova", "format": "mp3"}
    call = chat.call(ask("hm", voice="nova", format="opus", model="gpt-4o-mini-audio-preview"))
    assert call.json["audio"] == {"voice": "nova", "format": "opus"}


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
