"""The pretend gateway itself: that it is as strict, and as odd, as the contract says.

Owns claims about `bot.sandbox`, made over HTTP with a client that shares nothing with the product.
"""

import asyncio
import base64
import io
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from PIL import Image, ImageChops, ImageStat

from bot.sandbox import Sandbox

TERMINAL = ("SUCCESS", "FAILURE", "CANCEL")
DIALECTS = ("stock", "raw")


class Client:
    """A plain HTTP client with the sandbox's key."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session

    async def call(
        self, method: str, path: str, body: Any = None, **more: Any
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON body."""
        headers = {"Authorization": "Bearer sandbox", **more.pop("headers", {})}
        async with self.session.request(
            method, self.sandbox.url + path, json=body, headers=headers, **more
        ) as response:
            return response.status, await response.json(content_type=None)

    async def submit(self, what: str, **body: Any) -> dict[str, Any]:
        """A submit's answer."""
        return (await self.call("POST", f"/mj/submit/{what}", body))[1]

    async def start(self, what: str, **body: Any) -> str:
        """The id of the task a submit started."""
        answer = await self.submit(what, **body)
        assert answer["code"] in (1, 21, 22), answer
        return str(answer["result"])

    async def fetch(self, task: str) -> dict[str, Any]:
        """One task."""
        return (await self.call("GET", f"/mj/task/{task}/fetch"))[1]

    async def wait(self, task: str, statuses: tuple[str, ...] = TERMINAL) -> dict[str, Any]:
        """The task once it has one of the statuses."""
        async with asyncio.timeout(90):
            while (row := await self.fetch(task)).get("status") not in statuses:  # noqa: ASYNC110 - it polls
                await asyncio.sleep(0.01)
        return row

    async def make(self, what: str, **body: Any) -> dict[str, Any]:
        """Submit and wait for the end."""
        return await self.wait(await self.start(what, **body))

    async def picture(self, url: str) -> Image.Image:
        """Download a picture and decode it fully."""
        async with self.session.get(url) as response:
            assert response.status == 200, await response.text()
            image = Image.open(io.BytesIO(await response.read()))
            image.load()
            return image

    async def press(self, row: dict[str, Any], label: str, **more: Any) -> dict[str, Any]:
        """Press a button by its label or emoji, through `action`."""
        found = next(b for b in row["buttons"] if label in (b["label"], b["emoji"]))
        return await self.submit("action", taskId=row["id"], customId=found["customId"], **more)


@asynccontextmanager
async def served(**settings: Any) -> AsyncIterator[Client]:
    """A running sandbox, fast and with small pictures, and a client of it."""
    sandbox = Sandbox(**{"pace": 0.01, "image_size": 128, **settings})
    await sandbox.start()
    timeout = aiohttp.ClientTimeout(total=15)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield Client(sandbox, session)
    finally:
        await sandbox.stop()


class Clock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def data_uri(colour: str = "red", kind: str = "PNG", claim: str = "") -> str:
    """A small picture as a data URI; `claim` is a mime type it does not have."""
    target = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(target, kind)
    mime = claim or f"image/{kind.lower()}"
    return f"data:{mime};base64,{base64.b64encode(target.getvalue()).decode()}"


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean difference of two pictures, 0 (same) to 255."""
    size = (64, 64)
    pair = [image.convert("RGB").resize(size) for image in (one, other)]
    return sum(ImageStat.Stat(ImageChops.difference(*pair)).mean) / 3


def quadrants(grid: Image.Image) -> list[Image.Image]:
    """The four pictures of a grid."""
    wide, tall = grid.width // 2, grid.height // 2
    corners = [(0, 0), (wide, 0), (0, tall), (wide, tall)]
    return [grid.crop((x, y, x + wide, y + tall)) for x, y in corners]


# Who may ask, and where


@pytest.mark.parametrize(
    ("header", "status", "text"),
    [
        ({}, 401, "未提供令牌"),
        ({"Authorization": "Bearer wrong"}, 401, "无效的令牌"),
        ({"Authorization": "Bearer wrong", "Accept-Language": "en"}, 401, "Invalid token"),
        ({"Authorization": "Bearer sk-sandbox-12"}, 403, "渠道"),
        ({"Authorization": "Bearer sk-sandbox"}, 200, ""),
        ({"mj-api-secret": "sandbox"}, 200, ""),
    ],
)
async def test_keys(header: dict[str, str], status: int, text: str) -> None:
    """Keys are read and refused as new-api does, in the OpenAI shape."""
    async with (
        served() as client,
        client.session.get(f"{client.sandbox.url}/v1/models", headers=header) as response,
    ):
        body = await response.json()
        assert response.status == status
        if text:
            assert text in body["error"]["message"]


async def test_wrong_addresses() -> None:
    """An unknown address is a 404 in the OpenAI shape, key or not; so is `/v1` before `/mj`."""
    async with served() as client:
        for method, path in (
            ("GET", "/x"),
            ("POST", "/v1/mj/submit/imagine"),
            ("GET", "/mj/submit/imagine"),
            ("POST", "/mj/submit/video"),
            ("POST", "/mj/task/1/cancel"),
        ):
            status, body = await client.call(method, path)
            assert status == 404
            assert body["error"]["message"] == f"Invalid URL ({method} {path})"


async def test_switches_take_endpoints_away() -> None:
    """A channel without change, list or modal answers 404 there."""
    async with served(has_change=False, has_list=False, has_modal=False) as client:
        for path in ("/mj/submit/change", "/mj/task/list-by-condition", "/mj/submit/modal"):
            status, body = await client.call("POST", path, {})
            assert (status, body["error"]["type"]) == (404, "invalid_request_error")


async def test_money() -> None:
    """The balance falls with every paid submit, failures give it back, an empty one refuses."""
    async with served(balance=0.25) as client:

        async def left() -> float:
            limit = (await client.call("GET", "/v1/dashboard/billing/subscription"))[1]
            usage = (await client.call("GET", "/dashboard/billing/usage"))[1]
            return float(round(limit["hard_limit_usd"] - usage["total_usage"] / 100, 6))

        assert await left() == 0.25
        await client.make("imagine", prompt="a fox")
        assert await left() == 0.15
        failing = await client.start("imagine", prompt="a fail")
        assert await left() == 0.05
        status, body = await client.call("POST", "/mj/submit/imagine", {"prompt": "a fox"})
        assert (status, body["code"], body["description"]) == (400, 4, "quota_not_enough ")
        await client.wait(failing)
        assert await left() == 0.15
        assert await client.start("imagine", prompt="a fox")
        _, units = await client.call("GET", "/api/usage/token")
        assert units["data"]["total_available"] == 25_000


# A picture's life


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_life_of_a_grid(dialect: str) -> None:
    """A prompt becomes queued, then running with changing previews, then a grid with buttons."""
    async with served(dialect=dialect, pace=0.05) as client:
        task = await client.start("imagine", prompt="a fox --ar 3:2", state="u42")
        seen: list[tuple[str, str]] = []
        previews: set[str] = set()
        row = await client.fetch(task)
        while row["status"] != "SUCCESS":
            seen.append((row["status"], row["progress"] or ""))
            if row["imageUrl"]:
                previews.add(row["imageUrl"])
            assert not row["buttons"]
            await asyncio.sleep(0.01)
            row = await client.fetch(task)
        order = list(dict.fromkeys(status for status, _ in seen))
        assert order == ["" if dialect == "stock" else "NOT_START", "SUBMITTED", "IN_PROGRESS"]
        assert len(previews) >= 4
        assert (row["progress"], row["state"], row["action"]) == ("100%", "u42", "IMAGINE")
        assert row["submitTime"] < row["startTime"] < row["finishTime"]
        assert [b["label"] or b["emoji"] for b in row["buttons"]] == [
            *("U1", "U2", "U3", "U4", "🔄", "V1", "V2", "V3", "V4")
        ]
        image = await client.picture(row["imageUrl"])
        assert image.format == "PNG"
        assert image.width / image.height == pytest.approx(1.5, rel=0.03)
        early = await client.picture(min(previews))
        assert difference(early, image) < difference(early, image.rotate(180))


async def test_stock_fields_are_exactly_those_of_the_contract() -> None:
    """The stock gateway drops every field it does not know, and never fills some it has."""
    async with served() as client:
        row = await client.make("imagine", prompt="a fox")
        assert " ".join(row) == (
            "id action customId botType prompt promptEn description state submitTime startTime "
            "finishTime imageUrl status progress failReason buttons maskBase64 properties"
        )
        assert (row["customId"], row["botType"], row["maskBase64"]) == ("", "", "")
        assert set(row["properties"]) == {"finalPrompt", "finalZhPrompt"}
        assert re.fullmatch(r"\d{16}", row["id"])


async def test_grid_upscale_and_variation_belong_together() -> None:
    """Four visibly different quadrants; U3 is the third of them; V3 makes four new ones."""
    async with served(image_size=256) as client:
        grid = await client.make("imagine", prompt="a fox --seed 7")
        cells = quadrants(await client.picture(grid["imageUrl"]))
        for index, one in enumerate(cells):
            assert all(difference(one, other) > 15 for other in cells[index + 1 :])
        body = {"taskId": grid["id"], "index": 3}
        single = await client.make("change", action="UPSCALE", **body)
        upscaled = await client.picture(single["imageUrl"])
        assert min(range(4), key=lambda n: difference(upscaled, cells[n])) == 2
        assert difference(upscaled, cells[2]) < 6
        varied = await client.make("change", action="VARIATION", **body)
        family = quadrants(await client.picture(varied["imageUrl"]))
        assert all(difference(one, cells[2]) > 2 for one in family)
        assert single["prompt"] == varied["prompt"] == "a fox --seed 7"
        styles = {b["label"]: b["style"] for b in (await client.fetch(grid["id"]))["buttons"]}
        assert (styles["U3"], styles["V3"], styles["U1"]) == (1, 1, 2)


async def test_same_seed_same_picture() -> None:
    """A seed makes a picture come back; without one, it does not."""
    async with served() as client:
        rows = [
            await client.make("imagine", prompt=prompt)
            for prompt in ("sea --seed 9", "sea --seed 9", "sea", "sea")
        ]
        one, same, two, three = [await client.picture(row["imageUrl"]) for row in rows]
        assert difference(one, same) == 0
        assert difference(two, three) > 5
        _, seed = await client.call("GET", f"/mj/task/{rows[0]['id']}/image-seed")
        assert seed["result"] == "9"


VARY = "Vary (Subtle)|Vary (Strong)|Vary (Region)"
ZOOM = "Zoom Out 2x|Zoom Out 1.5x|Custom Zoom"
ARROWS = "⬅️|➡️|⬆️|⬇️"
HD = "Upscale (Subtle)|Upscale (Creative)"
ANIMATE = "Animate (High motion)|Animate (Low motion)"


@pytest.mark.parametrize(
    ("flags", "labels"),
    [
        ("", f"{HD}|{VARY}|{ZOOM}|{ARROWS}|{ANIMATE}|❤️|Web"),
        ("--niji 6", f"{HD}|{VARY}|{ZOOM}|{ARROWS}|❤️|Web"),
        ("--v 8.1", f"{VARY}|{ANIMATE}|❤️|Web"),
        (
            "--v 5.2 --ar 2:1",
            f"Upscale (2x)|Upscale (4x)|{VARY}|{ZOOM}|Make Square|{ARROWS}|❤️|Web",
        ),
    ],
)
async def test_buttons_by_version(flags: str, labels: str) -> None:
    """A single picture offers what its model version offers, in Midjourney's order."""
    async with served() as client:
        grid = await client.make("imagine", prompt=f"a fox {flags}".strip())
        single = await client.make("change", taskId=grid["id"], action="UPSCALE", index=1)
        assert "|".join(b["label"] or b["emoji"] for b in single["buttons"]) == labels
        web = single["buttons"][-1]
        assert web["style"] == 5
        assert "customId" not in web


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_every_button_the_gateway_serves_leads_to_a_picture(dialect: str) -> None:
    """Zooms, pans, variations and upscales of a single picture all end in one."""
    expected = {
        "Upscale (Subtle)": ("UPSCALE", 1.0),
        "Vary (Strong)": ("HIGH_VARIATION", 1.0),
        "Vary (Subtle)": ("LOW_VARIATION", 1.0),
        "Zoom Out 2x": ("ZOOM", 1.0),
        "⬅️": ("PAN", 1.5),
        "⬇️": ("PAN", 1 / 1.5),
    }
    async with served(dialect=dialect) as client:
        grid = await client.make("imagine", prompt="a fox")
        single = await client.wait(str((await client.press(grid, "U2"))["result"]))
        for label, (action, ratio) in expected.items():
            answer = await client.press(single, label)
            row = await client.wait(str(answer["result"]))
            image = await client.picture(row["imageUrl"])
            assert (row["status"], row["action"]) == ("SUCCESS", action)
            assert image.width / image.height == pytest.approx(ratio, rel=0.05)


async def test_describe_and_blend() -> None:
    """Describe gives four prompts and the source; blend gives a grid in the asked shape."""
    async with served() as client:
        row = await client.make("describe", base64=data_uri("teal"))
        paragraphs = row["properties"]["finalPrompt"].split("\n\n")
        assert [p[:1] for p in paragraphs] == ["1", "2", "3", "4"]
        assert all("--ar 3:2" in p for p in paragraphs)
        assert row["buttons"][0]["customId"] == "MJ::Job::PicReader::1"
        assert (await client.picture(row["imageUrl"])).size == (60, 40)
        blend = await client.make(
            "blend",
            base64Array=[data_uri("red"), data_uri("blue", "JPEG")],
            dimensions="PORTRAIT",
        )
        image = await client.picture(blend["imageUrl"])
        assert image.width / image.height == pytest.approx(2 / 3, rel=0.05)
        assert blend["prompt"] == ""
        assert blend["buttons"][4]["emoji"] == "🔄"


# Strictness


@pytest.mark.parametrize(
    ("what", "body", "status", "description"),
    [
        ("imagine", {"prompt": " "}, 400, "prompt_is_required "),
        ("imagine", {"prompt": 5}, 400, "bind_request_body_failed "),
        ("imagine", ["no"], 400, "bind_request_body_failed "),
        ("imagine", {"prompt": "x", "base64Array": [data_uri(claim="image/jpeg")]}, 200, "base64"),
        ("imagine", {"prompt": "x", "base64Array": [data_uri().partition(",")[2]]}, 200, "base64"),
        ("describe", {"base64": data_uri()[:90]}, 200, "base64"),
        ("blend", {"base64Array": [data_uri()]}, 200, "base64List"),
        ("blend", {"base64Array": [data_uri()] * 6}, 200, "base64List"),
        ("change", {"taskId": "$grid", "action": "REROLL"}, 400, "index_is_required "),
        ("change", {"taskId": "$grid", "action": "UPSCALE", "index": "1"}, 400, "bind_"),
        ("change", {"taskId": "$grid", "action": "upscale", "index": 1}, 400, "unknown_action"),
        ("change", {"taskId": "$grid", "action": "UPSCALE", "index": 5}, 200, "index"),
        ("change", {"taskId": "1", "action": "UPSCALE", "index": 1}, 400, "task_not_found "),
        ("action", {"taskId": "$grid"}, 400, "custom_id_is_required "),
        ("action", {"taskId": "$grid", "customId": "MJ::BOOKMARK::x"}, 400, "unknown_action:MJ::"),
        ("action", {"taskId": "$grid", "customId": "MJ::JOB::upsample::1::x"}, 200, "customId"),
        ("modal", {"taskId": "$grid"}, 200, "Task is not waiting"),
    ],
)
async def test_stock_refusals(what: str, body: Any, status: int, description: str) -> None:
    """What is wrong is refused with code 4: HTTP 400 by the gateway, 200 by what is behind it."""
    async with served() as client:
        grid = await client.make("imagine", prompt="a fox")
        text = json.dumps(body).replace("$grid", grid["id"])
        got, answer = await client.call("POST", f"/mj/submit/{what}", json.loads(text))
        assert (got, answer["code"]) == (status, 4)
        assert answer["description"].startswith(description)
        assert len(client.sandbox.submits) == 1


async def test_stock_oddities() -> None:
    """An action without a price is "no channel"; a custom id without `::` breaks the gateway."""
    async with served() as client:
        grid = await client.make("imagine", prompt="a fox")
        change = {"taskId": grid["id"], "action": "SHARPEN", "index": 1}
        status, body = await client.call("POST", "/mj/submit/change", change)
        assert (status, "mj_sharpen" in body["error"]["message"]) == (503, True)
        content = {"content": f"{grid['id']} U1"}
        status, body = await client.call("POST", "/mj/submit/simple-change", content)
        assert (status, body["error"]["type"]) == (503, "new_api_error")
        press = {"taskId": grid["id"], "customId": "upsample"}
        status, body = await client.call("POST", "/mj/submit/action", press)
        assert (status, body["error"]["type"]) == (500, "new_api_panic")
        missing = await client.call("GET", "/mj/task/1/fetch")
        assert missing == (
            400,
            {"description": "task_no_found ", "type": "upstream_error", "code": 4},
        )


async def test_raw_refusals_come_with_200() -> None:
    """The bare proxy says no with HTTP 200 and a code, and null for what is empty."""
    async with served(dialect="raw") as client:
        for what, body, code in (
            ("imagine", {"prompt": ""}, 4),
            ("change", {"taskId": "1", "action": "UPSCALE", "index": 1}, 3),
            ("imagine", {"prompt": "queuefull"}, 23),
            ("imagine", {"prompt": "banned"}, 24),
            ("imagine", {"prompt": "syserror"}, 9),
        ):
            status, answer = await client.call("POST", f"/mj/submit/{what}", body)
            assert (status, answer["code"]) == (200, code)
        assert client.sandbox.submits == []
        row = await client.fetch(await client.start("imagine", prompt="a fox"))
        assert (row["failReason"], row["buttons"], row["imageUrl"]) == (None, None, None)
        assert {"seed", "jobId", "mode", "imageUrls"} <= set(row)


async def test_raw_accepts_what_stock_does_not() -> None:
    """Describe's buttons imagine, simple-change works, a heart makes no task, cancel cancels."""
    async with served(dialect="raw") as client:
        described = await client.make("describe", base64=data_uri())
        imagined = await client.wait(str((await client.press(described, "2️⃣"))["result"]))
        assert imagined["prompt"] in described["properties"]["finalPrompt"]
        grid = await client.make("imagine", prompt="a fox", botType="MID_JOURNEY")
        single = await client.make("simple-change", content=f"{grid['id']} U4")
        before = len(client.sandbox.tasks)
        assert (await client.press(single, "❤️"))["result"] == ""
        assert len(client.sandbox.tasks) == before
        video = await client.wait(
            str((await client.press(single, "Animate (Low motion)"))["result"])
        )
        assert (video["status"], video["progress"]) == ("FAILURE", "")
        task = await client.start("imagine", prompt="stall")
        await client.call("POST", f"/mj/task/{task}/cancel")
        assert (await client.fetch(task))["status"] == "CANCEL"


async def test_warnings_note_what_was_let_through() -> None:
    """Unknown fields and prompts that Discord would alter are accepted and noted."""
    async with served() as client:
        await client.start("imagine", prompt="a  fox — “bold”", colour="red")
        assert client.sandbox.journal[-1].warnings == [
            "unknown field colour",
            "prompt: runs of white space",
            "prompt: long dashes or curly quotes",
        ]


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("a fox --ar 16-9", "[Invalid parameter]"),
        ("a fox --stylize 5000", "[Invalid parameter]"),
        ("a fox --sparkle", "[Unrecognized parameter]"),
        ("--ar 1:1", "[Empty prompt]"),
        ("x" * 6_001, "[Invalid prompt]"),
    ],
)
async def test_broken_flags_fail_the_job(prompt: str, reason: str) -> None:
    """Midjourney accepts a broken prompt, then fails the job with the reason."""
    async with served() as client:
        row = await client.make("imagine", prompt=prompt)
        assert (row["status"], row["progress"]) == ("FAILURE", "100%")
        assert row["failReason"].startswith(reason)
