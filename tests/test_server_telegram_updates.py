"""The pretend Telegram: how updates reach a bot, by polling and by webhook, and presses."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from telegram import Bot
from telegram import Message as BotMessage
from telegram.error import BadRequest, Conflict, RetryAfter

from tests.servers import telegram_kit as kit
from tests.servers.telegram import Person, TelegramServer
from tests.servers.telegram_kit import keys, refused
from tests.servers.telegram_people import PrivateChat

server = kit.server
bot = kit.bot
ann = kit.ann
chat = kit.chat
pytestmark = kit.quiet

# -- updates ---------------------------------------------------------------------------------------


async def test_updates_stay_until_confirmed(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    for number in range(3):
        await ann.say(chat, f"/say {number}")
    first = await bot.get_updates(limit=2)
    assert [update.message.text for update in first if update.message] == ["/say 0", "/say 1"]
    assert first == await bot.get_updates(limit=2)
    rest = await bot.get_updates(offset=first[-1].update_id + 1)
    assert [update.update_id for update in rest] == [first[-1].update_id + 1]
    assert await bot.get_updates(offset=rest[0].update_id + 1) == ()
    await ann.say(chat, "one")
    await ann.say(chat, "two")
    (last,) = await bot.get_updates(offset=-1)
    assert last.message is not None
    assert last.message.text == "two"
    assert last.message.from_user is not None
    assert last.message.from_user.language_code == "en"


async def test_a_long_poll_wakes_for_news_and_ends_on_time(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    started = asyncio.get_running_loop().time()
    assert await bot.get_updates(timeout=1) == ()
    assert 0.9 < asyncio.get_running_loop().time() - started < 2
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await asyncio.sleep(0.1)
    assert not poll.done()
    await ann.say(chat, "hi")
    assert len(await asyncio.wait_for(poll, 1)) == 1


async def test_of_two_pollers_the_older_is_sent_away(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    older = asyncio.create_task(bot.get_updates(timeout=30))
    await asyncio.sleep(0.1)
    newer = asyncio.create_task(bot.get_updates(timeout=30))
    await refused(older, Conflict, "terminated by other getUpdates request")
    await ann.say(chat, "hi")
    assert len(await newer) == 1


async def test_allowed_updates_hold_for_what_comes_later(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    said = await ann.say(chat, "before")
    await bot.get_updates(allowed_updates=["callback_query"])
    await ann.say(chat, "after")
    await ann.edit(said, "changed")
    assert said.update is not None
    assert [update.update_id for update in await bot.get_updates()] == [said.update["update_id"]]


async def test_an_update_can_come_again_after_it_was_confirmed(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    said = await ann.say(chat, "/imagine a fox")
    (update,) = await bot.get_updates()
    beyond = update.update_id + 1
    assert await bot.get_updates(offset=beyond) == ()
    server.redeliver(said)
    assert await bot.get_updates(offset=beyond) == (update,)
    assert await bot.get_updates(offset=beyond) == ()


async def test_a_poller_that_died_takes_nothing_with_it(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    said = await ann.say(chat, "/imagine a fox")
    (update,) = await bot.get_updates()
    dead = asyncio.create_task(bot.get_updates(offset=update.update_id + 1, timeout=30))
    await asyncio.sleep(0.1)
    dead.cancel()
    await asyncio.wait({dead})
    await asyncio.sleep(0.05)
    server.redeliver(said)
    assert await bot.get_updates(offset=update.update_id + 1) == (update,)


async def test_old_presses_expire_and_old_messages_stay_longer(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    await bot.send_message(chat.id, "pick", reply_markup=keys("U1"))
    await ann.say(chat, "hi")
    await ann.press(chat.from_bot[0], "U1")
    server.clock.advance(151)
    (left,) = await bot.get_updates()
    assert left.message is not None
    server.clock.advance(86_400)
    assert await bot.get_updates() == ()
    assert len(server.feed.expired) == 2


class Receiver:
    """A webhook's other end."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.got: list[tuple[str | None, dict[str, Any]]] = []
        self.reply: dict[str, Any] | None = None
        self.news = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.got.append(
            (request.headers.get("X-Telegram-Bot-Api-Secret-Token"), await request.json())
        )
        self.news.set()
        status = self.statuses.pop(0) if self.statuses else 200
        if self.reply is not None and status == 200:
            return web.json_response(self.reply)
        return web.Response(status=status)

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(3):
            while len(self.got) < count:
                self.news.clear()
                await self.news.wait()


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    taker = Receiver()
    app = web.Application()
    app.router.add_post("/hook", taker.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield taker, f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    await runner.cleanup()


async def test_a_webhook_gets_its_updates_in_order_and_again_after_errors(
    server: TelegramServer,
    bot: Bot,
    ann: Person,
    chat: PrivateChat,
    receiver: tuple[Receiver, str],
) -> None:
    taker, url = receiver
    server.feed.retry_base = 0.02
    taker.statuses = [500, 429, 200, 503]
    await ann.say(chat, "waiting")
    await bot.set_webhook(url, secret_token="s3cret_-", allowed_updates=["message"])
    await ann.say(chat, "second")
    await taker.wait(5)
    assert {secret for secret, _ in taker.got} == {"s3cret_-"}
    texts = [update["message"]["text"] for _, update in taker.got]
    assert texts == ["waiting"] * 3 + ["second"] * 2
    info = await bot.get_webhook_info()
    assert (info.url, info.pending_update_count) == (url, 0)
    assert info.last_error_message == "Wrong response from the webhook: 503 Service Unavailable"
    assert info.allowed_updates == ("message",)
    await refused(bot.get_updates(), Conflict, "while webhook is active")
    taker.reply = {"method": "sendMessage", "chat_id": chat.id, "text": "by the way"}
    await ann.say(chat, "third")
    assert (await chat.wait_message()).text == "by the way"
    await bot.delete_webhook()
    await ann.say(chat, "polled")
    assert [update.message.text for update in await bot.get_updates() if update.message] == [
        "polled"
    ]


async def test_webhooks_telegram_would_not_take(server: TelegramServer, bot: Bot) -> None:
    await refused(bot.set_webhook("http://example.com/x"), BadRequest, "https url must be provided")
    await refused(bot.set_webhook("https://example.com:8080/x"), BadRequest, "only on ports")
    await refused(
        bot.set_webhook("https://example.com/x", secret_token="not ok"), BadRequest, "unallowed"
    )
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await asyncio.sleep(0.1)
    await bot.set_webhook("https://example.com/x")
    await refused(poll, Conflict, "terminated by setWebhook request")
    await refused(bot.set_webhook("https://example.com/y"), RetryAfter, "")


# -- presses ---------------------------------------------------------------------------------------


async def test_presses_are_answered_once_and_soon(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    await bot.send_message(chat.id, "pick", reply_markup=keys("U1", "U2"))
    (shown,) = chat.messages
    press = await ann.press(shown, "U1")
    (update,) = await bot.get_updates()
    query = update.callback_query
    assert query is not None
    assert isinstance(query.message, BotMessage)
    assert (query.data, query.from_user.id, query.message.text) == ("U1", ann.id, "pick")
    assert query.message.reply_markup == keys("U1", "U2")
    assert server.unanswered == [press]
    await query.answer("Not your button", show_alert=True)
    assert press.answered is not None
    assert (press.answered.text, press.answered.alert) == ("Not your button", True)
    await refused(query.answer(), BadRequest, "query is too old")
    late = await ann.press(shown, "U2")
    server.clock.advance(15.1)
    await refused(bot.answer_callback_query(late.id), BadRequest, "query is too old")
    assert server.unanswered == [late]
    await refused(bot.answer_callback_query("1"), BadRequest, "query id is invalid")
    long = await ann.press(shown, "U2")
    await refused(bot.answer_callback_query(long.id, "x" * 201), BadRequest, "message_too_long")


async def test_presses_on_forgotten_messages_and_made_up_data(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    await bot.send_message(chat.id, "pick", reply_markup=keys("U1"))
    (shown,) = chat.messages
    await ann.press(shown, "U1", inaccessible=True)
    await ann.press(shown, "made-up", forged=True)
    old, forged = [update.callback_query for update in await bot.get_updates()]
    assert old is not None
    assert forged is not None
    assert old.message is not None
    assert not old.message.is_accessible
    assert (old.message.message_id, old.message.chat.id) == (shown.id, chat.id)
    assert forged.data == "made-up"
