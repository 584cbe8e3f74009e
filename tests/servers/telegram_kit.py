"""What the tests of the pretend Telegram share: a running server, a real bot, a person.

Test modules take the fixtures they use by assignment (`bot = kit.bot`), so that no other test
meets them by accident.
"""

import io
from collections.abc import AsyncIterator, Awaitable

import pytest
from PIL import Image
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from tests.servers.telegram import Flood, Person, TelegramServer
from tests.servers.telegram_people import PrivateChat
from tests.servers.telegram_spec import load_spec

TOKEN = "123456:AAtest-token"
"""The token of the bot under test; its user id is 123456."""

MB = 1024 * 1024

needs_spec = pytest.mark.skipif(load_spec() is None, reason="no published API at hand")

quiet = pytest.mark.filterwarnings(
    # Raw calls are the point here, and the type of `retry_after` does not matter.
    "ignore::telegram.warnings.PTBUserWarning",
)


def png(width: int = 64, height: int = 64, colour: str = "orange") -> bytes:
    """A picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


def keys(*labels: str) -> InlineKeyboardMarkup:
    """One row of buttons whose data are their labels."""
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(text, callback_data=text) for text in labels]]
    )


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(TOKEN, "atelier_bot", flood=Flood(on=False)) as running:
        yield running


def transport(connections: int) -> HTTPXRequest:
    """PTB's own transport; nothing is encrypted here, so no certificates are loaded."""
    return HTTPXRequest(
        connection_pool_size=connections, read_timeout=20, httpx_kwargs={"verify": False}
    )


def make_bot(server: TelegramServer, token: str = TOKEN) -> Bot:
    return Bot(
        token,
        base_url=f"{server.url}/bot",
        base_file_url=f"{server.url}/file/bot",
        request=transport(8),
        get_updates_request=transport(2),
    )


@pytest.fixture
async def bot(server: TelegramServer) -> AsyncIterator[Bot]:
    async with make_bot(server) as ready:
        yield ready


@pytest.fixture
def ann(server: TelegramServer) -> Person:
    return server.user("Ann", username="ann_paints")


@pytest.fixture
def chat(server: TelegramServer, ann: Person) -> PrivateChat:
    return server.private(ann)


async def refused(call: Awaitable[object], error: type[TelegramError], words: str) -> TelegramError:
    """Expects a call to fail with an error whose text has the words, in any case."""
    with pytest.raises(error) as caught:
        await call
    assert words.lower() in str(caught.value).lower()
    return caught.value
