"""Files on their way into Telegram: each in its native shape, albums once, streamed from disk."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from telegram import Bot

from adapters.telegram.faults import How
from adapters.telegram.files import albums, kind_of
from adapters.telegram.sending import Sender
from adapters.telegram.transport import AiohttpRequest
from core.errors import SlowDown
from core.i18n import translator
from core.messages import Button, Caller, Media, Message, Place, Ref
from tests.servers.telegram import TelegramServer
from tests.servers.telegram_people import PrivateChat
from tests.telegram_house import TOKEN, picture

VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(100)
SONG = b"ID3" + bytes(100)


@dataclass
class Desk:
    """A sender, the chat it writes to, and where its files lie."""

    server: TelegramServer
    chat: PrivateChat
    sender: Sender
    folder: Path

    @property
    def place(self) -> Place:
        return Place("telegram", str(self.chat.id), private=True)

    def file(self, data: bytes, mime: str, **more: object) -> Media:
        """Put a file into the archive."""
        name = hashlib.sha256(data).hexdigest()
        (self.folder / name).write_bytes(data)
        return Media(name, mime, len(data), **more)  # type: ignore[arg-type]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with TelegramServer(token=TOKEN) as server:
        chat = server.private(server.user("Ann"))
        request = AiohttpRequest()
        bot = Bot(TOKEN, base_url=f"{server.url}/bot", request=request)
        sender = Sender(bot, lambda media: tmp_path / media.hash, translator)
        yield Desk(server, chat, sender, tmp_path)
        await request.shutdown()
        assert server.violations == []


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        (Media("a", "image/png", 5, 64, 64), "photo"),
        (Media("a", "image/png", 5), "photo"),
        (Media("a", "image/png", 11_000_000, 64, 64), "document"),
        (Media("a", "image/png", 5, 9000, 2000), "document"),
        (Media("a", "image/png", 5, 2100, 100), "document"),
        (Media("a", "image/gif", 5, 64, 64), "animation"),
        (Media("a", "video/mp4", 40_000_000, 1920, 1080), "video"),
        (Media("a", "video/webm", 5), "document"),
        (Media("a", "audio/mpeg", 5), "audio"),
        (Media("a", "audio/mpeg", 5, voice=True), "audio"),
        (Media("a", "audio/ogg", 5, voice=True), "voice"),
        (Media("a", "audio/ogg", 5), "document"),
        (Media("a", "text/plain", 5), "document"),
    ],
)
def test_every_file_has_its_shape(media: Media, kind: str) -> None:
    assert kind_of(media, Message(), How()) == kind
    assert kind_of(media, Message(as_file=True), How()) == "document"
    assert kind_of(media, Message(), How(as_file=True)) == "document"


def test_only_what_may_stand_together_is_an_album() -> None:
    """Pictures with videos, songs with songs; what has no album goes alone."""
    image, film = Media("a", "image/png", 5), Media("b", "video/mp4", 5)
    song, gif = Media("c", "audio/mpeg", 5), Media("d", "image/gif", 5)
    message = Message(media=(image, film, song, song, gif, gif, *([image] * 12)))
    assert [len(part) for part in albums(message, How())] == [2, 2, 1, 1, 10, 2]


async def test_a_video_and_a_song_are_played_where_they_are(desk: Desk) -> None:
    cover = desk.file(picture(), "image/jpeg")
    film = desk.file(VIDEO, "video/mp4", width=640, height=360, seconds=5.0, spoiler=True)
    song = desk.file(SONG, "audio/mpeg", seconds=61.0, title="Rain", artist="Ann", cover=cover.hash)
    sent = await desk.sender.send(desk.place, Message("A *film*", (film,)), None)
    shown = desk.chat.find(int(sent.message))
    assert shown is not None
    assert shown.media is not None
    assert (shown.media.kind, shown.caption, shown.has_spoiler) == ("video", "A film", True)
    assert shown.media.meta["duration"] == 5

    await desk.sender.send(desk.place, Message("A song", (song,)), None)
    heard = desk.chat.from_bot[-1]
    assert heard.media is not None
    assert heard.media.kind == "audio"
    assert heard.media.meta | {"duration": 61, "performer": "Ann", "title": "Rain"} == (
        heard.media.meta
    )
    assert heard.media.meta["file_name"] == "file.mp3"


async def test_an_album_comes_once_and_its_buttons_after_it(desk: Desk) -> None:
    """When the words behind it meet a pause, they alone are sent again."""
    songs = tuple(desk.file(SONG + bytes([n]), "audio/mpeg", title=str(n)) for n in (1, 2))
    message = Message("Two songs", songs, (Button("Again", token="t"),))
    desk.server.fail("sendMessage", 429, retry_after=1)
    with pytest.raises(SlowDown):
        await desk.sender.send(desk.place, message, None, nonce="job-r")
    sent = await desk.sender.send(desk.place, message, None, nonce="job-r")
    assert [m.media.kind for m in desk.chat.from_bot if m.media] == ["audio", "audio"]
    assert desk.chat.from_bot[-1].labels == [["Again"]]

    await desk.sender.edit(sent, Message("Two songs", songs, (Button("Used", token="t"),)))
    assert desk.chat.from_bot[-1].labels == [["Used"]]
    assert desk.chat.from_bot[-1].media is None


async def test_a_preview_is_sent_once_and_then_kept(desk: Desk) -> None:
    """Words become a picture, the picture another one; the same picture is not uploaded again."""
    red, blue = desk.file(picture(), "image/png"), desk.file(picture("blue"), "image/png")
    ref = await desk.sender.send(desk.place, Message("10 %"), None)
    for words, media in (("20 %", red), ("30 %", red), ("40 %", blue), ("50 %", None)):
        ref = await desk.sender.edit(ref, Message(words, (media,) if media else ()))
    edits = [e.method for e in desk.chat.from_bot[0].edits]
    assert edits == [
        "editMessageMedia",
        "editMessageCaption",
        "editMessageMedia",
        "editMessageCaption",
    ]
    assert desk.chat.from_bot[0].photo == picture("blue")
    assert desk.chat.from_bot[0].caption == "50 %"


@pytest.mark.parametrize("door", ["", "media", "text"])
async def test_an_edit_finds_out_what_a_message_is(desk: Desk, door: str) -> None:
    """Of an old message nothing but its number is known."""
    red = desk.file(picture(), "image/png")
    sent = await desk.sender.send(desk.place, Message("a fox", (red,)), None)
    old = Ref("telegram", sent.chat, sent.message, door)
    await desk.sender.edit(old, Message("a fox, used"))
    assert desk.chat.from_bot[-1].caption == "a fox, used"
    words = await desk.sender.send(desk.place, Message("words"), None)
    await desk.sender.edit(Ref("telegram", words.chat, words.message, "media"), Message("more"))
    assert desk.chat.from_bot[-1].text == "more"


async def test_a_person_is_told_in_private_what_no_group_takes(desk: Desk) -> None:
    """Progress is not: it would be a message for every step."""
    group = desk.server.group("Closed")
    group.blocked = True
    place, ann = Place("telegram", str(group.id)), Caller("telegram", str(desk.chat.id), "Ann")
    sent = await desk.sender.send(place, Message("done", mention=ann), None)
    assert sent.chat == str(desk.chat.id)
    with pytest.raises(Exception, match="closed"):
        await desk.sender.send(place, Message("10 %", mention=ann, progress=10), None)


async def test_who_wants_no_voice_messages_gets_a_file(desk: Desk) -> None:
    """The words were paid for, and a person's settings must not lose them."""
    desk.chat.forbidden.add("voice")
    spoken = desk.file(b"OggS" + bytes(100), "audio/ogg", voice=True, name="words.ogg")
    await desk.sender.send(desk.place, Message("Spoken", (spoken,)), None)
    sent = desk.chat.from_bot[-1]
    assert sent.media is not None
    assert (sent.media.kind, sent.caption) == ("document", "Spoken")
    desk.server.fail("sendVoice", 400, "Bad Request: VOICE_MESSAGES_FORBIDDEN")
    desk.chat.forbidden.clear()
    await desk.sender.send(desk.place, Message("Spoken", (spoken,)), None)
    again = desk.chat.from_bot[-1]
    assert again.media is not None
    assert again.media.kind == "document"
