"""The pretend Kling, Runway, Luma and Pika take nothing that the real ones would not."""

from __future__ import annotations

import base64
from typing import Any

import aiohttp
import pytest

from bot.sandbox import Sandbox
from bot.sandbox.works import seed_of
from tests.pictures import picture

BARE = base64.b64encode(picture("PNG", (320, 320))).decode()
SMALL = base64.b64encode(picture("PNG", (200, 320))).decode()
WEBP = base64.b64encode(picture("WEBP", (320, 320))).decode()
URI = f"data:image/png;base64,{BARE}"
TEXT, IMAGE = "/kling/v1/videos/text2video", "/kling/v1/videos/image2video"
DRAW, DRESS = "/kling/v1/images/generations", "/kling/v1/images/kolors-virtual-try-on"
RUNWAY, LUMA, PIKA = "/runwayml/v1/image_to_video", "/luma/generations", "/pika/generate"


def kling(model: str = "kling-v1-6", **more: Any) -> dict[str, Any]:
    """A good body, and what differs."""
    return {"model": model, "model_name": model, "prompt": "a boat", **more}


def runway(model: str = "gen4_turbo", **more: Any) -> dict[str, Any]:
    """A good body, and what differs."""
    good = {"model": model, "promptImage": URI, "ratio": "1280:720", "duration": 5}
    return {**good, **more}


def pika(options: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A good body, and what differs."""
    return {"promptText": "a boat", "model": "1.5", "options": options, **more}


WRONG = (
    (TEXT, kling(duration=5)),
    (TEXT, kling(mode="fast")),
    (TEXT, kling(aspect_ratio="4:3")),
    (TEXT, kling(model_name="kling-v1")),
    (TEXT, kling("kling-v9")),
    (TEXT, kling(prompt="")),
    (TEXT, kling(prompt="x" * 2501)),
    (TEXT, kling("kling-v2-master", mode="std")),
    (TEXT, kling(camera_control={"type": "forward_up"})),
    (TEXT, kling("kling-v1", camera_control={"type": "simple", "config": {"pan": 1, "roll": 1}})),
    (TEXT, kling("kling-v1", camera_control={"type": "simple", "config": {"pan": 11}})),
    (IMAGE, kling()),
    (IMAGE, kling(image=URI)),
    (IMAGE, kling(image=SMALL)),
    (IMAGE, kling(image=WEBP)),
    (IMAGE, kling(image=BARE, aspect_ratio="16:9")),
    (IMAGE, kling(image=BARE, image_tail=BARE, mode="std")),
    (IMAGE, kling("kling-v1", image=BARE, image_tail=BARE, duration="10")),
    (DRAW, kling("kling-v2-1", n="2")),
    (DRAW, kling("kling-v2-1", n=10)),
    (DRAW, kling("kling-v2-1", image=BARE, negative_prompt="rain")),
    (DRESS, {"model_name": "kolors-virtual-try-on-v1-5", "human_image": BARE}),
    (RUNWAY, runway(duration="5")),
    (RUNWAY, runway(ratio="16:9")),
    (RUNWAY, runway(promptImage=BARE)),
    (RUNWAY, runway(seed="1")),
    (RUNWAY, runway(promptImage=[{"uri": URI, "position": "last"}])),
    (RUNWAY, runway(promptText="x" * 1001)),
    (LUMA, {}),
    (LUMA, {"user_prompt": "a boat", "image_end_url": False}),
    (LUMA, {"user_prompt": "a boat", "image_url": URI}),
    (LUMA, {"user_prompt": "a boat", "aspect_ratio": 1.77}),
    (PIKA, pika({"aspectRatio": "16:9"})),
    (PIKA, pika({"aspectRatio": 3})),
    (PIKA, pika({}, image="")),
    (PIKA, pika({}, pikaffect="Melt")),
    (PIKA, pika({}, model=1.5)),
    (PIKA, pika({"aspectRatio": 1}, image="https://cdn.example/x.png")),
)


@pytest.fixture
async def sandbox() -> Any:
    made = Sandbox(pace=0.01)
    await made.start()
    yield made
    await made.stop()


async def test_a_wrong_type_or_pair_is_refused_and_free(sandbox: Sandbox) -> None:
    """Each of them, with nothing begun."""
    headers = {"Authorization": "Bearer sandbox"}
    async with aiohttp.ClientSession(sandbox.url, headers=headers) as session:
        for path, body in WRONG:
            async with session.post(path, json=body) as answer:
                assert answer.status == 400, (path, {k: str(v)[:40] for k, v in body.items()})
    assert not sandbox.submits


async def test_a_task_is_known_only_on_the_path_it_was_made_on(sandbox: Sandbox) -> None:
    """As at the vendor."""
    headers = {"Authorization": "Bearer sandbox"}
    async with aiohttp.ClientSession(sandbox.url, headers=headers) as session:
        async with session.post(TEXT, json=kling(prompt="a boat own")) as answer:
            number = (await answer.json())["data"]["task_id"]
        async with session.get(f"{TEXT}/{number}") as answer:
            assert (await answer.json())["data"]["task_status"] in ("submitted", "processing")
        async with session.get(f"{IMAGE}/{number}") as answer:
            assert (answer.status, (await answer.json())["code"]) == (404, 1203)


def test_the_same_words_make_the_same_film_in_every_run() -> None:
    """Their number does not hang on how Python was started."""
    assert seed_of("a boat") == 3598
