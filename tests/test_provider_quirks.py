"""The known traps of Midjourney's gateways, numbered; each with a check that it is met.

The numbers that are missing are traps of other families, or are met by the HTTP client, the engine
and the chats, and are tested there.
"""

from collections.abc import Callable
from typing import Any

import pytest

from core.commands.mjprompt import compose
from core.errors import BadInput, Busy, GatewayError, Moderated, NotThere, OutOfCredit, Spent
from core.providers.base import Failed, Progress, Request, Result, Ticket, Waiting
from core.providers.midjourney import Midjourney
from core.wire import Answer
from tests.midjourney_tasks import FOX, GRID, HASH, ID, PICTURE, TICKET, button, invites, look, task

mj = Midjourney()
U2 = Request(
    "mj_upscale",
    "continue",
    options={"custom_id": f"MJ::JOB::upsample::2::{HASH}", "action": "UPSCALE", "index": 2},
    parent=TICKET,
)


def error(answer: Answer, request: Request = FOX) -> Any:
    with pytest.raises(GatewayError) as caught:
        mj.accept(request, answer)
    return caught.value


def submit(code: Any, result: Any = ID, **more: Any) -> Answer:
    return Answer(200, {"code": code, "description": "", "result": result, **more})


def own(description: str, code: int = 4, status: int = 400) -> Answer:
    return Answer(status, {"description": description, "type": "upstream_error", "code": code})


def openai(status: int, message: str) -> Answer:
    return Answer(status, {"error": {"message": message, "type": "new_api_error", "code": ""}})


def refuses(prompt: str) -> bool:
    with pytest.raises(BadInput):
        compose(prompt, {})
    return True


def q1() -> bool:
    confirm = submit(1, description="Waiting for window confirm")
    seen = isinstance(mj.accept(FOX, confirm), Waiting)
    return seen and isinstance(look(task("MODAL")), Waiting)


def q2() -> bool:
    null = task("IN_PROGRESS", buttons=None, properties=None, imageUrl=None, progress=None)
    return look(null) == Progress()


def q7() -> bool:
    lost = error(own("do_request_failed ", 5))
    return lost.spent is Spent.UNKNOWN and not lost.again


def q8() -> bool:
    reroll = next(i.request for i in invites(GRID) if i.key.startswith("REROLL"))
    return bool(mj.call(reroll).json["index"] == 1)


def q10() -> bool:
    dead = [button(f"MJ::Job::PicReader::{n}", "x") for n in range(1, 5)]
    unknown = error(openai(400, "unknown_action:MJ::JOB::animate_high::1"), U2)
    return not invites(dead, action="DESCRIBE") and isinstance(unknown, NotThere)


def q11() -> bool:
    other = mj.instead(U2, error(Answer(404, ""), U2))
    return other is not None and mj.call(other).path == "/mj/submit/action"


def q12() -> bool:
    sent = mj.call(Request("mj_imagine", "image", "“a  fox” \n it’s —v 7")).json["prompt"]
    return bool(sent == '"a fox" it\'s --v 7')


def q13() -> bool:
    banned = error(submit(24, "", properties={"bannedWord": "crop top"}))
    return isinstance(banned, Moderated) and "crop top" in str(banned) and not banned.again


def q23() -> bool:
    return mj.accept(FOX, submit(1, 1730621826053455123)) == Ticket(
        "midjourney", "1730621826053455123"
    )


def q29() -> bool:
    return all(error(submit(code, "")).spent is Spent.NO for code in (3, 4, 9, 23, 24)) and bool(
        error(submit(1, "")).detail
    )


def q33() -> bool:
    group, rate = error(own("saturated", 30, 429)), error(Answer(429, ""))
    return bool(group.retry_after > rate.retry_after)


def q43() -> bool:
    odd = [button("MJ::JOB::upsample_v6_2x_subtle::1::h", "", "upscale_1"), GRID[4]]
    return all(i.label or i.emoji for i in invites(odd)) and "upscale_1" not in str(invites(odd))


def q46() -> bool:
    found = mj.read_many(Answer(200, [task("SUCCESS"), task("MODAL")]))
    return isinstance(mj.read(TICKET, FOX, found[ID]), Result)


def q49() -> bool:
    outcome = look(task("FAILURE", failReason="@everyone **x** [y](https://z) " * 400))
    return isinstance(outcome, Failed) and len(str(outcome.reason)) < 400


QUIRKS: list[tuple[str, str, Callable[[], bool]]] = [
    ("Q1", "code 21 means two things and is rewritten to 1", q1),
    ("Q2", "fields are null while a task runs", q2),
    ("Q3", "progress says 100% on failure too", lambda: isinstance(
        look(task("FAILURE", progress="100%")), Failed)),
    ("Q5", "a follow-up right after the finish comes too early", lambda: (
        e := error(own("task_status_not_success "), U2)).again and e.retry_after == 15),
    ("Q6", "an upscale asked for twice exists already", lambda: mj.accept(
        U2, submit(21, properties={"status": "SUCCESS"})) == TICKET),
    ("Q7", "a gateway's own timeout leaves open whether a job runs", q7),
    ("Q8", "a re-roll without a number is refused", q8),
    ("Q9", "simple-change cannot be used", lambda: mj.call(U2).path == "/mj/submit/change"),
    ("Q10", "many button ids are refused", q10),
    ("Q11", "newer proxies have no change", q11),
    ("Q12", "Discord alters prompts", q12),
    ("Q13", "harmless words are banned", q13),
    ("Q16", "every family wants files in another form", lambda: mj.call(
        Request("mj_describe", "describe", media=(PICTURE,))).json["base64"].form == "data_uri"),
    ("Q17", "aspect ratios are spelled in many ways", lambda: compose(
        "a fox --ar 16x9", {}).prompt.endswith("--ar 16:9")),
    ("Q23", "task ids are numbers in places", q23),
    ("Q28", "error bodies differ", lambda: isinstance(
        error(openai(401, "该令牌额度已用尽")), OutOfCredit)),
    ("Q29", "refusals come with HTTP 200", q29),
    ("Q32", "messages hold parts of the key", lambda: "sk-" not in str(
        error(openai(401, "[sk-abc***xyz] 该令牌额度已用尽")).__dict__)),
    ("Q33", "one 429 is not the other", q33),
    ("Q41", "a key of another group gets a 503", lambda: "group" in str(
        error(openai(503, "当前分组 x 下对于模型 mj_imagine 无可用渠道")))),
    ("Q42", "Midjourney hangs off the root", lambda: mj.call(FOX).path.startswith("/mj/")),
    ("Q43", "labels are empty, emoji are names", q43),
    ("Q44", "bookmarks make no task", lambda: not invites(
        [button(f"MJ::BOOKMARK::{HASH}", "", "❤️")], action="UPSCALE")),
    ("Q46", "two rows share one id after a window", q46),
    ("Q47", "repeats and permutations make several jobs", lambda: refuses(
        "a fox --r 3") and refuses("a {red, blue} fox")),
    ("Q48", "a closed channel ends all follow-ups", lambda: "Start again" in str(
        error(own("该任务所属渠道已被禁用"), U2))),
    ("Q49", "reasons are long and full of markup", q49),
    ("Q50", "previews change at every step", lambda: look(task(
        "IN_PROGRESS", imageUrl="https://c.example/2.webp")).preview.endswith("2.webp")),
]  # fmt: skip


@pytest.mark.parametrize(("number", "trap", "met"), QUIRKS, ids=[quirk[0] for quirk in QUIRKS])
def test_the_provider_meets_each_known_trap(
    number: str, trap: str, met: Callable[[], bool]
) -> None:
    """See the table for what each one is."""
    assert met(), f"{number}: {trap}"


def test_busy_answers_are_tried_again_by_themselves() -> None:
    """The three that pass: a full queue, a full group, a broken proxy."""
    for answer in (submit(23, ID), own("saturated", 30, 429), submit(9, "")):
        found = error(answer)
        assert isinstance(found, Busy)
        assert found.again
        assert found.retry_after
