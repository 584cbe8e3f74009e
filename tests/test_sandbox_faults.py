"""The pretend gateway's bad behaviour: words in prompts, windows, lag, faults, and its controls.

Owns claims about `bot.sandbox` where something goes wrong, or is made to.
"""

import asyncio
import io
import os
import re
import signal
import sys
import time
from typing import Any

import aiohttp
import pytest
from PIL import Image

from bot.sandbox import MAGIC, Sandbox
from tests.test_sandbox import DIALECTS, Client, Clock, data_uri, difference, served

BROKEN = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)


# Words


@pytest.mark.parametrize(
    ("word", "status", "code"),
    [("queuefull", 200, 23), ("saturated", 429, 30), ("noaccount", 200, 3), ("syserror", 200, 9)],
)
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_words_that_refuse(dialect: str, word: str, status: int, code: int) -> None:
    """These start nothing and cost nothing."""
    async with served(dialect=dialect) as client:
        got, body = await client.call("POST", "/mj/submit/imagine", {"prompt": f"a {word} fox"})
        assert (got, body["code"]) == (status, code)
        assert not client.sandbox.tasks
        assert client.sandbox.journal[-1].is_submit
        assert client.sandbox.submits == []


@pytest.mark.parametrize(("word", "status"), [("e500", 500), ("e400", 400)])
async def test_unknown_outcome(word: str, status: int) -> None:
    """Code 5 says nothing about whether a job runs."""
    async with served() as client:
        got, body = await client.call("POST", "/mj/submit/imagine", {"prompt": f"a {word} fox"})
        assert (got, body["code"]) == (status, 5)


async def test_lost_answer() -> None:
    """With `lost` the job is made, charged and finished, and only the answer is missing."""
    async with served() as client:
        with pytest.raises(BROKEN):
            await client.submit("imagine", prompt="a lostanswer fox")
        (seen,) = client.sandbox.submits
        assert (seen.status, seen.charged) == (None, 0.1)
        assert (await client.wait(seen.task))["status"] == "SUCCESS"


async def test_words_count_only_whole() -> None:
    """Parts of words, and flags, are no magic words."""
    async with served() as client:
        harmless = "a full moon over a lost city", "a huge wave", "gone fishing"
        for prompt in ("failure", "a non-fail", "windows", "a fox --no fail-safe", *harmless):
            task = await client.start("imagine", prompt=prompt)
            assert client.sandbox.tasks[task].words == frozenset()
        task = await client.start("imagine", prompt="Fail, please")
        assert client.sandbox.tasks[task].words == {"fail"}


@pytest.mark.parametrize(
    ("word", "status", "reason"),
    [
        ("fail", "FAILURE", "@everyone"),
        ("moderated", "FAILURE", "output filters"),
        ("banned", "FAILURE", "Banned prompt detected"),
        ("cancelled", "CANCEL", "Cancelled"),
        ("unknownstatus", "SUCCESS", ""),
        ("nulls", "SUCCESS", ""),
        ("queue", "SUCCESS", ""),
    ],
)
async def test_how_words_end(word: str, status: str, reason: str) -> None:
    """Each of these ends as its line in MAGIC says, at 100 % whatever happened."""
    async with served() as client:
        row = await client.make("imagine", prompt=f"a {word} fox")
        assert (row["status"], row["progress"]) == (status, "100%")
        assert reason in row["failReason"]


async def test_raw_failure_has_no_progress() -> None:
    """The bare proxy leaves progress empty on failure."""
    async with served(dialect="raw") as client:
        row = await client.make("imagine", prompt="a fail")
        assert (row["status"], row["progress"]) == ("FAILURE", "")


async def test_words_while_running() -> None:
    """Nulls, WebP previews, an HTML page, a strange status and a standstill, as it runs."""
    clock = Clock()
    async with served(pace=1.0, clock=clock) as client:
        words = ("nulls", "webp", "html", "unknownstatus", "stall", "slow")
        tasks = {word: await client.start("imagine", prompt=f"a {word} fox") for word in words}
        clock.now += 6
        nulls = await client.fetch(tasks["nulls"])
        fields = ("progress", "imageUrl", "buttons", "properties")
        assert [nulls[name] for name in fields] == [None] * 4
        webp = await client.fetch(tasks["webp"])
        assert (await client.picture(webp["imageUrl"])).format == "WEBP"
        with pytest.raises(ValueError, match="Expecting value"):
            await client.fetch(tasks["html"])
        assert (await client.fetch(tasks["unknownstatus"]))["status"] == "REVIEWING"
        assert (await client.fetch(tasks["slow"]))["progress"] == "0%"
        clock.now += 100_000
        assert (await client.fetch(tasks["html"]))["status"] == "SUCCESS"
        stalled = await client.fetch(tasks["stall"])
        assert (stalled["status"], stalled["progress"]) == ("IN_PROGRESS", "46%")


async def test_ids_as_numbers() -> None:
    """With `numeric` the id is a JSON number, and still one only as text."""
    async with served(dialect="raw") as client:
        answer = await client.submit("imagine", prompt="a numeric fox")
        assert isinstance(answer["result"], int)
        assert answer["result"] > 2**53
        assert (await client.wait(str(answer["result"])))["status"] == "SUCCESS"


async def test_strange_pictures() -> None:
    """The result may be missing, elsewhere, broken off, a web page, or very large."""
    async with served() as client:

        async def result(word: str) -> tuple[int, str, bytes]:
            row = await client.make("imagine", prompt=f"a {word} fox")
            async with client.session.get(row["imageUrl"]) as response:
                return response.status, response.content_type, await response.read()

        assert (await result("gone404"))[0] == 404
        assert (await result("notimage"))[1] == "text/html"
        _, _, broken = await result("truncated")
        with pytest.raises(OSError, match="truncated"):
            Image.open(io.BytesIO(broken)).load()
        row = await client.make("imagine", prompt="a loopback fox")
        assert row["imageUrl"].startswith("http://169.254.169.254/")
        for word, size in (("big", 12_000_000), ("hugefile", 60_000_000), ("3mb", 3_000_000)):
            status, kind, data = await result(word)
            assert (status, kind, len(data) >= size) == (200, "image/png", True)
            with Image.open(io.BytesIO(data)) as image:
                image.verify()


async def test_links_expire_and_are_signed() -> None:
    """A picture's address needs its signature, works for a day, and is never renewed."""
    clock = Clock()
    async with served(pace=1.0, clock=clock) as client:
        task = await client.start("imagine", prompt="a fox")
        clock.now += 60
        url = (await client.fetch(task))["imageUrl"]
        assert (await client.picture(url)).size == (128, 128)
        clock.now += 86_400
        assert (await client.fetch(task))["imageUrl"] == url
        for address in (url, url.replace("hm=", "hm=0")):
            async with client.session.get(address) as response:
                assert response.status == 404
        async with client.session.get(f"{client.sandbox.url}/mj/image/{task}") as response:
            assert response.content_type == "image/png"


# Codes 21 and 22


@pytest.mark.parametrize(("dialect", "code"), [("stock", 1), ("raw", 21)])
async def test_a_second_upscale_is_charged_and_gives_the_first(dialect: str, code: int) -> None:
    """Asking twice costs twice; the id is the old one, and only the description says so."""
    async with served(dialect=dialect) as client:
        grid = await client.make("imagine", prompt="a fox")
        press: dict[str, Any] = {"taskId": grid["id"], "action": "UPSCALE", "index": 2}
        first = await client.submit("change", **press)
        again = await client.submit("change", **press)
        assert (again["code"], again["result"]) == (code, first["result"])
        assert "already exists" in again["description"]
        assert len(client.sandbox.submits) == 3
        assert len(client.sandbox.tasks) == 2
        assert client.sandbox.ground.account.used == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("dialect", "word", "code"),
    [("stock", "queue", 1), ("raw", "queue", 22), ("stock", "queue spaced", 22)],
)
async def test_queued(dialect: str, word: str, code: int) -> None:
    """The stock gateway hides code 22 unless the answer is printed with spaces."""
    async with served(dialect=dialect) as client:
        answer = await client.submit("imagine", prompt=f"a {word} fox")
        assert answer["code"] == code
        assert "queued" in answer["description"]
        assert answer["properties"]["numberOfQueues"] == 2


@pytest.mark.parametrize(("dialect", "code"), [("stock", 1), ("raw", 21)])
async def test_a_remix_window_hides_behind_code_1(dialect: str, code: int) -> None:
    """A remix looks accepted and then waits; only the words and the status MODAL tell."""
    async with served(dialect=dialect) as client:
        grid = await client.make("imagine", prompt="a window fox")
        answer = await client.submit("change", taskId=grid["id"], action="VARIATION", index=1)
        assert (answer["code"], answer["description"]) == (code, "Waiting for window confirm")
        task = answer["result"]
        assert (await client.fetch(task))["status"] == "MODAL"
        confirm = await client.submit("modal", taskId=task, prompt="a window cat")
        assert (confirm["code"], confirm["result"]) == (1, task)
        row = await client.wait(task)
        assert (row["status"], row["prompt"]) == ("SUCCESS", "a window cat")
        paid = [seen.path for seen in client.sandbox.submits]
        assert paid == ["/mj/submit/imagine", "/mj/submit/change"]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_custom_zoom_and_region_ask_first(dialect: str) -> None:
    """Both answer 21 in every dialect, are paid with the window, and take one answer only."""
    async with served(dialect=dialect) as client:
        grid = await client.make("imagine", prompt="a fox")
        single = await client.wait(str((await client.press(grid, "U1"))["result"]))
        zoom = await client.press(single, "Custom Zoom")
        assert (zoom["code"], zoom["properties"]["finalPrompt"]) == (21, "a fox")
        assert len(client.sandbox.submits) == 2
        assert (await client.submit("modal", taskId=zoom["result"], prompt="a fox"))["code"] == 4
        answer = {"taskId": zoom["result"], "prompt": "a fox --ar 16:9 --zoom 1.8"}
        assert (await client.submit("modal", **answer))["code"] == 1
        assert (await client.submit("modal", **answer))["code"] == 4
        assert len(client.sandbox.submits) == 3
        image = await client.picture((await client.wait(zoom["result"]))["imageUrl"])
        assert image.width / image.height == pytest.approx(16 / 9, rel=0.05)
        region = await client.press(single, "Vary (Region)")
        assert (await client.submit("modal", taskId=region["result"]))["code"] == 4
        mask = data_uri("white")
        assert (await client.submit("modal", taskId=region["result"], maskBase64=mask))["code"] == 1
        row = await client.wait(region["result"])
        original = await client.picture(single["imageUrl"])
        repainted = (await client.picture(row["imageUrl"])).crop((0, 0, 64, 64))
        assert difference(original, repainted) > 5


async def test_after_a_window_there_are_two_rows() -> None:
    """The stock list shows the task twice then, first the older row, which `fetch` shows too."""
    async with served() as client:
        grid = await client.make("imagine", prompt="a fox")
        single = await client.wait((await client.press(grid, "U1"))["result"])
        task = (await client.press(single, "Custom Zoom"))["result"]
        await client.submit("modal", taskId=task, prompt="a fox --zoom 2")
        assert (await client.wait(task))["action"] == "CUSTOM_ZOOM"
        ids = {"ids": [task, grid["id"], "1"]}
        status, rows = await client.call("POST", "/mj/task/list-by-condition", ids)
        assert status == 200
        assert [row["action"] for row in rows] == ["CUSTOM_ZOOM", "MODAL", "IMAGINE"]  # type: ignore[index]


async def test_a_window_nobody_answers_times_out() -> None:
    """After five minutes the task fails, and what it cost comes back."""
    clock = Clock()
    async with served(pace=1.0, clock=clock) as client:
        task = await client.start("imagine", prompt="a window fox")
        clock.now += 60
        child = await client.start("change", taskId=task, action="REROLL", index=1)
        clock.now += 301
        row = await client.fetch(child)
        assert (row["status"], row["failReason"]) == ("FAILURE", "任务超时")
        assert (await client.submit("modal", taskId=child))["code"] == 4
        assert client.sandbox.ground.account.used == pytest.approx(0.1)


async def test_the_table_lags() -> None:
    """With a lag the stock gateway shows and judges by what its table last knew."""
    clock = Clock()
    async with served(pace=1.0, fetch_lag=15.0, clock=clock) as client:
        task = await client.start("imagine", prompt="a fox")
        press: dict[str, Any] = {"taskId": task, "action": "UPSCALE", "index": 1}
        clock.now += 14.9
        assert (await client.fetch(task))["status"] == ""
        answer = await client.submit("change", **press)
        assert answer["description"] == "task_status_not_success "
        clock.now += 0.2
        assert (await client.fetch(task))["status"] == "SUCCESS"
        assert (await client.submit("change", **press))["code"] == 1


# Faults


async def test_faults_of_answers() -> None:
    """A fault answers matching requests instead, as often as told; it may keep the effect."""
    async with served() as client:
        client.sandbox.faults.add(r"/fetch$", status=503, body={"error": "x"}, times=2)
        client.sandbox.faults.add("submit", method="POST", status=504, body="<html>", effect=True)
        status, _ = await client.call("GET", "/mj/task/1/fetch")
        assert status == 503
        with pytest.raises(ValueError, match="Expecting value"):
            await client.submit("imagine", prompt="a fox")
        assert len(client.sandbox.submits) == 1
        assert await client.start("imagine", prompt="a fox")
        assert (await client.call("GET", "/mj/task/1/fetch"))[0] == 503
        assert (await client.call("GET", "/mj/task/1/fetch"))[0] == 400


@pytest.mark.parametrize(("drop", "made"), [("before", 0), ("after", 1)])
async def test_faults_that_drop(drop: str, made: int) -> None:
    """A connection can be dropped before or after the request has its effect."""
    async with served() as client:
        client.sandbox.faults.add("/submit/", drop=drop)
        with pytest.raises(BROKEN):
            await client.submit("imagine", prompt="a fox")
        assert len(client.sandbox.tasks) == len(client.sandbox.submits) == made
        assert client.sandbox.journal[-1].status is None


async def test_faults_amid_a_download_and_in_time() -> None:
    """A download can break off, an answer be late or never come."""
    async with served() as client:
        row = await client.make("imagine", prompt="a fox")
        client.sandbox.faults.add("/media/", drop="middle")
        with pytest.raises(aiohttp.ClientPayloadError):
            await client.picture(row["imageUrl"])
        assert await client.picture(row["imageUrl"])
        client.sandbox.faults.add("/fetch", delay=0.2)
        started = time.monotonic()
        await client.fetch(row["id"])
        assert time.monotonic() - started >= 0.2
        client.sandbox.faults.add("/fetch", hang=True, times=None)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.fetch(row["id"])
        client.sandbox.faults.clear()
        assert (await client.fetch(row["id"]))["status"] == "SUCCESS"


async def test_words_by_fault() -> None:
    """A fault can act like words in a prompt, for submits that have none."""
    async with served() as client:
        client.sandbox.faults.add("/describe", words=("fail",))
        assert (await client.make("describe", base64=data_uri()))["status"] == "FAILURE"
        assert (await client.make("describe", base64=data_uri()))["status"] == "SUCCESS"


async def test_down_unplugged_and_exhausted() -> None:
    """The whole gateway can drop connections, refuse them, or turn the key away, and come back."""
    async with served() as client:
        task = await client.start("imagine", prompt="a fox")
        client.sandbox.faults.down()
        with pytest.raises(BROKEN):
            await client.fetch(task)
        client.sandbox.faults.up()
        await client.sandbox.unplug()
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.fetch(task)
        await client.sandbox.plug()
        client.sandbox.faults.key_exhausted = True
        status, body = await client.call("GET", f"/mj/task/{task}/fetch")
        assert (status, "[sk-san***box]" in body["error"]["message"]) == (401, True)
        client.sandbox.faults.clear()
        assert (await client.wait(task))["status"] == "SUCCESS"


# Its own pages, and by itself


async def test_page_and_controls() -> None:
    """The page says what it is and lists every word; the controls work over HTTP."""
    async with served() as client:
        async with client.session.get(client.sandbox.url) as response:
            page = await response.text()
        assert "This is a sandbox" in page
        assert all(f"<code>{word}</code>" in page for word in MAGIC)
        assert "{{" not in page
        await client.call("POST", "/sandbox/faults", {"path": "/fetch", "status": 500, "body": {}})
        assert (await client.call("GET", "/mj/task/1/fetch"))[0] == 500
        await client.call("POST", "/sandbox/faults", {"key_exhausted": True})
        assert (await client.call("GET", "/v1/models"))[0] == 401
        await client.call("DELETE", "/sandbox/faults")
        task = await client.start("imagine", prompt="a fox")
        journal: Any = (await client.call("GET", "/sandbox/journal"))[1]
        assert [seen["path"] for seen in journal][-1] == "/mj/submit/imagine"
        assert journal[-1]["task"] == task
        tasks: Any = (await client.call("GET", "/sandbox/tasks"))[1]
        assert [one["id"] for one in tasks] == [task]
        status, body = await client.call("POST", "/sandbox/faults", {"colour": "red"})
        assert (status, "colour" in body["error"]) == (400, True)


async def test_no_controls_unless_wanted() -> None:
    """Without `admin` the controls do not exist, the page does."""
    async with served(admin=False) as client:
        assert (await client.call("GET", "/sandbox/journal"))[0] == 404
        async with client.session.get(client.sandbox.url) as response:
            assert response.status == 200


async def test_ten_thousand_tasks_are_cheap() -> None:
    """A batch look at 50 of 10,000 running tasks takes about as long as at 50 of 50."""
    clock = Clock()

    async def look(client: Client, ids: list[str]) -> float:
        best = 1.0
        for _ in range(15):
            started = time.perf_counter()
            _, rows = await client.call("POST", "/mj/task/list-by-condition", {"ids": ids})
            best = min(best, time.perf_counter() - started)
            assert len(rows) == 50
        return best

    async with served(pace=1.0, clock=clock, image_size=64) as client:
        ids = [await client.start("imagine", prompt="a fox") for _ in range(50)]
        clock.now += 6
        few = await look(client, ids)
        (task,) = {type(t) for t in client.sandbox.tasks.values()}
        sample = client.sandbox.tasks[ids[0]]
        for number in range(10_000):
            values = {n: getattr(sample, n) for n in task.__dataclass_fields__ if n != "hash"}
            client.sandbox.tasks[str(number)] = task(**{**values, "id": str(number)})
        many = await look(client, [str(n) for n in range(0, 10_000, 200)])
        assert many < 3 * few + 0.005


async def test_by_itself() -> None:
    """`python -m bot.sandbox` says where it listens, serves, and stops on SIGTERM."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot.sandbox", "--port", "0", "--dialect", "raw", "--pace", "0.02"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(90):
            line = (await process.stdout.readline()).decode()
            found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", line)
            assert found
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{found[1]}/v1/models") as response,
            ):
                assert response.status == 401
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)


def test_imports_nothing_of_ours() -> None:
    """The sandbox shares no code with the product."""
    from importlib import resources

    pattern = re.compile(r"^\s*(?:from|import) (?:core|adapters|bot\.(?!sandbox))", re.MULTILINE)
    folder = resources.files(Sandbox.__module__.rpartition(".")[0])
    stack = [folder]
    checked = 0
    while stack:
        for entry in stack.pop().iterdir():
            if entry.is_dir():
                stack.append(entry)
            elif entry.name.endswith(".py"):
                checked += 1
                assert not pattern.search(entry.read_text("utf-8")), entry.name
    assert checked > 20
