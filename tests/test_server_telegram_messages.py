"""The pretend Telegram: texts, keyboards, media, edits and deletions, accepted and refused."""

import io
from typing import Any

import pytest
from PIL import Image
from telegram import (
    Bot,
    ForceReply,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    MessageEntity,
    ReplyParameters,
)
from telegram import Message as BotMessage
from telegram.error import BadRequest, NetworkError, TelegramError

from tests.servers import telegram_kit as kit
from tests.servers.telegram import Person, TelegramServer
from tests.servers.telegram_kit import MB, keys, png, refused
from tests.servers.telegram_people import PrivateChat

server = kit.server
bot = kit.bot
ann = kit.ann
chat = kit.chat
pytestmark = kit.quiet

# -- what a bot may say ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("", {}, "message text is empty"),
        (" \n ", {}, "message text is empty"),
        ("x" * 4097, {}, "message is too long"),
        ("🦊" * 4097, {}, "message is too long"),
        ("<b>fox", {"parse_mode": "HTML"}, "can't find end tag corresponding to start tag"),
        ("<fox>", {"parse_mode": "HTML"}, 'unsupported start tag "fox"'),
        ("<b><i>a</b></i>", {"parse_mode": "HTML"}, 'expected "</i>", found "</b>"'),
        ("a < b", {"parse_mode": "HTML"}, "unclosed start tag"),
        ("1. fox", {"parse_mode": "MarkdownV2"}, "character '.' is reserved"),
        ("*fox", {"parse_mode": "MarkdownV2"}, "can't find end of bold entity"),
        ("`fox", {"parse_mode": "MarkdownV2"}, "can't find end of code entity"),
        ("snake_case", {"parse_mode": "Markdown"}, "can't find end of the entity"),
        ("fox", {"parse_mode": "BBCode"}, "unsupported parse_mode"),
        ("fox", {"entities": [MessageEntity("bold", 0, 4)]}, "ends after the end of the text"),
        ("fox", {"entities": [MessageEntity("bold", -1, 2)]}, "incorrect offset"),
        ("fox", {"entities": [MessageEntity("bold", 1, 0)]}, "incorrect length"),
        ("🦊🦊", {"entities": [MessageEntity("bold", 1, 2)]}, "in a middle of a symbol"),
        ("fox", {"entities": [MessageEntity("text_link", 0, 3, url="")]}, "wrong http url"),
        ("fox", {"entities": [MessageEntity("text_mention", 0, 3)]}, "can't find field"),
        ("fox", {"entities": [MessageEntity("glitter", 0, 3)]}, "unknown type"),
    ],
)
async def test_texts_that_are_refused(
    server: TelegramServer,
    bot: Bot,
    chat: PrivateChat,
    text: str,
    options: dict[str, Any],
    words: str,
) -> None:
    await refused(bot.send_message(chat.id, text, **options), BadRequest, words)
    assert chat.messages == []


async def test_lengths_count_code_points_and_offsets_count_utf16(
    server: TelegramServer, bot: Bot, chat: PrivateChat
) -> None:
    sent = await bot.send_message(
        chat.id, "  🦊 fox  ", entities=[MessageEntity("bold", 5, 5), MessageEntity("italic", 2, 2)]
    )
    assert sent.text == "🦊 fox"
    shown = chat.messages[0]
    assert (shown.styled("bold"), shown.styled("italic")) == (["fox"], ["🦊"])
    await bot.send_message(chat.id, "🦊" * 4096)
    await bot.send_photo(chat.id, png(), caption="🦊" * 1024)
    long = bot.send_photo(chat.id, png(), caption="x" * 1025)
    await refused(long, BadRequest, "message caption is too long")


@pytest.mark.parametrize(
    ("mode", "text", "plain", "styles"),
    [
        (
            "HTML",
            '<b>a <i>b</i></b> &lt; <a href="https://x.org/?a=1&amp;b=2">c</a>',
            "a b < c",
            {"bold": "a b", "italic": "b", "text_link": "c"},
        ),
        (
            "HTML",
            '<pre><code class="language-py">x</code></pre><blockquote expandable>q</blockquote>',
            "xq",
            {"pre": "x", "expandable_blockquote": "q"},
        ),
        (
            "MarkdownV2",
            "*a _b_* `c\\`d` [e](https://x.org/\\)) \\. ||f|| __g__ ~h~\n>i",
            "a b c`d e . f g h\ni",
            {"bold": "a b", "italic": "b", "code": "c`d", "text_link": "e", "spoiler": "f",
             "underline": "g", "strikethrough": "h", "blockquote": "i"},
        ),
        (
            "Markdown",
            "*a* _b_ `c` [d](https://x.org) \\_",
            "a b c d _",
            {"bold": "a", "italic": "b", "code": "c", "text_link": "d"},
        ),
    ],
)  # fmt: skip
async def test_parse_modes(
    server: TelegramServer,
    bot: Bot,
    chat: PrivateChat,
    mode: str,
    text: str,
    plain: str,
    styles: dict[str, str],
) -> None:
    await bot.send_message(chat.id, text, parse_mode=mode)
    (shown,) = chat.messages
    assert shown.text == plain
    assert {entity["type"]: shown.styled(entity["type"])[0] for entity in shown.entities} == styles


async def test_whom_a_message_calls(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    group = server.group("Art")
    ben = server.user("Ben", username="ben_draws")
    cleo = server.user("Cleo", username="")
    asked = await cleo.say(group, "/imagine @everyone")
    by_link = {"type": "text_link", "offset": 0, "length": 1, "url": f"tg://user?id={cleo.id}"}
    stranger = {
        "type": "text_mention",
        "offset": 0,
        "length": 1,
        "user": {"id": 1, "is_bot": False},
    }
    for text, options, called in (
        ("for @ann_paints and @ben_draws.", {}, [ann, ben]),
        ("for @ANN_PAINTS", {}, [ann]),
        ("mail ann@ann_paints", {}, []),
        ("nobody", {"reply_parameters": {"message_id": asked.id}}, [cleo]),
        ("c", {"entities": [by_link]}, [cleo]),
        ("s", {"entities": [stranger]}, []),
        ("@ann_paints", {"entities": [{"type": "code", "offset": 0, "length": 11}]}, []),
        ("x @ben_draws", {"entities": [{"type": "pre", "offset": 0, "length": 12}]}, []),
        ("@ben_draws", {"entities": [{"type": "bold", "offset": 0, "length": 10}]}, [ben]),
        ("nobody", {"entities": [{"type": "mention", "offset": 0, "length": 6}]}, []),
        ("@atelier_bot", {}, []),
    ):
        await bot.do_api_request(
            "sendMessage", api_kwargs={"chat_id": group.id, "text": text, **options}
        )
        assert group.messages[-1].pinged == called, text
    await bot.send_photo(group.id, png(), caption="@ann_paints")
    assert group.messages[-1].pinged == [ann]
    await bot.edit_message_caption(group.id, group.messages[-1].id, caption="@ben_draws")
    assert group.messages[-1].pinged == [ann]  # an edit calls nobody


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[{"text": "a", "callback_data": "x" * 65}]], "button_data_invalid"),
        ([[{"text": "a", "callback_data": "é" * 33}]], "button_data_invalid"),
        ([[{"text": "a", "callback_data": ""}]], "button_data_invalid"),
        ([[{"text": " ", "callback_data": "a"}]], "text must be non-empty"),
        ([[{"text": "a"}]], "text buttons are unallowed"),
        ([[{"text": "a", "callback_data": "a", "url": "https://x.org"}]], "several actions"),
        ([[{"text": "a", "url": "javascript:x"}]], "wrong http url"),
        ([[{"text": "a", "callback_data": "a", "style": "pink"}]], "invalid button style"),
        ([[{"text": "a", "callback_data": "a"}] * 9], "reply markup is too long"),
        ([[{"text": "a", "callback_data": "a"}] * 8] * 13, "reply markup is too long"),
        ([{"text": "a", "callback_data": "a"}], "array of array"),
    ],
)
async def test_keyboards_that_are_refused(
    server: TelegramServer, bot: Bot, chat: PrivateChat, rows: list[Any], words: str
) -> None:
    call = bot.do_api_request(
        "sendMessage",
        api_kwargs={"chat_id": chat.id, "text": "x", "reply_markup": {"inline_keyboard": rows}},
    )
    await refused(call, BadRequest, words)
    assert chat.messages == []


async def test_buttons_as_a_person_sees_them(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    rows = [
        [{"text": "U1", "callback_data": "é" * 32, "style": "primary"}],
        [{"text": "Done", "disabled": {}}, {"text": "Site", "url": "https://x.org"}],
    ]
    await bot.do_api_request(
        "sendMessage",
        api_kwargs={"chat_id": chat.id, "text": "x", "reply_markup": {"inline_keyboard": rows}},
    )
    (shown,) = chat.messages
    assert shown.labels == [["U1"], ["Done", "Site"]]
    assert shown.button("U1").raw["style"] == "primary"
    for label in ("Done", "Site", "U2"):
        with pytest.raises(AssertionError, match=label):
            await ann.press(shown, label)
    assert (await ann.press(shown, "U1")).data == "é" * 32
    assert server.violations == []


async def test_a_question_is_kept_and_answered_by_a_reply(
    server: TelegramServer, bot: Bot, ann: Person
) -> None:
    group = server.group("Art")
    asked = await ann.say(group, "/imagine")
    question = await bot.send_message(
        group.id,
        "What of?",
        reply_parameters=ReplyParameters(asked.id),
        reply_markup=ForceReply(selective=True, input_field_placeholder="a fox …"),
    )
    (shown,) = group.from_bot
    assert shown.force_reply is not None
    assert shown.force_reply["input_field_placeholder"] == "a fox …"
    said = await ann.say(group, "a fox for @atelier_bot", reply_to=shown)
    assert said.pinged == []  # only people are called
    answer = (await bot.get_updates())[-1].message
    assert answer is not None
    assert answer.reply_to_message is not None
    assert answer.reply_to_message.message_id == question.message_id
    await refused(question.edit_text("other"), BadRequest, "message can't be edited")


async def test_replies(server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat) -> None:
    said = await ann.say(chat, "a red fox")
    lost = ReplyParameters(999_999)
    await refused(
        bot.send_message(chat.id, "x", reply_parameters=lost),
        BadRequest,
        "message to be replied not found",
    )
    anyway = ReplyParameters(999_999, allow_sending_without_reply=True)
    await bot.send_message(chat.id, "x", reply_parameters=anyway)
    assert chat.from_bot[-1].reply_to is None
    bad_quote = ReplyParameters(said.id, quote="blue fox")
    await refused(
        bot.send_message(chat.id, "x", reply_parameters=bad_quote), BadRequest, "quote_text_invalid"
    )
    sent = await bot.send_message(
        chat.id, "x", reply_parameters=ReplyParameters(said.id, quote="red fox")
    )
    assert sent.quote is not None
    assert chat.from_bot[-1].quote == "red fox"
    await ann.delete(said)
    await refused(
        bot.send_message(chat.id, "x", reply_parameters=ReplyParameters(said.id)),
        BadRequest,
        "not found",
    )


# -- media -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "file must be non-empty"),
        (b"no picture", "image_process_failed"),
        (png(300, 300)[:-400], "image_process_failed"),
        (png(9_000, 1_001), "photo_invalid_dimensions"),
        (png(2_100, 100), "photo_invalid_dimensions"),
        (b"x" * (10 * MB + 1), "is too big for a photo; the maximum size is 10485760 bytes"),
    ],
    ids=["empty", "text", "truncated", "too large", "too long", "too heavy"],
)
async def test_photos_that_are_refused(
    server: TelegramServer, bot: Bot, chat: PrivateChat, data: bytes, words: str
) -> None:
    await refused(bot.send_photo(chat.id, data), BadRequest, words)
    assert chat.messages == []


async def test_media_keep_their_kind_their_bytes_and_their_ids(
    server: TelegramServer, bot: Bot, chat: PrivateChat
) -> None:
    picture = png(2000, 1000)
    sent = await bot.send_photo(chat.id, picture, has_spoiler=True)
    assert [(size.width, size.height) for size in sent.photo] == [
        (90, 45),
        (320, 160),
        (800, 400),
        (1280, 640),
    ]
    shown = chat.messages[-1]
    assert (shown.photo == picture, shown.document, shown.has_spoiler) == (True, None, True)
    again = await bot.send_photo(chat.id, sent.photo[-1].file_id)
    assert again.photo[-1].file_unique_id == sent.photo[-1].file_unique_id
    assert chat.messages[-1].photo == picture
    wrong = bot.send_document(chat.id, sent.photo[-1].file_id)
    await refused(wrong, BadRequest, "can't use file of type photo as document")
    await refused(bot.send_photo(chat.id, "nonsense"), BadRequest, "wrong file identifier")
    document = await bot.send_document(chat.id, picture, filename="fox.png")
    assert document.document is not None
    assert (document.document.mime_type, document.document.file_name) == ("image/png", "fox.png")
    assert (await bot.send_video(chat.id, b"RIFFxxxxAVI ")).video is None
    assert chat.messages[-1].document == b"RIFFxxxxAVI "
    assert server.violations == []


async def test_pictures_by_url_come_only_from_where_telegram_can_see(
    server: TelegramServer, bot: Bot, chat: PrivateChat
) -> None:
    lost = bot.send_photo(chat.id, f"{server.url}/fox.png")
    await refused(lost, BadRequest, "failed to get http url content")
    server.serve_url("https://example.com/fox.png", png())
    await bot.send_photo(chat.id, "https://example.com/fox.png")
    assert chat.messages[-1].photo == png()


async def test_large_files_go_up_to_fifty_megabytes_and_down_to_twenty(
    server: TelegramServer, bot: Bot, chat: PrivateChat, tmp_path: Any
) -> None:
    path = tmp_path / "film.bin"
    path.write_bytes(b"\x07" * (50 * MB))
    with path.open("rb") as handle:
        upload = InputFile(handle, filename="film.bin", read_file_handle=False)
        sent = await bot.send_document(chat.id, upload)
    assert sent.document is not None
    assert sent.document.file_size == 50 * MB
    await refused(bot.get_file(sent.document.file_id), BadRequest, "file is too big")
    with path.open("ab") as handle:
        handle.write(b"!")
    with path.open("rb") as handle, pytest.raises(NetworkError, match="Request Entity Too Large"):
        await bot.send_document(chat.id, InputFile(handle, read_file_handle=False))
    assert len(chat.messages) == 1
    assert [call.status for call in server.calls.of("sendDocument")] == [200, 413]
    small = await bot.send_document(chat.id, b"\x07" * (20 * MB))
    assert small.document is not None
    file = await bot.get_file(small.document.file_id)
    assert len(await file.download_as_bytearray()) == 20 * MB


async def test_a_persons_photo_comes_recompressed_and_the_file_as_it_is(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    original = png(1600, 800)
    photo = await ann.send_photo(chat, original, caption="/describe")
    file = await ann.send_document(chat, original, filename="fox.png", caption="/describe")
    first, second = [update.message for update in await bot.get_updates()]
    assert first is not None
    assert second is not None
    assert second.document is not None
    assert [entity.type for entity in first.caption_entities] == ["bot_command"]
    largest = await bot.get_file(first.photo[-1].file_id)
    data = bytes(await largest.download_as_bytearray())
    assert len(data) == first.photo[-1].file_size
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (1280, 640))
    whole = await bot.get_file(second.document.file_id)
    assert bytes(await whole.download_as_bytearray()) == original
    assert (photo.photo, file.document) == (original, original)
    server.clock.advance(3601)
    with pytest.raises(TelegramError):
        await whole.download_as_bytearray()
    assert server.violations == []


async def test_albums(server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat) -> None:
    pictures = [png(10 + number, 10) for number in range(3)]
    sent = await bot.send_media_group(
        chat.id, [InputMediaPhoto(data) for data in pictures], caption="three"
    )
    assert len({message.media_group_id for message in sent}) == 1
    assert [message.photo for message in chat.messages] == pictures
    assert [message.caption for message in chat.messages] == ["three", "", ""]
    await refused(
        bot.send_media_group(chat.id, [InputMediaPhoto(png())] * 11), BadRequest, "too many"
    )
    mixed: list[InputMediaPhoto | InputMediaDocument] = [
        InputMediaPhoto(png()),
        InputMediaDocument(b"x"),
    ]
    await refused(bot.send_media_group(chat.id, mixed), BadRequest, "can't be mixed")
    with_keys = bot.send_media_group(
        chat.id,
        [InputMediaPhoto(png())] * 2,
        api_kwargs={"reply_markup": keys("a").to_dict()},
    )
    await refused(with_keys, BadRequest, "reply_markup")
    assert len(chat.messages) == 3
    album = await ann.album(chat, pictures, caption="/blend")
    got = [update.message for update in await bot.get_updates()]
    assert [message.media_group_id for message in got if message] == [album[0].media_group_id] * 3
    assert [message.caption for message in got if message] == ["/blend", None, None]


# -- edits, deletions, reactions -------------------------------------------------------------------


async def test_edits(server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat) -> None:
    sent = await bot.send_message(chat.id, "10 %", reply_markup=keys("Cancel"))
    (shown,) = chat.messages
    await refused(
        sent.edit_text("10 %", reply_markup=keys("Cancel")), BadRequest, "message is not modified"
    )
    edited = await sent.edit_text("20 %", reply_markup=keys("Cancel"))
    assert isinstance(edited, BotMessage)
    assert edited.edit_date is not None
    assert shown.labels == [["Cancel"]]
    await sent.edit_text("30 %")
    assert shown.labels == []
    await refused(sent.edit_reply_markup(), BadRequest, "message is not modified")
    await sent.edit_reply_markup(keys("Cancel"))
    assert [edit.text for edit in shown.edits] == ["20 %", "30 %", "30 %"]
    assert [edit.buttons for edit in shown.edits] == [(("Cancel",),), (), (("Cancel",),)]
    assert sorted(edit.at for edit in shown.edits) == [edit.at for edit in shown.edits]
    await refused(sent.edit_caption("x"), BadRequest, "no caption in the message to edit")
    await sent.edit_media(InputMediaPhoto(png(), caption="a fox"))
    assert (shown.photo, shown.caption, shown.text) == (png(), "a fox", None)
    await refused(
        sent.edit_media(InputMediaPhoto(png(), caption="a fox")), BadRequest, "not modified"
    )
    await refused(sent.edit_text("x"), BadRequest, "no text in the message to edit")
    said = await ann.say(chat, "mine")
    for number, words in ((said.id, "can't be edited"), (999_999, "message to edit not found")):
        await refused(bot.edit_message_text("x", chat.id, number), BadRequest, words)
    await refused(bot.edit_message_text("x", chat.id), BadRequest, "identifier is not specified")


async def test_deletions(server: TelegramServer, bot: Bot, ann: Person) -> None:
    group, mine = server.group("Art"), server.private(ann)
    sent = [await bot.send_message(group.id, text) for text in "abcd"]
    said = await ann.say(group, "/hi")
    await sent[0].delete()
    assert [message.text for message in group.messages] == ["b", "c", "d", "/hi"]
    await refused(sent[0].delete(), BadRequest, "message to delete not found")
    await refused(sent[0].edit_text("x"), BadRequest, "message to edit not found")
    await refused(bot.delete_message(group.id, said.id), BadRequest, "can't be deleted")
    numbers = [sent[1].message_id, 999_999]
    assert await bot.delete_messages(group.id, numbers)
    private = await ann.say(mine, "/hi")
    await bot.delete_message(mine.id, private.id)
    assert mine.messages == []
    group.bot_is_admin = True
    await bot.delete_message(group.id, said.id)
    server.clock.advance(49 * 3600)
    await refused(sent[2].delete(), BadRequest, "can't be deleted")
    assert [message.text for message in group.messages] == ["c", "d"]


async def test_reactions_actions_and_drafts(
    server: TelegramServer, bot: Bot, ann: Person, chat: PrivateChat
) -> None:
    said = await ann.say(chat, "/imagine")
    await bot.set_message_reaction(chat.id, said.id, "👀")
    assert said.reactions == ["👀"]
    await refused(bot.set_message_reaction(chat.id, said.id, "⏳"), BadRequest, "reaction_invalid")
    both = bot.set_message_reaction(chat.id, said.id, ["👀", "👍"])
    await refused(both, BadRequest, "reactions_too_many")
    await bot.send_chat_action(chat.id, "upload_photo")
    assert [action.action for action in chat.actions] == ["upload_photo"]
    await refused(bot.send_chat_action(chat.id, "dreaming"), BadRequest, "parameter action")
    await bot.send_message_draft(chat.id, 3, "half an ans")
    assert [(draft.draft_id, draft.text) for draft in chat.drafts] == [(3, "half an ans")]
    group = server.group("Art")
    await refused(bot.send_message_draft(group.id, 3, "x"), BadRequest, "private chats")
