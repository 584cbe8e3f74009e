"""Midjourney's tasks: how a look at one, or at many, reads."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import (
    BadKey,
    Busy,
    Garbled,
    GatewayError,
    Moderated,
    NotThere,
    OutOfCredit,
    Refused,
    Spent,
    Unreachable,
)
from core.providers.base import Failed, Progress, Result, Ticket, Waiting
from core.wire import Answer
from tests.midjourney_tasks import FOX, ID, SCAN, TICKET, U2, look, mj, task

# -- states ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["", "NOT_START", "SUBMITTED", None, "not_start"])
def test_a_task_nobody_has_begun_is_queued(status: Any) -> None:
    """Also when the gateway has not asked its own upstream yet."""
    assert look(task(status, progress="0%")) == Progress(0, started=False)


@pytest.mark.parametrize("status", ["IN_PROGRESS", "in_progress", "UNKNOWN", "PAUSED?"])
def test_an_unknown_state_counts_as_running(status: str) -> None:
    """A word nobody knows is no reason to give a job up."""
    preview = task(status, progress="31%", imageUrl="https://cdn.example/p.webp")
    assert look(preview) == Progress(31, True, "https://cdn.example/p.webp")


@pytest.mark.parametrize(
    ("printed", "percent"),
    [
        ("45%", 45),
        ("45", 45),
        (45, 45),
        (" 45 % ", 45),
        ("45.7%", 45),
        (45.2, 45),
        ("100%", 99),
        ("", None),
        (None, None),
        ("soon", None),
        (True, None),
        ([], None),
    ],
)
def test_progress_in_every_spelling(printed: Any, percent: int | None) -> None:
    """Never 100: whether a task has ended is told by its state alone."""
    assert look(task("IN_PROGRESS", progress=printed)) == Progress(percent)


@pytest.mark.parametrize("missing", ["buttons", "properties", "imageUrl", "progress", "action"])
def test_any_field_of_a_running_task_may_be_null_or_missing(missing: str) -> None:
    """Fields come late; nothing breaks meanwhile."""
    null = task("IN_PROGRESS", **{missing: None})
    bare = {name: value for name, value in null.items() if name != missing}

    assert isinstance(look(null), Progress)
    assert isinstance(look(bare), Progress)


def test_a_success_without_its_picture_is_looked_at_again() -> None:
    """The gateway's table may know the state before the address."""
    assert look(task("SUCCESS", imageUrl="")) == Progress(99)
    assert look(task("SUCCESS", imageUrl=None)) == Progress(99)


def test_a_failure_at_100_percent_is_a_failure() -> None:
    """Its price goes back to the person, as the gateway gives it back."""
    outcome = look(task("FAILURE", progress="100%", failReason="[Invalid parameter] --ar 1", id=1))

    assert isinstance(outcome, Failed)
    assert outcome.reason.spent is Spent.NO
    assert "Invalid parameter: --ar 1" in str(outcome.reason)


@pytest.mark.parametrize("status", ["CANCEL", "CANCELLED", "canceled"])
def test_a_task_cancelled_upstream_may_have_cost(status: str) -> None:
    """Nobody is known to give that money back."""
    outcome = look(task(status))

    assert isinstance(outcome, Failed)
    assert outcome.reason.spent is Spent.UNKNOWN


REASONS: list[tuple[Any, type[GatewayError], bool, str]] = [
    # failReason, class, may be tried again, words a person reads
    ("Banned prompt detected: blood", Moderated, False, "does not allow this prompt: Banned"),
    ("[Blocked word] gore", Moderated, False, "Blocked word: gore"),
    ("AI moderator says this breaks our community standards", Moderated, False, "AI moderator"),
    ("Request cancelled due to output filters", Moderated, False, "Other words may help"),
    ("Image denied", Moderated, False, "Other words may help"),
    ("[Invalid parameter] Unrecognized parameter(s): `--foo`", Refused, False, "--foo"),
    ("Unrecognized parameter", Refused, False, "a flag as it was written"),
    ("Invalid value for --chaos", Refused, False, "a flag as it was written"),
    ("Invalid prompt", Refused, False, "cannot use this prompt"),
    ("[Empty prompt] say something", Refused, False, "cannot use this prompt"),
    ("Invalid link", Refused, False, "send the picture itself"),
    ("Could not validate image link", Refused, False, "send the picture itself"),
    ("Invalid Form Body", Refused, False, "does not take this button any more"),
    ("Queue full", Busy, True, "queue is full"),
    ("Job queued", Busy, True, "queue is full"),
    ("Credits exhausted", Busy, True, "no working time"),
    ("任务失败，请重试", Busy, True, "no working time"),
    ("Pending mod message", Busy, True, "owner of the bot"),
    ("Blocked", Busy, True, "owner of the bot"),
    ("Plan Cancelled", Busy, True, "owner of the bot"),
    ("Subscription required", Busy, True, "owner of the bot"),
    ("Subscription paused", Busy, True, "owner of the bot"),
    ("Failed to process your command", Busy, True, "try again"),
    ("Internal error", Busy, True, "try again"),
    ("任务超时", Busy, True, "took too long"),
    ("上游任务超时（超过1小时）", Busy, True, "took too long"),
    ("获取渠道信息失败，请联系管理员", Refused, False, "owner of the bot"),
    ("[Odd title] something new", Refused, False, "Odd title: something new"),
    ("", Refused, False, "gave no reason"),
    (None, Refused, False, "gave no reason"),
    (17, Refused, False, "gave no reason"),
    ({"code": 4, "message": "Image denied"}, Moderated, False, "Other words may help"),
]


@pytest.mark.parametrize(("reason", "kind", "again", "words"), REASONS)
def test_the_table_of_failures(
    reason: Any, kind: type[GatewayError], again: bool, words: str
) -> None:
    """Each known reason has words with the fix; none of them costs anything."""
    outcome = look(task("FAILURE", failReason=reason))

    assert isinstance(outcome, Failed)
    assert (type(outcome.reason), outcome.reason.again) == (kind, again)
    assert outcome.reason.spent is Spent.NO
    assert words in str(outcome.reason)


def test_a_foreign_reason_is_short_plain_and_keeps_no_secrets() -> None:
    """4,000 characters with markdown, links and a key become one harmless line."""
    reason = (
        "**No** [see](https://evil.example/x) sk-abc123 https://in.ner/ dial tcp 10.0.0.7:8080: "
        f"lookup redis.svc.local:6379 \u202e{'y' * 4000}"
    )
    outcome = look(task("FAILURE", failReason=reason))

    assert isinstance(outcome, Failed)
    told = str(outcome.reason)
    assert len(told) < 400
    assert not any(
        bad in told for bad in ("**", "evil", "sk-", "in.ner", "10.0", "redis", "\u202e", "\n")
    )


# -- looks that see no task ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        Answer(400, {"description": "task_no_found ", "type": "upstream_error", "code": 4}),
        Answer(404, {"code": 3, "description": "任务不存在"}),
        Answer(200, None),
        Answer(200, ""),
        Answer(404, ""),
        Answer(404, None),
    ],
)
def test_an_unknown_id_may_be_known_in_a_moment(given: Answer) -> None:
    """Right after a submit that passes; it is no word about the job."""
    with pytest.raises(NotThere) as caught:
        mj.read(TICKET, FOX, given)
    assert caught.value.again


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (Answer(401, {"error": {"message": "该令牌额度已用尽", "code": ""}}), OutOfCredit),
        (Answer(403, {"error": {"message": "no", "code": ""}}), BadKey),
        (Answer(429, ""), Busy),
        (Answer(502, "<html>"), Unreachable),
        (Answer(200, "<html>"), Garbled),
        (Answer(200, {"code": 1}), Unreachable),
        (Answer(404, "<html>"), Unreachable),
        (Answer(503, {"error": {"message": "no available channel", "code": ""}}), Unreachable),
    ],
)
def test_a_look_that_failed_says_nothing_about_the_job(
    given: Answer, kind: type[GatewayError]
) -> None:
    """The key may be empty or the gateway down; the job goes on."""
    with pytest.raises(GatewayError) as caught:
        mj.read(TICKET, FOX, given)
    assert type(caught.value) is kind


# -- many at once ----------------------------------------------------------------------------------


def test_many_are_looked_at_in_one_call() -> None:
    """All ids of one mode go in one list."""
    call = mj.look_many([TICKET, Ticket("midjourney", "2")])

    assert (call.method, call.path) == ("POST", "/mj/task/list-by-condition")
    assert call.json == {"ids": [ID, "2"]}


def test_of_two_rows_with_one_id_the_one_further_on_counts() -> None:
    """After a window a task has two rows; missing ids are left out, junk is passed over."""
    rows = [
        task("MODAL"),
        task("IN_PROGRESS", progress="50%"),
        task("SUBMITTED"),
        task("SUCCESS", id="2"),
        task("IN_PROGRESS", id=2),
        None,
        "junk",
        {"id": None},
    ]
    found = mj.read_many(Answer(200, rows))

    assert set(found) == {ID, "2"}
    assert mj.read(TICKET, FOX, found[ID]) == Progress(50)
    assert isinstance(mj.read(TICKET, FOX, found["2"]), Result)


@pytest.mark.parametrize(
    "given",
    [
        Answer(404, {"error": {"message": "Invalid URL (POST /mj/task)", "code": ""}}),
        Answer(404, ""),
        Answer(405, ""),
        Answer(400, {"description": "bind_request_body_failed ", "code": 4}),
        Answer(200, {"code": 4, "description": "no"}),
    ],
)
def test_a_gateway_without_lists_says_so(given: Answer) -> None:
    """Then every task is looked at by itself."""
    with pytest.raises(NotThere):
        mj.read_many(given)


@pytest.mark.parametrize(
    "given", [Answer(401, ""), Answer(429, ""), Answer(500, ""), Answer(502, "<html>")]
)
def test_a_list_in_trouble_is_not_given_up(given: Answer) -> None:
    """A bad minute does not turn batching off."""
    with pytest.raises(GatewayError) as caught:
        mj.read_many(given)
    assert not isinstance(caught.value, NotThere)


# -- describe --------------------------------------------------------------------------------------

FOUR = "\n\n".join(f"{n}\ufe0f\u20e3 a [red](https://l.ink) fox {n} --ar 5:4" for n in range(1, 5))


@pytest.mark.parametrize(
    "where",
    [
        {"properties": {"finalPrompt": FOUR}},
        {"properties": {"finalPrompt": ""}, "prompt": FOUR},
        {"properties": None, "prompt": "", "promptEn": FOUR.replace("\n", "\r\n")},
    ],
)
def test_describe_gives_a_button_for_each_prompt_and_one_for_all(where: dict[str, Any]) -> None:
    """The texts stand in one of three fields; the pictured source is no result."""
    result = look(task("SUCCESS", action="DESCRIBE", **where), SCAN)

    assert result.media == ()
    assert "1️⃣ a red fox 1 --ar 5:4" in result.text
    each, everything, again = result.invites[:4], result.invites[-1], result.invites[4]
    assert [i.request.prompt for i in each] == [f"a red fox {n} --ar 5:4" for n in range(1, 5)]
    assert {i.request.offer for i in each} == {"mj_imagine"}
    assert everything.request.options["each"] == [i.request.prompt for i in each]
    assert again.request == SCAN


@pytest.mark.parametrize("count", [1, 2, 5, 12])
def test_any_number_of_prompts_may_be_written(count: int) -> None:
    """Four is usual and not promised."""
    text = "\n\n".join(f"a fox number {n}" for n in range(count))
    result = look(task("SUCCESS", properties={"finalPrompt": text}), SCAN)

    prompts = [i for i in result.invites if i.key.startswith("imagine:") and i.key[-1] != "l"]
    assert len(prompts) == count
    assert all(i.label or i.emoji for i in prompts)


def test_a_description_that_is_still_missing_is_waited_for() -> None:
    """A success without its text is looked at again."""
    assert look(task("SUCCESS", prompt="", promptEn=""), SCAN) == Progress(99)


# -- whatever comes --------------------------------------------------------------------------------

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
_TASKS = st.fixed_dictionaries(
    {"status": st.sampled_from(["SUCCESS", "FAILURE", "MODAL", "IN_PROGRESS", ""]) | _JSON},
    optional=dict.fromkeys(
        ("id", "action", "progress", "imageUrl", "properties", "failReason", "videoUrls"), _JSON
    )
    | {"buttons": _JSON | st.lists(st.fixed_dictionaries({"customId": _JSON, "label": _JSON}))},
)


@given(body=_JSON | _TASKS, status=st.sampled_from([200, 201, 400, 404, 429, 500]))
def test_no_answer_breaks_the_reader(body: Any, status: int) -> None:
    """Whatever a gateway sends, there is an outcome or an error that says so."""
    for request in (FOX, SCAN, U2):
        try:
            outcome = mj.read(TICKET, request, Answer(status, body))
        except GatewayError:
            continue
        assert isinstance(outcome, Progress | Waiting | Result | Failed)
