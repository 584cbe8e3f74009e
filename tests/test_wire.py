"""How error bodies read: class, money, pause, and what a person is shown."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import wire
from core.errors import (
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
from core.wire import Answer, pause, refusal, said

NO, UNKNOWN = Spent.NO, Spent.UNKNOWN
PAGE = "<html><head><title>504 Gateway Time-out</title></head><body><h1>504</h1></body></html>"
UNSUPPORTED = "Unsupported value: 'ar'"


def openai(message: str, code: Any = "", kind: str = "new_api_error") -> dict[str, Any]:
    """The shape of `/v1`, of authentication and of unknown addresses."""
    return {"error": {"message": message, "type": kind, "param": "", "code": code}}


def proxy(description: str, code: int = 4) -> dict[str, Any]:
    """The shape of `/mj`."""
    return {"description": description, "type": "upstream_error", "code": code}


def task(code: str, message: str = "") -> dict[str, Any]:
    """The shape of `/suno`."""
    return {"code": code, "message": message or code, "data": None}


TABLE: list[tuple[int, Any, type[GatewayError], Spent, bool]] = [
    # status, body, class, spent, again
    (400, openai(UNSUPPORTED, "invalid_value"), Refused, NO, False),
    (400, openai("x", None), Refused, NO, False),
    (400, openai("blocked", "content_policy_violation"), Moderated, NO, False),
    (400, openai("sensitive words detected", "sensitive_words_detected"), Moderated, NO, False),
    (400, proxy("prompt_is_required "), Refused, NO, False),
    (400, proxy("task_no_found "), NotThere, NO, False),
    (400, proxy("quota_not_enough "), OutOfCredit, NO, False),
    (400, proxy("do_request_failed ", 5), Unreachable, UNKNOWN, True),
    (400, proxy("empty_response_body ", 5), Unreachable, UNKNOWN, True),
    (400, proxy("anything", 5), Unreachable, UNKNOWN, True),
    (400, task("task_not_exist"), NotThere, NO, False),
    (400, {"code": 1201, "message": "prompt too long", "request_id": "r"}, Refused, NO, False),
    (400, {"error": "bad ratio"}, Refused, NO, False),
    (400, {"detail": "bad ratio"}, Refused, NO, False),
    (400, {}, Refused, NO, False),
    (400, "", Refused, NO, False),
    (401, openai("未提供令牌"), BadKey, NO, False),
    (401, openai("无效的令牌"), BadKey, NO, False),
    (401, openai("该令牌已过期"), BadKey, NO, False),
    (401, openai("[sk-abc***xyz] 该令牌额度已用尽"), OutOfCredit, NO, False),
    (401, "", BadKey, NO, False),
    (402, openai("pay"), OutOfCredit, NO, False),
    (402, PAGE, OutOfCredit, NO, False),
    (403, openai("用户已被封禁"), BadKey, NO, False),
    (403, openai("该令牌无权访问模型 mj_imagine"), BadKey, NO, False),
    (403, openai("quota", "insufficient_user_quota"), OutOfCredit, NO, False),
    (403, openai("quota", "pre_consume_token_quota_failed"), OutOfCredit, NO, False),
    (403, task("quota_not_enough"), OutOfCredit, NO, False),
    (403, PAGE, BadKey, NO, False),
    (404, openai("Invalid URL (GET /x)", "", "invalid_request_error"), NotThere, NO, False),
    (404, proxy("not here", 3), NotThere, NO, False),
    (404, PAGE, NotThere, NO, False),
    (405, "", NotThere, NO, False),
    (408, openai("timeout"), Unreachable, UNKNOWN, True),
    (409, {"error": "conflict"}, Refused, NO, False),
    (413, PAGE, Refused, NO, False),
    (422, {"error": "Prompt failed the safety check"}, Moderated, NO, False),
    (422, {"error": "no"}, Moderated, NO, False),
    (422, {"detail": [{"loc": ["prompt"], "msg": "field required"}]}, Refused, NO, False),
    (429, "", Busy, NO, True),
    (429, None, Busy, NO, True),
    (429, openai("at most 10 requests in 1 minutes"), Busy, NO, True),
    (429, openai("当前分组上游负载已饱和，请稍后再试"), Busy, NO, True),
    (429, proxy("saturated", 30), Busy, NO, True),
    (429, {"code": 1302, "message": "rate", "request_id": "r"}, Busy, NO, True),
    (429, {"code": 1102, "message": "package used up", "request_id": "r"}, OutOfCredit, NO, False),
    (429, openai("You exceeded", "insufficient_quota", "x"), OutOfCredit, NO, False),
    (499, "", Unreachable, UNKNOWN, True),
    (500, openai("boom"), Unreachable, UNKNOWN, True),
    (500, openai("do request failed", "do_request_failed"), Unreachable, UNKNOWN, True),
    (500, openai("no money", "insufficient_user_quota"), OutOfCredit, NO, False),
    (500, openai("my prompt says quota_not_enough"), Unreachable, UNKNOWN, True),
    (500, PAGE, Unreachable, UNKNOWN, True),
    (501, openai("x", "api_not_implemented"), NotThere, NO, False),
    (501, PAGE, Unreachable, UNKNOWN, True),
    (502, PAGE, Unreachable, UNKNOWN, True),
    (502, openai("bad gateway"), Unreachable, UNKNOWN, True),
    (503, openai("当前分组 drawing 下对于模型 mj_imagine 无可用渠道"), NoChannel, NO, True),
    (503, openai("No available channel for model mj_imagine"), NoChannel, NO, True),
    (503, openai("overloaded"), Busy, NO, True),
    (503, PAGE, Unreachable, UNKNOWN, True),
    (503, "upstream connect error or disconnect/reset before headers", Unreachable, UNKNOWN, True),
    (503, "", Unreachable, UNKNOWN, True),
    (504, "", Unreachable, UNKNOWN, True),
    *[(code, PAGE, Unreachable, UNKNOWN, True) for code in (520, 521, 522, 523, 524)],
    (301, "", NotThere, NO, False),
    (200, openai("no such user"), Refused, NO, False),
    (200, {"error": "not today"}, Refused, NO, False),
    (200, task("task_not_exist"), NotThere, NO, False),
    (200, {"success": False, "message": "no", "data": None}, Refused, NO, False),
    (200, {"code": 1201, "message": "bad", "request_id": "r"}, Refused, NO, False),
    (200, openai("x", "bad_response_body"), Unreachable, UNKNOWN, True),
    (200, PAGE, Garbled, UNKNOWN, False),
    (200, "", Garbled, UNKNOWN, False),
    (200, None, Garbled, UNKNOWN, False),
    (200, 17, Garbled, UNKNOWN, False),
]


@pytest.mark.parametrize(("status", "body", "kind", "spent", "again"), TABLE)
def test_the_table_of_refusals(
    status: int, body: Any, kind: type[GatewayError], spent: Spent, again: bool
) -> None:
    error = refusal(Answer(status, body))
    assert type(error) is kind
    assert (error.spent, error.again) == (spent, again)
    assert str(error)
    assert "{" not in str(error), "a text without its values"
    assert f"HTTP {status}" in error.detail


@pytest.mark.parametrize(
    "body",
    [
        {"code": 1, "description": "Submit success", "result": "1", "properties": {}},
        {"code": 24, "description": "banned", "properties": {}},  # Midjourney's own: its provider's
        {"code": "success", "message": "", "data": "id"},
        {"code": 0, "message": "SUCCEED", "data": {"task_id": "1"}},
        {"code": True, "message": "ok", "data": {}},
        {"success": True, "message": "", "data": {}},
        {"id": "1", "error": None},
        {"id": "1", "error": ""},
        {"id": "1", "error": {}},
        {"id": "1", "message": "hello"},
        {"code": "done", "message": "", "data": {"id": 1}},
        [],
        {},
    ],
)
def test_a_success_is_no_refusal(body: Any) -> None:
    assert refusal(Answer(200, body)) is None
    assert refusal(Answer(201, body)) is None


def test_pauses_differ_by_who_is_too_busy() -> None:
    def after(body: Any, wait: float | None = None) -> float | None:
        error = refusal(Answer(429, body, wait))
        assert error is not None
        return error.retry_after

    own, rate = after(""), after(openai("10 requests in 1 minutes"))
    group, code = after(openai("saturated")), after(proxy("", 30))
    assert own is not None
    assert rate is not None
    assert group is not None
    assert own < rate < group == code
    assert after("", 2.0) == 2.0
    assert after(openai("saturated"), 0.0) == 0.0


def test_the_order_of_parsing() -> None:
    everything = {
        "error": {"message": "first", "type": "t"},
        "description": "third",
        "code": "4",
        "message": "fourth",
        "detail": "fifth",
    }
    assert said(Answer(400, everything)) == "first"
    assert said(Answer(400, everything | {"error": "second"})) == "second"
    del everything["error"]
    assert said(Answer(400, everything)) == "third"
    del everything["description"]
    assert said(Answer(400, everything)) == "fourth"
    del everything["message"]
    assert said(Answer(400, everything)) == "fifth"
    assert said(Answer(400, "plain words")) == "plain words"
    assert said(Answer(504, PAGE)) == "504 Gateway Time-out"
    assert said(Answer(502, "<p>no title</p>")) == "Bad Gateway"
    assert said(Answer(599, "")) == ""


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("prompt_is_required ", "prompt_is_required"),
        ("sour_base64_and_target_base64_is_required", "sour_base64_and_target_base64_is_required"),
        ("Invalid parameter `--ar 16-9` in v6.1", "Invalid parameter `--ar 16-9` in v6.1"),
        ("bad (request id: 2025010112000012345678)", "bad"),
        ("see https://inner.example/x?key=1 now", "see … now"),
        ("dial tcp 10.1.2.3:8080: refused", "dial tcp …: refused"),
        ("host mj-7.proxy.internal:8080/x said no", "host … said no"),
        ("at [2001:db8::1]:443, no", "at …, no"),
        ("Authorization: Bearer abc.def is bad", "Authorization: … is bad"),
        ("key sk-Ab12Cd34Ef56 is bad", "key … is bad"),
        ("[sk-abc***xyz] 该令牌额度已用尽", "… 该令牌额度已用尽"),
        ("token 3f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c gone", "token … gone"),
        ("via ***.***.com/path", "via …"),
        ("a\x00b\u202ec\r\n\td", "abc d"),
        ("x" * 500, "x" * 199 + "…"),
        ("!!!", ""),
    ],
)
def test_words_are_cleaned_for_people(words: str, shown: str) -> None:
    assert said(Answer(400, openai(words))) == shown
    error = refusal(Answer(400, openai(words)))
    assert error is not None
    assert error.values.get("reason", shown) == shown


def test_parts_of_the_key_never_get_out() -> None:
    error = refusal(Answer(401, openai("[sk-Qw3***9zX] 该令牌额度已用尽 (request id: 1)")))
    assert error is not None
    shown = f"{error} {error.detail} {dict(error.values)}"
    assert "Qw3" not in shown
    assert "9zX" not in shown
    assert "credit" in str(error)


def test_the_log_names_no_server_of_the_gateways() -> None:
    """Not in its own errors' details either, which only the log has."""
    error = refusal(Answer(500, openai("Post http://10.0.0.7:8080/mj: dial tcp 10.0.0.7:8080")))
    assert error is not None
    assert "dial tcp" in error.detail
    assert "10.0.0.7" not in error.detail


def test_a_missing_channel_explains_key_groups() -> None:
    error = refusal(Answer(503, openai("当前分组 a 下对于模型 b 无可用渠道")))
    assert error is not None
    assert "group" in str(error)
    assert "无可用渠道" not in str(error), "our own words"
    assert "无可用渠道" in error.detail


def test_a_prompt_that_mentions_saturation_is_not_a_busy_service() -> None:
    error = refusal(Answer(400, openai("Invalid parameter --saturation in oversaturated fox")))
    assert type(error) is Refused


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        (" 2.5 ", 2.5),
        ("0", 0.0),
        ("-5", 0.0),
        ("999999", wire.LONGEST_PAUSE),
        ("Thu, 01 Jan 1970 00:01:10 GMT", 10.0),
        ("Thu, 01 Jan 1970 00:00:10 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:01:10 -0000", 10.0),
        ("Thu, 01 Jan 1970 02:01:10 +0200", 10.0),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert pause(header, 60.0) == seconds


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_KEYS = st.sampled_from(["error", "code", "message", "description", "detail", "type", "success"])
_BODIES = _VALUES | st.dictionaries(
    _KEYS, _VALUES | st.dictionaries(_KEYS, _VALUES, max_size=4), max_size=5
)


@given(status=st.integers(200, 599), body=_BODIES)
def test_no_body_breaks_the_reader(status: int, body: Any) -> None:
    error = refusal(Answer(status, body))
    assert len(said(Answer(status, body))) <= wire.REASON
    assert (error is None) <= (status < 300)
    if error is not None:
        assert str(error)
        assert json.dumps(dict(error.values))
        sure = status < 500 or status in (501, 503)
        assert (error.spent is NO) <= (sure or isinstance(error, OutOfCredit))


@given(st.text(alphabet="[sk-*.a0:/@ ](){}éx…", max_size=3000))
def test_long_odd_words_are_read_quickly(words: str) -> None:
    shown = said(Answer(400, {"error": words}))
    assert not re.search(r"sk-[a0]", shown)
