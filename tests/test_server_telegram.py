"""The pretend Telegram, held to Telegram's rules through the real python-telegram-bot.

Everything a bot may rely on in the other tests is tried here first: a server that is more patient
than Telegram would let faults through. Here: one whole walk, bodies and tokens, and the check
against the published API.
"""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from telegram import Bot, InputMediaPhoto, MessageEntity, Update
from telegram import Message as BotMessage
from telegram.error import EndPointNotFound, InvalidToken
from telegram.ext import Application, ApplicationBuilder, CallbackQueryHandler, CommandHandler

from tests.servers import telegram_kit as kit
from tests.servers.telegram import Person, TelegramServer
from tests.servers.telegram_kit import TOKEN, keys, make_bot, needs_spec, png
from tests.servers.telegram_people import PrivateChat
from tests.servers.telegram_spec import load_spec

server = kit.server
bot = kit.bot
ann = kit.ann
chat = kit.chat
pytestmark = kit.quiet

# -- the walk --------------------------------------------------------------------------------------


async def test_a_person_asks_sees_presses_and_gets_the_next_picture(
    server: TelegramServer, ann: Person, chat: PrivateChat
) -> None:
    app = _studio(server)
    async with app:
        asked = await ann.say(chat, "/imagine a fox")
        await _pump(app)
        grid = await chat.wait_message(lambda message: message.photo)
        assert grid.caption == "a fox for Ann"
        assert grid.labels == [["U1", "U2"]]
        assert grid.reply_to is asked
        assert grid.pinged == [ann]
        assert [message.deleted for message in chat.history if message.text == "Working"] == [True]
        press = await ann.press(grid, "U2")
        await _pump(app)
        assert (await press.wait_answer()).text == "On it"
        full = await chat.wait_message(lambda message: message.document)
        assert full.document == png(128, 128)
        assert grid.labels == [["U1", "✓ U2"]]
        assert [edit.method for edit in grid.edits] == ["editMessageReplyMarkup"]
    assert server.unanswered == []
    assert server.violations == []


def _studio(server: TelegramServer) -> "Application[Any, Any, Any, Any, Any, Any]":
    """A small bot written as anybody would write it."""

    async def imagine(update: Update, context: Any) -> None:
        assert update.message is not None
        assert update.effective_user is not None
        progress = await update.message.reply_text("Working")
        await progress.edit_text("Working 50 %")
        await progress.edit_text("Working")
        name = update.effective_user.first_name
        who = MessageEntity(MessageEntity.TEXT_MENTION, 10, len(name), user=update.effective_user)
        await update.message.reply_photo(
            png(),
            caption=f"a fox for {name}",
            caption_entities=[who],
            reply_markup=keys("U1", "U2"),
            do_quote=True,
        )
        await progress.delete()

    async def press(update: Update, context: Any) -> None:
        query = update.callback_query
        assert query is not None
        assert isinstance(query.message, BotMessage)
        await query.answer("On it")
        await query.edit_message_reply_markup(keys("U1", "✓ U2"))
        await query.message.reply_document(png(128, 128), filename="fox.png")

    app = ApplicationBuilder().bot(make_bot(server)).updater(None).build()
    app.add_handler(CommandHandler("imagine", imagine))
    app.add_handler(CallbackQueryHandler(press))
    return app


async def _pump(app: "Application[Any, Any, Any, Any, Any, Any]") -> None:
    for update in await app.bot.get_updates(timeout=2):
        await app.process_update(update)
        await app.bot.get_updates(offset=update.update_id + 1)


@needs_spec
async def test_what_the_server_says_is_as_published(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    spec = load_spec()
    assert spec is not None
    await _everything_once(server, bot, ann, chat)
    updates = list(server.feed.pending)
    kinds = {key for update in updates for key in update}
    assert kinds >= {"message", "edited_message", "callback_query", "my_chat_member"}
    for update in updates:
        assert spec.check(update, ["Update"], "update") == []
        assert Update.de_json(update, bot) is not None
    answered = [call for call in server.calls if call.status == 200 and call.method != "file"]
    assert len({call.method for call in answered}) > 20
    for call in answered:
        assert spec.check_result(call.method, call.result) == []
    assert server.violations == []


async def _everything_once(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    """Touches most kinds of update and result."""
    forum = server.group("Art", forum=True)
    basic = server.group("Old", basic=True)
    basic.join(ann)
    topic = forum.topic("Foxes", ann)
    said = await ann.say(topic, "/imagine a fox https://example.com #art @ann_paints")
    await ann.send_photo(chat, png(), caption="/describe", spoiler=True)
    await ann.send_document(chat, b"notes", filename="notes.txt")
    await ann.send_voice(chat, b"OggS")
    await ann.album(chat, [png(), png(32, 32)], caption="/blend")
    await ann.edit(said, "/imagine two foxes")
    text = await bot.send_message(
        forum.id, "hello", message_thread_id=topic.id, reply_markup=keys("a")
    )
    shown = topic.messages[-1]
    await ann.press(shown, "a")
    await ann.press(shown, "a", inaccessible=True)
    await text.edit_text("changed", reply_markup=keys("b"))
    photo = await bot.send_photo(chat.id, png(900, 500), caption="p", has_spoiler=True)
    await photo.edit_caption("q")
    await photo.edit_media(InputMediaPhoto(png(20, 20)))
    await bot.send_media_group(chat.id, [InputMediaPhoto(png()), InputMediaPhoto(png())])
    await bot.send_video(chat.id, b"\0\0\0\x20ftypisom", duration=4, width=16, height=9)
    await bot.send_audio(chat.id, b"ID3song", title="Song", performer="Fox", duration=61)
    await bot.send_voice(chat.id, b"OggSvoice", duration=2)
    await bot.send_animation(chat.id, b"GIF89a")
    document = await bot.send_document(chat.id, b"x", filename="a.bin")
    assert document.document is not None
    await bot.get_file(document.document.file_id)
    await bot.send_chat_action(chat.id, "typing")
    await bot.set_message_reaction(chat.id, photo.message_id, "👀")
    await bot.send_message_draft(chat.id, 7, "Thinking")
    await bot.get_chat(forum.id)
    await bot.get_chat_member(forum.id, bot.id)
    await bot.get_chat_member(forum.id, ann.id)
    await bot.get_webhook_info()
    await bot.get_my_commands()
    await bot.get_my_description()
    await bot.get_chat_menu_button()
    await bot.get_chat_member_count(forum.id)
    await bot.delete_message(chat.id, photo.message_id)
    chat.block()
    chat.unblock()
    basic.migrate()


# -- tokens and shapes -----------------------------------------------------------------------------


async def test_wrong_tokens_and_unknown_methods(server: TelegramServer, bot: Bot) -> None:
    me = await bot.get_me()
    assert (me.id, me.username, me.can_read_all_group_messages) == (123456, "atelier_bot", False)
    server.me["can_read_all_group_messages"] = True
    assert (await bot.get_me()).can_read_all_group_messages
    with pytest.raises(InvalidToken):
        await make_bot(server, "123456:AAother-token").initialize()
    with pytest.raises(EndPointNotFound):
        await bot.do_api_request("sendTelepathy")
    async with aiohttp.ClientSession() as web_client:
        async with web_client.get(f"{server.url}/bot123456:AAother-token/getMe") as answer:
            assert answer.status == 401
            assert await answer.json() == {
                "ok": False,
                "error_code": 401,
                "description": "Unauthorized",
            }
        for path in ("/botnonsense/getMe", "/getMe", f"/bot{TOKEN}", f"/file/bot{TOKEN}/photos/1"):
            async with web_client.get(server.url + path) as answer:
                assert (answer.status, (await answer.json())["error_code"]) == (404, 404)


async def test_json_form_query_and_multipart_bodies_mean_the_same(
    server: TelegramServer, chat: PrivateChat
) -> None:
    url = f"{server.url}/bot{TOKEN}/sendMessage"
    markup = {"inline_keyboard": [[{"text": "U1", "callback_data": "u1"}]]}
    plain = {"chat_id": str(chat.id), "text": "12", "reply_markup": json.dumps(markup)}
    form = aiohttp.FormData(plain)
    form.add_field("unused", b"bytes", filename="x.bin")
    async with aiohttp.ClientSession() as client:
        for options in (
            {"json": {"chat_id": chat.id, "text": "12", "reply_markup": markup}},
            {"data": plain},
            {"params": plain},
            {"data": form},
        ):
            async with client.post(url.lower().replace(TOKEN.lower(), TOKEN), **options) as answer:
                assert (await answer.json())["ok"] is True
        async with client.post(url, data=b"{", headers={"Content-Type": "application/json"}) as no:
            assert no.status == 400
    assert [message.text for message in chat.messages] == ["12"] * 4
    assert [message.button("u1").text for message in chat.messages] == ["U1"] * 4
    assert all(call["chat_id"] == chat.id for call in server.calls.done("sendMessage"))
    assert all(call["reply_markup"] == markup for call in server.calls.done("sendMessage"))


@needs_spec
@pytest.mark.parametrize(
    ("method", "params", "complaint"),
    [
        ("sendMessage", {"text": "x", "colour": "red"}, "sendMessage.colour: unknown parameter"),
        ("sendMessage", {}, "sendMessage.text: missing"),
        ("sendMessage", {"text": "x", "message_thread_id": "one"}, "str where Integer is due"),
        (
            "sendMessage",
            {"text": "x", "reply_parameters": {"message_id": 1, "loud": True}},
            "unknown field of ReplyParameters",
        ),
        (
            "sendMessage",
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "a", "url": 5}]]}},
            "inline_keyboard[0][0].url: int where String is due",
        ),
        (
            "setMyCommands",
            {"commands": [{"command": "help"}]},
            "commands[0].description: missing in BotCommand",
        ),
        ("sendPhoto", {"photo": "attach://nothing"}, "attach://nothing names no part"),
        ("sendTelepathy", {"thought": "x"}, "sendTelepathy: no such method"),
    ],
)
async def test_calls_the_published_api_does_not_know_are_collected(
    server: TelegramServer,
    chat: PrivateChat,
    method: str,
    params: dict[str, Any],
    complaint: str,
) -> None:
    body = {"chat_id": chat.id, **params} if method.startswith("send") else params
    async with aiohttp.ClientSession() as client:
        await client.post(f"{server.url}/bot{TOKEN}/{method}", json=body)
    assert any(complaint in violation for violation in server.violations), server.violations


# -- waiting ---------------------------------------------------------------------------------------


async def test_tests_can_wait_for_what_people_see(
    server: TelegramServer, bot: Bot, chat: PrivateChat
) -> None:
    async def work() -> None:
        sent = await bot.send_message(chat.id, "10 %")
        await sent.edit_text("50 %")
        await bot.send_photo(chat.id, png())
        await sent.delete()

    task = asyncio.create_task(work())
    progress = await chat.wait_message()
    await chat.wait_message(lambda message: message.text == "50 %")
    await progress.wait(lambda message: message.deleted)
    await chat.wait(lambda place: len(place.messages) == 1)
    await task
    with pytest.raises(AssertionError, match=r"(?s)in vain.*DELETED '50 %'"):
        await chat.wait_message(lambda message: message.text == "never", timeout=0.05)
