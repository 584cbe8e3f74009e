"""Midjourney's submits: what goes out, and what every known answer means in both dialects.

`stock` is a new-api gateway (HTTP 400 refusals, codes rewritten), `raw` a proxy that answers
through (HTTP 200 refusals, its own codes).
"""

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
from core.messages import Media
from core.providers.base import Request, Ticket, Waiting
from core.providers.midjourney import Midjourney, MidjourneySettings
from core.wire import Answer, Blob, Call

NO, UNKNOWN = Spent.NO, Spent.UNKNOWN
ID = "1730621826053455"
HASH = "3785da15-1f0a-4b1c-9a33-0123456789ab"
PARENT = Ticket("midjourney", ID)
PICTURE = Media("a" * 64, "image/png", 9)
FOX = Request("mj_imagine", "image", "a fox")
U2 = Request(
    "mj_upscale",
    "continue",
    "a fox",
    options={"custom_id": f"MJ::JOB::upsample::2::{HASH}", "action": "UPSCALE", "index": 2},
    parent=PARENT,
)
ZOOM = Request(
    "mj_modal",
    "continue",
    "a fox",
    options={"custom_id": f"MJ::CustomZoom::{HASH}", "action": "CUSTOM_ZOOM", "window": "zoom"},
    parent=PARENT,
)
ANIMATE = Request(
    "mj_video",
    "continue",
    "a fox",
    options={"custom_id": f"MJ::JOB::animate_high::1::{HASH}::SOLO", "action": "VIDEO"},
    parent=PARENT,
)
mj = Midjourney()


def body_of(call: Call) -> Any:
    assert (call.method, call.family) == ("POST", "midjourney")
    return call.json


def answer(code: Any = 1, result: Any = ID, status: int = 200, **more: Any) -> Answer:
    """A submit's answer as a proxy prints it."""
    return Answer(status, {"code": code, "description": "提交成功", "result": result, **more})


def stock(description: str, code: int = 4, status: int = 400) -> Answer:
    """A refusal of the gateway's own; its words end in a blank."""
    body = {"description": f"{description} ", "type": "upstream_error", "code": code}
    return Answer(status, body)


def openai(message: str, status: int = 400, code: Any = "") -> Answer:
    """A refusal before the gateway knows that Midjourney is meant."""
    error = {"message": message, "type": "new_api_error", "param": "", "code": code}
    return Answer(status, {"error": error})


# -- what goes out ---------------------------------------------------------------------------------


def test_imagine_sends_the_prompt_and_pictures_as_data_uris() -> None:
    """Reference pictures stand in `base64Array`, never in the prompt, and no bot is named."""
    call = mj.call(Request("mj_imagine", "image", "a fox --ar 3:2", (PICTURE,)))

    assert call.path == "/mj/submit/imagine"
    assert body_of(call) == {"prompt": "a fox --ar 3:2", "base64Array": [Blob(PICTURE)]}


def test_niji_names_its_bot_and_a_tag_goes_as_state() -> None:
    """The anime model is another bot; a tag is cut to what the field takes."""
    options = {"niji": True, "tag": "t" * 300}
    sent = body_of(mj.call(Request("mj_imagine", "image", "a fox", options=options)))

    assert sent["botType"] == "NIJI_JOURNEY"
    assert sent["state"] == "t" * 255


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("a  fox\n in   rain", "a fox in rain"),
        ("“a fox” it’s", '"a fox" it\'s'),
        ("a fox —ar 3:2", "a fox --ar 3:2"),
        ("a fox – at night", "a fox - at night"),
        ("a\u200b fo\u202ex", "a fox"),
    ],
)
def test_a_prompt_goes_out_as_discord_leaves_it(typed: str, sent: str) -> None:
    """What Discord would alter is altered before, or the proxy does not find its job again."""
    assert body_of(mj.call(Request("mj_imagine", "image", typed)))["prompt"] == sent


@pytest.mark.parametrize("count", [0, 1, 6])
def test_a_blend_takes_two_to_five(count: int) -> None:
    """Other counts are refused before a call is made."""
    with pytest.raises(BadInput, match="2 to 5"):
        mj.call(Request("mj_blend", "blend", media=(PICTURE,) * count))


@pytest.mark.parametrize("count", [2, 5])
def test_a_blend_has_a_shape_and_no_prompt(count: int) -> None:
    """The shape is square unless another is said."""
    call = mj.call(Request("mj_blend", "blend", media=(PICTURE,) * count))

    assert call.path == "/mj/submit/blend"
    assert body_of(call) == {"base64Array": [Blob(PICTURE)] * count, "dimensions": "SQUARE"}
    tall = {"dimensions": "portrait"}
    shaped = mj.call(Request("mj_blend", "blend", media=(PICTURE,) * 2, options=tall))
    assert body_of(shaped)["dimensions"] == "PORTRAIT"


def test_describe_sends_one_picture() -> None:
    """As a data URI under `base64`; two pictures are one too many."""
    call = mj.call(Request("mj_describe", "describe", media=(PICTURE,)))

    assert (call.path, body_of(call)) == ("/mj/submit/describe", {"base64": Blob(PICTURE)})
    with pytest.raises(BadInput):
        mj.call(Request("mj_describe", "describe", media=(PICTURE, PICTURE)))


@pytest.mark.parametrize(
    ("action", "index"), [("UPSCALE", 1), ("UPSCALE", 2), ("VARIATION", 4), ("REROLL", 1)]
)
def test_u_v_and_reroll_go_by_number(action: str, index: int) -> None:
    """`change` takes the number; 🔄 carries 1, for the gateway refuses a missing one."""
    options = {"action": action, "index": index, "custom_id": f"MJ::JOB::x::1::{HASH}"}
    call = mj.call(Request("mj_reroll", "continue", options=options, parent=PARENT))

    assert call.path == "/mj/submit/change"
    assert body_of(call) == {"taskId": ID, "action": action, "index": index}


def test_every_other_button_goes_by_its_own_id() -> None:
    """The gateway gets the button's id back, letter by letter."""
    call = mj.call(ANIMATE)

    assert call.path == "/mj/submit/action"
    assert body_of(call) == {"taskId": ID, "customId": ANIMATE.options["custom_id"]}


@pytest.mark.parametrize("bad", ["", "upsample", "MJ:JOB", "MJ::x", None, 7, "MJ::a b::c"])
def test_a_malformed_button_is_never_sent(bad: Any) -> None:
    """The stock gateway falls over an id without its colons."""
    with pytest.raises(BadInput):
        mj.call(Request("mj_pan", "continue", options={"custom_id": bad}, parent=PARENT))


def test_a_speed_changes_the_path_only_where_the_owner_says_so() -> None:
    """With `speed_prefix` a job, its looks and its follow-ups keep to one path."""
    request = Request("mj_imagine", "image", "a fox", options={"speed": "turbo"})
    fast = Midjourney(MidjourneySettings(speed_prefix=True))
    ticket = fast.accept(request, answer())

    assert mj.call(request).path == "/mj/submit/imagine"
    assert fast.call(request).path == "/mj-turbo/mj/submit/imagine"
    assert isinstance(ticket, Ticket)
    assert fast.look(ticket).path == f"/mj-turbo/mj/task/{ID}/fetch"
    followed = Request("mj_upscale", "continue", options=U2.options, parent=ticket)
    assert fast.call(followed).path == "/mj-turbo/mj/submit/change"


def test_a_strange_task_id_stays_one_piece_of_the_path() -> None:
    """An id from the gateway cannot lead a look elsewhere."""
    assert mj.look(Ticket("midjourney", "../x?y")).path == "/mj/task/..%2Fx%3Fy/fetch"


# -- change or action ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "missing", [Answer(404, ""), Answer(404, None), openai("Invalid URL (POST /mj)", 404)]
)
def test_without_change_the_buttons_own_id_is_sent_once(missing: Answer) -> None:
    """A gateway without `change` costs one refusal; the second one counts."""
    error = refused(U2, missing)
    other = mj.instead(U2, error)

    assert error.spent is NO
    assert other is not None
    assert mj.call(other).path == "/mj/submit/action"
    assert body_of(mj.call(other))["customId"] == U2.options["custom_id"]
    assert mj.instead(other, error) is None


def test_an_owner_may_prefer_action() -> None:
    """Then an unknown action falls back to `change`."""
    own = Midjourney(MidjourneySettings(followups="action"))

    assert own.call(U2).path == "/mj/submit/action"
    other = own.instead(U2, refused(U2, stock(f"unknown_action:{U2.options['custom_id']}")))
    assert other is not None
    assert own.call(other).path == "/mj/submit/change"


def test_nothing_else_is_tried_for_other_errors_and_other_buttons() -> None:
    """Only a missing address is worth another way."""
    assert mj.instead(U2, refused(U2, stock("task_not_found"))) is None
    assert mj.instead(ANIMATE, refused(ANIMATE, Answer(404, ""))) is None


# -- what a submit's answer means ------------------------------------------------------------------


def refused(request: Request, given: Answer) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        mj.accept(request, given)
    return caught.value


@pytest.mark.parametrize(
    "given",
    [
        answer(),
        answer(result=int(ID)),
        answer(code="1"),
        answer(22, properties={"numberOfQueues": 3}),
        answer(1, description="排队中，前面还有2个任务"),
        answer(21, description="任务已存在", properties={"status": "SUCCESS", "imageUrl": "x"}),
        answer(1, description="任务已存在", properties=None),
        answer(properties=None),
        answer(properties={"discordInstanceId": "1"}),
    ],
)
def test_an_accepted_submit_is_a_ticket(given: Answer) -> None:
    """Codes 1, 21 and 22 with an id, the id as a string however it was printed."""
    assert mj.accept(FOX, given) == Ticket("midjourney", ID)
    assert mj.accept(U2, given) == Ticket("midjourney", ID)


@pytest.mark.parametrize(
    "given",
    [
        answer(21, description="Waiting for window confirm", properties={"remix": True}),
        answer(1, description="Waiting for window confirm", properties={"finalPrompt": "a fox"}),
        answer(21, description="等待窗口确认", properties=None),
        answer(21, properties={"remix": True, "finalPrompt": "a fox"}),
        answer(21, description="", properties={}),
    ],
)
def test_a_window_is_seen_whatever_the_code_became(given: Answer) -> None:
    """By its words, by `remix`, or by the button that always opens one."""
    assert isinstance(mj.accept(ZOOM, given), Waiting)


REFUSALS: list[tuple[Answer, type[GatewayError], Spent, bool, str]] = [
    # answer, class, spent, worth trying again, words a person reads
    (answer(3, "", description="关联任务不存在或已失效"), Refused, NO, False, "earlier picture"),
    (answer(3, "", description="无可用的账号实例"), Busy, NO, True, "No Midjourney account"),
    (answer(3, "", 404, description="no data"), Refused, NO, False, "earlier picture"),
    (answer(4, "", description="参数错误"), Refused, NO, False, "参数错误"),
    (answer(4, "", description="关联任务状态错误"), Busy, NO, True, "not noted yet"),
    (stock("index_is_required"), Refused, NO, False, "index_is_required"),
    (stock("task_not_found"), Refused, NO, False, "earlier picture"),
    (stock("task_status_not_success"), Busy, NO, True, "not noted yet"),
    (stock("quota_not_enough"), OutOfCredit, NO, False, "top it up"),
    (stock("该任务所属渠道已被禁用"), Refused, NO, False, "closed"),
    (stock("unknown_action:MJ::JOB::animate_high"), NotThere, NO, False, "what this button asks"),
    (openai("unknown_action:MJ::JOB::x (request id: 1)"), NotThere, NO, False, "button asks"),
    (openai("task_not_found"), Refused, NO, False, "earlier picture"),
    (stock("insert_midjourney_task_failed"), Unreachable, UNKNOWN, False, "lost track"),
    (stock("do_request_failed", 5), Unreachable, UNKNOWN, False, "lost track"),
    (stock("empty_response_body", 5), Unreachable, UNKNOWN, False, "lost track"),
    (stock("unmarshal_response_body_failed", 5, 500), Unreachable, UNKNOWN, False, "lost track"),
    (answer(9, "", description="系统异常"), Busy, NO, True, "out of order"),
    (answer(23, ID, description="队列已满"), Busy, NO, True, "queue is full"),
    (stock("saturated", 30, 429), Busy, NO, True, "more to do"),
    (stock("odd", 4, 429), Busy, NO, True, "more to do"),
    (answer(24, "", properties={"bannedWord": "blood"}), Moderated, NO, False, "“blood”"),
    (
        answer(24, "", description="可能包含敏感词", properties=None),
        Moderated,
        NO,
        False,
        "this prom",
    ),
    (answer(99, "", description="odd"), Refused, NO, False, "odd"),
    (answer(99, "", description=""), Refused, NO, False, "gave no reason"),
    (answer(1, "", description="Submit success"), Garbled, UNKNOWN, False, "lost track"),
    (answer(22, None), Garbled, UNKNOWN, False, "lost track"),
    (answer(1, True), Garbled, UNKNOWN, False, "lost track"),
    (Answer(200, {}), Garbled, UNKNOWN, False, "no sense"),
    (Answer(200, []), Garbled, UNKNOWN, False, "no sense"),
    (Answer(200, "<html>ok</html>"), Garbled, UNKNOWN, False, ""),
    (Answer(500, "<html>"), Unreachable, UNKNOWN, True, ""),
    (Answer(502, "<html><title>Bad Gateway</title>"), Unreachable, UNKNOWN, True, "lost track"),
    (Answer(504, ""), Unreachable, UNKNOWN, True, "lost track"),
    (answer(1, ID, 500), Unreachable, UNKNOWN, True, ""),
    (openai("[sk-abc***xyz] 该令牌额度已用尽", 401), OutOfCredit, NO, False, "credit"),
    (openai("无效的令牌", 401), BadKey, NO, False, "key"),
    (openai("no", 403, "insufficient_user_quota"), OutOfCredit, NO, False, "top it up"),
    (openai("当前分组 a 下对于模型 mj_imagine 无可用渠道", 503), NoChannel, NO, True, "group"),
    (openai("当前分组上游负载已饱和，请稍后再试", 429), Busy, NO, True, "more to do"),
    (Answer(429, ""), Busy, NO, True, "too often"),
    (Answer(413, "<html>"), Refused, NO, False, "smaller picture"),
]


@pytest.mark.parametrize(("given", "kind", "spent", "again", "words"), REFUSALS)
def test_the_table_of_refused_submits(
    given: Answer, kind: type[GatewayError], spent: Spent, again: bool, words: str
) -> None:
    """Every answer says for certain whether money went, and what a person may read."""
    error = refused(U2, given)

    assert (type(error), error.spent, error.again) == (kind, spent, again)
    assert words in str(error)
    assert "sk-" not in f"{error} {error.detail}"


def test_a_parent_that_is_missing_is_not_an_account_that_is() -> None:
    """Code 3 means the one or the other; without a parent only an account can be missing."""
    assert type(refused(FOX, answer(3, "", description="no data"))) is Busy


def test_a_gateways_own_pause_counts() -> None:
    """`Retry-After` beats the usual pause, also a shorter one."""
    full = refused(FOX, Answer(200, {"code": 23, "description": "full"}, retry_after=7.0))
    bare = refused(FOX, answer(23, ""))

    assert full.retry_after == 7.0
    assert bare.retry_after is not None
    assert 30 <= bare.retry_after <= 60
