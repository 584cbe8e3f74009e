"""The pretend Telegram: chats, topics, privacy, menus, its patience and its faults."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    InputMediaPhoto,
    ReplyParameters,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from tests.servers import telegram_kit as kit
from tests.servers.telegram import Person, TelegramServer
from tests.servers.telegram_kit import TOKEN, make_bot, png, refused
from tests.servers.telegram_people import PrivateChat

server = kit.server
bot = kit.bot
ann = kit.ann
chat = kit.chat
pytestmark = kit.quiet


def seconds(error: RetryAfter) -> float:
    """The pause asked for, in whichever shape python-telegram-bot is set to give it."""
    pause = error.retry_after
    return pause.total_seconds() if isinstance(pause, timedelta) else float(pause)


# -- chats -----------------------------------------------------------------------------------------


async def test_chats_that_do_not_want_the_bot(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    ben = server.user("Ben")
    group = server.group("Art")
    group.join(ann)
    await refused(bot.send_message(1, "x"), BadRequest, "chat not found")
    await refused(bot.send_message("", "x"), BadRequest, "chat_id is empty")
    await refused(bot.send_message(ben.id, "x"), Forbidden, "can't initiate conversation")
    chat.block()
    await refused(bot.send_message(chat.id, "x"), Forbidden, "bot was blocked by the user")
    chat.unblock()
    await bot.send_message(chat.id, "x")
    group.remove_bot(ann)
    await refused(bot.send_message(group.id, "x"), Forbidden, "kicked from the supergroup chat")
    assert (await ann.say(group, "/hi")).update is None
    group.add_bot(ann)
    group.forbidden.add("photo")
    await refused(bot.send_photo(group.id, png()), BadRequest, "not enough rights to send photos")
    changes = [update.my_chat_member for update in await bot.get_updates() if update.my_chat_member]
    assert [change.new_chat_member.status for change in changes] == [
        "kicked",
        "member",
        "kicked",
        "member",
    ]


async def test_a_group_that_grew_up_tells_its_new_number(
    server: TelegramServer, bot: Bot, ann: Person
) -> None:
    old = server.group("Art", basic=True)
    await ann.say(old, "/hi")
    new = old.migrate()
    error = await refused(bot.send_message(old.id, "x"), ChatMigrated, "")
    assert isinstance(error, ChatMigrated)
    assert error.new_chat_id == new.id
    await bot.send_message(new.id, "x")
    moved = [update.message for update in await bot.get_updates()][1:]
    assert [(m.migrate_to_chat_id, m.migrate_from_chat_id) for m in moved if m] == [
        (new.id, None),
        (None, old.id),
    ]


async def test_message_ids_repeat_between_supergroups(server: TelegramServer, bot: Bot) -> None:
    first, second = server.group("One"), server.group("Two")
    ids = [(await bot.send_message(group.id, "x")).message_id for group in (first, second)]
    assert ids[0] == ids[1]


async def test_topics(server: TelegramServer, bot: Bot, ann: Person) -> None:
    forum, flat = server.group("Art", forum=True), server.group("Flat")
    topic, other = forum.topic("Foxes", ann), forum.topic("Owls", ann)
    said = await ann.say(topic, "/imagine")
    got = (await bot.get_updates())[-1].message
    assert got is not None
    assert (got.message_thread_id, got.is_topic_message) == (topic.id, True)
    assert got.reply_to_message is not None
    assert got.reply_to_message.forum_topic_created is not None
    await bot.send_message(forum.id, "there", message_thread_id=topic.id)
    await bot.send_message(forum.id, "same", reply_parameters=ReplyParameters(said.id))
    await bot.send_message(forum.id, "general")
    assert [message.text for message in topic.messages[1:]] == ["/imagine", "there", "same"]
    assert forum.messages[-1].thread is None
    for chat, thread in ((forum, 999), (forum, 1), (flat, 999)):
        call = bot.send_message(chat.id, "x", message_thread_id=thread)
        await refused(call, BadRequest, "message thread not found")
    await bot.send_chat_action(forum.id, "typing", message_thread_id=1)
    other.closed = True
    closed = bot.send_message(forum.id, "x", message_thread_id=other.id)
    await refused(closed, BadRequest, "topic_closed")
    topic.deleted = True
    gone = bot.send_message(forum.id, "x", message_thread_id=topic.id)
    await refused(gone, BadRequest, "message thread not found")


async def test_replies_outside_forums_carry_a_thread_that_must_not_be_used(
    server: TelegramServer, bot: Bot, ann: Person
) -> None:
    group = server.group("Art", privacy=False)
    said = await ann.say(group, "look")
    await ann.say(group, "/imagine", reply_to=said)
    got = (await bot.get_updates())[-1].message
    assert got is not None
    assert (got.message_thread_id, got.is_topic_message) == (said.id, None)
    back = bot.send_message(group.id, "x", message_thread_id=got.message_thread_id)
    await refused(back, BadRequest, "message thread not found")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("/imagine a fox", True),
        ("/imagine@atelier_bot a fox", True),
        ("/IMAGINE@Atelier_Bot a fox", True),
        ("/imagine@other_bot a fox", False),
        ("hello", False),
        ("@atelier_bot draw a fox", False),
        ("please /imagine", False),
    ],
)
async def test_privacy_mode(
    server: TelegramServer, bot: Bot, ann: Person, text: str, *, seen: bool
) -> None:
    group, open_group = server.group("Art"), server.group("Open", privacy=False)
    said = await ann.say(group, text)
    photo = await ann.send_photo(group, png(), caption=text)
    album = await ann.album(group, [png(), png()], caption=text)
    got = {update.update_id for update in await bot.get_updates()}
    wanted = [said, photo, album[0]] if seen else []
    assert got == {message.update["update_id"] for message in wanted if message.update}
    assert len((await ann.edit(said, text + "!")).updates) == (2 if seen else 0)
    assert (await ann.say(open_group, text)).update is not None
    assert server.private(ann).messages == []


async def test_privacy_mode_lets_replies_and_service_messages_through(
    server: TelegramServer, bot: Bot, ann: Person
) -> None:
    group = server.group("Art")
    await bot.send_message(group.id, "What of?")
    assert (await ann.say(group, "a fox", reply_to=group.messages[-1])).update
    assert group.join(server.user("Ben")).update
    own = await ann.say(group, "hello")
    assert own.update is None
    assert (await ann.say(group, "hm", reply_to=own)).update is None
    group.albums_whole = True
    assert all(m.update for m in await ann.album(group, [png(), png()], caption="/blend"))
    server.me["can_read_all_group_messages"] = True
    assert (await ann.say(group, "hello")).update


async def test_long_pastes_arrive_in_pieces(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    await ann.paste(chat, "/imagine " + "x" * 9_991)
    sizes = [len(update.message.text or "") for update in await bot.get_updates() if update.message]
    assert sizes == [4096, 4096, 1808]


# -- menus -----------------------------------------------------------------------------------------


async def test_menus_by_scope_and_language(server: TelegramServer, bot: Bot, ann: Person) -> None:
    chat, group = server.private(ann), server.group("Art")
    await bot.set_my_commands([BotCommand("help", "Help")])
    await bot.set_my_commands(
        [BotCommand("imagine", "Draw")], scope=BotCommandScopeAllPrivateChats()
    )
    await bot.set_my_commands(
        [BotCommand("imagine", "Zeichnen")],
        scope=BotCommandScopeAllPrivateChats(),
        language_code="de",
    )
    assert server.menu(ann, chat) == [("imagine", "Draw")]
    assert server.menu(server.user("Jan", language_code="de"), chat) == [("imagine", "Zeichnen")]
    assert server.menu(ann, group) == [("help", "Help")]
    await bot.set_my_commands([BotCommand("art", "Art")], scope=BotCommandScopeChat(group.id))
    assert server.menu(ann, group) == [("art", "Art")]
    assert await bot.get_my_commands(scope=BotCommandScopeAllGroupChats()) == ()
    await bot.delete_my_commands(scope=BotCommandScopeChat(group.id))
    assert server.menu(ann, group) == [("help", "Help")]
    unknown = bot.set_my_commands([BotCommand("a", "b")], scope=BotCommandScopeChat(5))
    await refused(unknown, BadRequest, "chat not found")


@pytest.mark.parametrize(
    ("commands", "words"),
    [
        ([("Imagine", "x")], "bot_command_invalid"),
        ([("with space", "x")], "bot_command_invalid"),
        ([("x" * 33, "x")], "bot_command_invalid"),
        ([("ok", "")], "bot_command_description_invalid"),
        ([("ok", "x" * 257)], "bot_command_description_invalid"),
        ([(f"c{number}", "x") for number in range(101)], "bot_commands_too_much"),
    ],
)
async def test_menus_that_are_refused(
    server: TelegramServer, bot: Bot, commands: list[tuple[str, str]], words: str
) -> None:
    await refused(bot.set_my_commands(commands), BadRequest, words)
    assert await bot.get_my_commands() == ()


async def test_descriptions_and_menu_button(server: TelegramServer, bot: Bot) -> None:
    await bot.set_my_description("An AI studio", language_code="en")
    assert (await bot.get_my_description("en")).description == "An AI studio"
    assert (await bot.get_my_description()).description == ""
    await bot.set_my_short_description("x" * 120)
    await refused(bot.set_my_short_description("x" * 121), BadRequest, "too long")
    await refused(bot.set_my_description("x" * 513), BadRequest, "too long")
    await refused(bot.set_my_description("x", language_code="eng"), BadRequest, "language code")
    await bot.do_api_request("setChatMenuButton", api_kwargs={"menu_button": {"type": "commands"}})
    assert (await bot.get_chat_menu_button()).type == "commands"
    assert await bot.close()
    assert await bot.log_out()
    await refused(bot.get_me(), BadRequest, "logged out")


# -- patience --------------------------------------------------------------------------------------


async def test_too_many_calls_cost_a_wait_that_grows_when_ignored() -> None:
    async with TelegramServer(TOKEN) as server, make_bot(server) as bot:
        chat, other = server.private(server.user("Ann")), server.private(server.user("Ben"))
        sent = [await bot.send_message(chat.id, str(number)) for number in range(3)]
        await sent[0].edit_text("edited")
        await bot.send_chat_action(chat.id, "typing")
        waits = []
        for attempt in (sent[0].delete(), bot.send_message(chat.id, "x"), sent[1].edit_text("y")):
            error = await refused(attempt, RetryAfter, "")
            assert isinstance(error, RetryAfter)
            waits.append(seconds(error))
        assert waits == [1, 2, 4]
        assert [refusal.retry_after for refusal in server.flood.refusals] == [1, 2, 4]
        await bot.send_message(other.id, "not your fault")
        server.clock.advance(4.1)
        await bot.send_message(chat.id, "patient again")


async def test_groups_have_twenty_a_minute() -> None:
    async with TelegramServer(TOKEN) as server, make_bot(server) as bot:
        group = server.group("Art")
        for number in range(18):
            await bot.send_message(group.id, str(number))
        await bot.send_media_group(group.id, [InputMediaPhoto(png())] * 2)
        error = await refused(bot.send_message(group.id, "x"), RetryAfter, "")
        assert isinstance(error, RetryAfter)
        assert 55 <= seconds(error) <= 60
        server.clock.advance(60)
        await bot.send_message(group.id, "x")
        server.flood.on = False
        for number in range(25):
            await bot.send_message(group.id, str(number))


# -- faults ----------------------------------------------------------------------------------------


Order = Callable[[TelegramServer, bool], object]


@pytest.mark.parametrize(
    ("order", "error"),
    [
        (lambda s, after: s.fail("sendMessage", 500, after_effect=after), NetworkError),
        (
            lambda s, after: s.fail(
                "send.*", 429, "Too Many Requests: retry after 7", retry_after=7, after_effect=after
            ),
            RetryAfter,
        ),
        (lambda s, after: s.drop("sendMessage", after_effect=after), NetworkError),
        (lambda s, after: s.garble("sendMessage", after_effect=after), TelegramError),
        (lambda s, after: s.html("sendMessage", after_effect=after), NetworkError),
        (lambda s, after: s.hang("sendMessage", after_effect=after), TimedOut),
        (lambda s, after: s.delay("sendMessage", 2.0, after_effect=after), TimedOut),
    ],
    ids=["500", "429", "drop", "garble", "html", "hang", "delay"],
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_faults_strike_once_before_or_after_the_effect(
    server: TelegramServer,
    bot: Bot,
    chat: PrivateChat,
    order: Order,
    error: type[TelegramError],
    *,
    after: bool,
) -> None:
    order(server, after)
    with pytest.raises(error):
        await bot.send_message(chat.id, "first", read_timeout=0.3)
    assert [message.text for message in chat.messages] == (["first"] if after else [])
    assert [call.executed for call in server.calls.of("sendMessage")] == [after]
    await bot.send_message(chat.id, "second")
    assert chat.messages[-1].text == "second"


async def test_a_hanging_call_can_be_waited_for_and_let_go(
    server: TelegramServer, bot: Bot, chat: PrivateChat
) -> None:
    other = server.private(server.user("Ben"))
    fault = server.hang("sendMessage", where=lambda call: call.chat_id == chat.id)
    await bot.send_message(other.id, "not struck")
    call = asyncio.create_task(bot.send_message(chat.id, "late"))
    struck = await fault.wait_hit()
    assert (struck["text"], chat.messages) == ("late", [])
    fault.cancel()
    await call
    assert [message.text for message in chat.messages] == ["late"]
    with pytest.raises(AssertionError, match="no call matched"):
        await server.drop("sendPhoto").wait_hit(timeout=0.05)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_who_hangs_up_was_here_only_if_the_effect_was(
    server: TelegramServer, bot: Bot, chat: PrivateChat, *, after: bool
) -> None:
    fault = server.hang("sendMessage", after_effect=after)
    call = asyncio.create_task(bot.send_message(chat.id, "x"))
    await fault.wait_hit()
    call.cancel()
    await asyncio.wait({call})
    await asyncio.sleep(0.05)
    fault.cancel()
    await bot.get_me()
    assert len(chat.messages) == (1 if after else 0)


async def test_downloads_fail_too(server: TelegramServer, bot: Bot, chat: PrivateChat) -> None:
    sent = await bot.send_document(chat.id, b"bytes")
    assert sent.document is not None
    file = await bot.get_file(sent.document.file_id)
    server.fail("file", 502, "Bad Gateway")
    with pytest.raises(NetworkError):
        await file.download_as_bytearray()
    assert bytes(await file.download_as_bytearray()) == b"bytes"


async def test_lost_updates_are_given_again(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    await ann.say(chat, "/imagine")
    server.drop("getUpdates", after_effect=True)
    with pytest.raises(NetworkError):
        await bot.get_updates()
    assert len(await bot.get_updates()) == 1


async def test_the_whole_server_goes_and_comes_back(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    await bot.send_message(chat.id, "before")
    poll = asyncio.create_task(bot.get_updates(timeout=30))
    await asyncio.sleep(0.1)
    url = server.url
    await server.down()
    await asyncio.wait({poll})
    assert poll.exception() is not None or poll.result() == ()
    with pytest.raises(NetworkError):
        await bot.send_message(chat.id, "during")
    await ann.say(chat, "/imagine")
    await server.up()
    assert server.url == url
    assert len(await bot.get_updates()) == 1
    await bot.send_message(chat.id, "after")
    assert [message.text for message in chat.from_bot] == ["before", "after"]
