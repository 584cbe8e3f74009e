"""What is written to the log: with the job's id, and never with a secret."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator

import aiohttp
import httpx
import pytest
from aiohttp import web

from bot import log as bot_log
from bot.log import MASK, Masker

TELEGRAM = "7123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
DISCORD = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs0123456"
KEY = "sk-Zk3vQ9pLm2Rt8wXy"
PASSWORD = "pa:ss/wo rd"
SECRETS = (TELEGRAM, DISCORD, KEY, PASSWORD)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], io.StringIO]]:
    """Sets logging up as the program does, and gives what it writes; all is put back after."""
    root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook)
    names = ("httpx", "httpcore", "aiosqlite", "PIL", "asyncio", "sqlalchemy", "alembic")
    names += ("discord", "telegram", "aiohttp.access")
    before = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in names}

    def begin(form: str, secrets: tuple[str, ...] = SECRETS, level: str = "debug") -> io.StringIO:
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        bot_log.set_up(level, form, secrets)
        return stream

    yield begin
    root.handlers[:], root.level = before
    root.setLevel(before[1])
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(False)
    sys.excepthook, threading.excepthook = hooks


def lines(stream: io.StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        f"GET https://api.telegram.org/bot{TELEGRAM}/getMe",
        f"https://api.telegram.org/file/bot{TELEGRAM.replace(':', '%3A')}/photos/file_1.jpg",
        f"Authorization: Bot {DISCORD}",
        f"login with {DISCORD} failed",
        f"{{'Authorization': 'Bearer {KEY}'}}",
        f"key {KEY} is exhausted",
        "https://discord.com/api/v10/webhooks/198622483471925248/aW50ZXJhY3Rpb246MTIzNDU2Nzg5/x",
        "https://discord.com/api/v10/interactions/198622483471925248/aW50ZXJhY3Rpb246MTIz/callback",
        "https://cdn.example/a.png?ex=6748c1a0&is=67470020&hm=0123456789abcdef",
        "postgresql://atelier:hunter22@db/atelier",
        'the door was {"kind":"slot","token":"aW50ZXJhY3Rpb246MTIzNDU2Nzg5"}',
        "[sk-Zk3***wXy] 该令牌额度已用尽",
    ],
)
def test_what_looks_like_a_secret_is_masked_though_nobody_configured_it(text: str) -> None:
    masked = Masker()(text)
    assert MASK in masked
    hidden = ("AAHdqTcv", "Cl2FMQ", "Zk3", "aW50ZXJh", "67470020", "0123456789abcdef", "hunter22")
    assert not [part for part in hidden if part in masked]


@pytest.mark.parametrize(
    "text",
    [
        "submit: HTTP 503",
        "registered 9 commands",
        "the token is not accepted: see [telegram] token",
        "a fox --ar 16:9 --seed 1234567890",
        "job 7f3k9 12:30:05 -> running",
        "https://cdn.example/a.png",
        "2026-11-24T18:46:39.123456Z",
        "adapters.discord.intake.resume",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert Masker(SECRETS)(text) == text


def test_configured_secrets_are_masked_as_they_are_and_inside_addresses() -> None:
    mask = Masker([PASSWORD])
    assert mask(f"with {PASSWORD}.") == f"with {MASK}."
    assert mask("https://x/?p=pa%3Ass%2Fwo%20rd") == f"https://x/?p={MASK}"


def test_a_json_line_holds_the_job_and_the_source_beside_its_text(
    written: Callable[..., io.StringIO],
) -> None:
    stream = written("json")
    logging.getLogger("core.engine").info("%s -> %s", "queued", "running", extra={"job": "k7"})
    logging.getLogger("core.desk").warning("odd", extra={"event": "telegram:1:2"})
    first, second = lines(stream)
    assert first["event"] == "queued -> running"
    assert (first["job"], first["level"], first["logger"]) == ("k7", "info", "core.engine")
    assert (second["event"], second["source"]) == ("odd", "telegram:1:2")


def test_a_text_line_holds_them_too(written: Callable[..., io.StringIO]) -> None:
    stream = written("text")
    logging.getLogger("core.engine").info("submitted", extra={"job": "k7"})
    assert "submitted" in stream.getvalue()
    assert "job=k7" in stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_part_of_a_traceback_shows_a_secret(
    form: str, written: Callable[..., io.StringIO]
) -> None:
    stream = written(form)
    try:
        try:
            raise OSError(f"cannot reach https://api.telegram.org/bot{TELEGRAM}/getMe")
        except OSError as error:
            raise ValueError(
                {"headers": {"Authorization": f"Bot {DISCORD}"}, "p": PASSWORD}
            ) from error
    except ValueError:
        logging.getLogger("x").exception("failed with %s", KEY)
    text = stream.getvalue()
    assert "Traceback" in text
    assert "OSError" in text
    assert not [s for s in SECRETS if s in text]


def test_values_given_as_arguments_are_masked_at_any_depth(
    written: Callable[..., io.StringIO],
) -> None:
    stream = written("json")
    logging.getLogger("x").info("%s", {"a": [KEY, (DISCORD, {TELEGRAM})]})
    logging.getLogger("x").info("with a job", extra={"job": ["k7", {"key": KEY}]})
    assert not [s for s in SECRETS if s in stream.getvalue()]
    assert lines(stream)[1]["job"] == ["k7", {"key": MASK}]


async def test_httpx_and_aiohttp_write_no_token(written: Callable[..., io.StringIO]) -> None:
    """Both are made to talk as much as they can, also where the connection fails."""
    stream = written("json")
    logging.getLogger("httpx").setLevel(logging.DEBUG)
    logging.getLogger("httpcore").setLevel(logging.DEBUG)

    async def faulty(request: web.Request) -> web.Response:
        raise RuntimeError(request.path)

    app = web.Application()
    app.router.add_get("/{rest:.*}", faulty)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}/bot{TELEGRAM}/getMe"
    async with httpx.AsyncClient(verify=False) as client:
        await client.get(base)
    await runner.cleanup()
    try:
        async with aiohttp.ClientSession() as session:
            await session.get(base)
    except aiohttp.ClientError:
        logging.getLogger("x").exception("lost %s", base)
    assert len(stream.getvalue().splitlines()) >= 3
    assert "HTTP Request" in stream.getvalue()
    assert TELEGRAM not in stream.getvalue()
    assert TELEGRAM.partition(":")[2] not in stream.getvalue()


def test_libraries_are_quiet_below_a_warning_and_heard_above(
    written: Callable[..., io.StringIO],
) -> None:
    stream = written("text", level="info")
    for name in ("httpx", "discord.gateway", "telegram.ext", "aiosqlite"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("matters")
    assert "chatter" not in stream.getvalue()
    assert stream.getvalue().count("matters") == 4


def test_warnings_and_uncaught_exceptions_are_masked_lines_too(
    written: Callable[..., io.StringIO],
) -> None:
    stream = written("json")
    warnings.warn(f"odd key {KEY}", stacklevel=1)
    thread = threading.Thread(target=lambda: int(f"x{KEY}"))
    thread.start()
    thread.join()
    found = lines(stream)
    assert [line["level"] for line in found] == ["warning", "critical"]
    assert KEY not in stream.getvalue()


def test_a_line_that_cannot_be_formatted_does_not_print_its_values(
    written: Callable[..., io.StringIO],
) -> None:
    stream = written("text")
    logging.getLogger("x").info("two %s %s", KEY)  # noqa: PLE1206  (the mistake is meant)
    assert "test_log.py" in stream.getvalue()
    assert KEY not in stream.getvalue()


def test_a_program_that_dies_dies_masked() -> None:
    """Python prints an uncaught exception itself unless told otherwise."""
    code = (
        "from bot.log import set_up\n"
        f"set_up('info', 'json', [{KEY!r}])\n"
        f"raise RuntimeError('Bearer {KEY}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 1
    line = json.loads(done.stderr.splitlines()[-1])
    assert (line["event"], line["level"]) == ("stopped by a fault", "critical")
    assert KEY not in done.stderr
