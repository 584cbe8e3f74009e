"""The windows Midjourney opens after some presses: custom zoom, vary region, remix."""

from dataclasses import replace
from typing import Any

import pytest

from core.errors import BadInput
from core.messages import Media
from core.providers.base import Request, Ticket, Waiting
from core.wire import Answer, Blob
from tests.midjourney_tasks import HASH, TICKET, invites, look, mj, task
from tests.midjourney_tasks import button as pressed

MASK = Media("b" * 64, "image/png", 9)
CONFIRM = "Waiting for window confirm"
VARY = Request(
    "mj_variation",
    "continue",
    "a fox",
    options={"custom_id": f"MJ::JOB::variation::1::{HASH}", "action": "VARIATION", "index": 1},
    parent=TICKET,
)


def under(custom_id: str) -> Any:
    """The button of this id under a single picture of a fox."""
    (found,) = invites([pressed(custom_id, "x")], action="UPSCALE", properties=None)
    return found


def opened(request: Request, code: int = 21, **more: Any) -> Waiting:
    """What a press makes of an answer that opens a window."""
    body = {"code": code, "description": CONFIRM, "result": "99", "properties": {}, **more}
    waiting = mj.accept(request, Answer(200, body))
    assert isinstance(waiting, Waiting)
    return waiting


def test_a_custom_zoom_is_asked_for_before_it_is_pressed() -> None:
    """Its form is known with the button; the answers go out at once when the window opens."""
    zoom = under(f"MJ::CustomZoom::{HASH}")
    assert [f.name for f in zoom.form.fields] == ["zoom", "ar", "prompt"]
    request = mj.fill(zoom.request, {"zoom": "1,5", "ar": "16x9", "prompt": "a wolf"})

    waiting = opened(request)

    assert waiting.form is None
    call = mj.call(waiting.request)
    assert call.path == "/mj/submit/modal"
    assert call.json == {"taskId": "99", "prompt": "a wolf --ar 16:9 --zoom 1.5"}
    assert waiting.request.offer == "mj_modal"


@pytest.mark.parametrize(
    ("values", "prompt"),
    [
        ({"zoom": "2"}, "a fox --zoom 2"),
        ({"zoom": "1.25x", "prompt": ""}, "a fox --zoom 1.25"),
        ({"zoom": "2", "ar": "3:2"}, "a fox --ar 3:2 --zoom 2"),
        ({"zoom": "2", "ar": "3:2", "prompt": "a wolf --ar 1:1"}, "a wolf --ar 3:2 --zoom 2"),
        ({"zoom": "2", "prompt": "a wolf --zoom 1.2"}, "a wolf --zoom 1.2"),
        ({"zoom": "2", "prompt": "a  wolf\n—v 7"}, "a wolf --v 7 --zoom 2"),
    ],
)
def test_the_zooms_prompt(values: dict[str, str], prompt: str) -> None:
    """An empty field keeps what there was; a factor typed into the prompt counts most."""
    zoom = under("MJ::CustomZoom::1::h")
    assert mj.fill(zoom.request, values).prompt == prompt


@pytest.mark.parametrize(
    "values",
    [
        {"zoom": "3"},
        {"zoom": "0.5"},
        {"zoom": "far"},
        {"zoom": ""},
        {"zoom": "nan"},
        {"zoom": "2", "ar": "wide"},
        {"zoom": "2", "ar": "0:2"},
        {"zoom": "2", "prompt": "--v 7"},
        {"zoom": "2", "prompt": "a {red,blue} fox"},
        {"zoom": "2", "prompt": "a fox --repeat 4"},
        {"zoom": "2", "prompt": "x" * 7000},
    ],
)
def test_a_zoom_that_cannot_work_is_explained(values: dict[str, str]) -> None:
    """Before anything is pressed or paid."""
    with pytest.raises(BadInput):
        mj.fill(under("MJ::CustomZoom::h").request, values)


def test_a_region_needs_a_mask() -> None:
    """The mask goes as a data URI beside the prompt."""
    region = under(f"MJ::Inpaint::1::{HASH}::SOLO")
    assert [f.name for f in region.form.fields] == ["mask", "prompt"]
    with pytest.raises(BadInput, match="mask"):
        mj.fill(region.request, {"prompt": "a hat"})

    waiting = opened(mj.fill(region.request, {"mask": MASK, "prompt": "a hat"}))

    assert mj.call(waiting.request).json == {
        "taskId": "99",
        "prompt": "a hat",
        "maskBase64": Blob(MASK),
    }


def test_a_window_that_opens_before_its_answers_are_there_asks() -> None:
    """The question carries the prompt the gateway shows."""
    zoom = under("MJ::CustomZoom::h").request
    waiting = opened(zoom, properties={"finalPrompt": "a fox --v 7"})

    assert waiting.ticket == Ticket("midjourney", "99")
    assert waiting.form is not None
    assert waiting.form.fields[-1].value == "a fox --v 7"
    assert mj.fill(waiting.request, {"zoom": "2"}).prompt == "a fox --v 7 --zoom 2"


@pytest.mark.parametrize("code", [1, 21])
def test_a_remix_is_seen_by_its_words_although_its_code_is_rewritten(code: int) -> None:
    """Then the person is asked for the new prompt."""
    final = {"finalPrompt": "a fox", "remix": True}
    waiting = opened(VARY, code, properties=final)

    assert waiting.form is not None
    assert [f.name for f in waiting.form.fields] == ["prompt"]
    answer = mj.fill(waiting.request, {"prompt": "a wolf"})
    assert mj.call(answer).json == {"taskId": "99", "prompt": "a wolf"}
    assert answer.offer == "mj_modal", "the gateway charges the press and the answer"


def test_a_window_nobody_mentioned_shows_itself_at_the_look() -> None:
    """A rewritten answer looks accepted; the task then waits as MODAL."""
    waiting = look(task("MODAL", action="VARIATION", properties={"finalPrompt": "a fox"}), VARY)

    assert isinstance(waiting, Waiting)
    assert waiting.ticket == TICKET
    assert waiting.form is not None
    assert waiting.form.fields[0].value == "a fox"


@pytest.mark.parametrize(
    ("action", "names"),
    [
        ("INPAINT", ["mask", "prompt"]),
        ("CUSTOM_ZOOM", ["zoom", "ar", "prompt"]),
        (None, ["prompt"]),
    ],
)
def test_a_looks_window_is_known_by_the_tasks_action(action: Any, names: list[str]) -> None:
    """Where the request did not foresee one."""
    waiting = look(task("MODAL", action=action), VARY)

    assert isinstance(waiting, Waiting)
    assert waiting.form is not None
    assert [f.name for f in waiting.form.fields] == names


@pytest.mark.parametrize("result", ["99", 99, "100", "", None])
def test_an_answered_window_goes_on_under_the_id_the_gateway_gives(result: Any) -> None:
    """Some keep the id, some give another, some give none: then it is the old one."""
    answer = mj.fill(opened(VARY).request, {"prompt": "a wolf"})
    ticket = mj.accept(answer, Answer(200, {"code": 1, "description": "ok", "result": result}))

    assert ticket == Ticket("midjourney", str(result or "99"))


def test_an_answer_to_a_window_never_opens_another() -> None:
    """Words about windows in the last answer do not ask a second time."""
    answer = mj.fill(opened(VARY).request, {"prompt": "a wolf"})
    body = {"code": 21, "description": CONFIRM, "result": "99", "properties": {"remix": True}}
    assert mj.accept(answer, Answer(200, body)) == Ticket("midjourney", "99")


def test_a_prompt_too_long_for_a_field_is_kept_when_left_empty() -> None:
    """The field is empty then, and says that empty keeps it."""
    long = "a fox " * 800
    (zoom,) = invites(
        [pressed("MJ::CustomZoom::h", "x")], action="UPSCALE", properties={"finalPrompt": long}
    )
    assert zoom.form is not None
    request = replace(zoom.request, prompt=long) if zoom.request else VARY
    waiting = opened(request, properties={"finalPrompt": long})

    assert waiting.form is not None
    field = waiting.form.fields[-1]
    assert (field.value, field.required) == ("", False)
    assert mj.fill(waiting.request, {"zoom": "2"}).prompt.startswith("a fox a fox")


def test_a_window_is_no_failure_and_costs_what_its_button_says() -> None:
    """The press that opens a zoom is free; what it makes is booked as `mj_modal`."""
    zoom = under("MJ::CustomZoom::h").request
    price = {offer.key: offer.price for offer in mj.offers}

    assert price[zoom.offer] == price["mj_modal"] == 0.1
    assert opened(zoom).request.offer == zoom.offer
