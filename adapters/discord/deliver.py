"""Which way a message goes: the bot's own token, the interaction's, or a direct message.

The bot's own token works where it is a member and in its direct messages, for ever, and its
messages carry a nonce, so that a repeated one shows once. An interaction's token works everywhere,
for 15 minutes, and alone reaches ephemeral messages and servers where the app is only installed to
a person. Where neither works a direct message is tried.
"""

from __future__ import annotations

import contextlib
import logging
import pathlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import discord
from discord.http import MultipartParameters

from adapters.discord import render
from adapters.discord.door import Door, read_door
from adapters.discord.events import PLATFORM
from adapters.discord.render import EPHEMERAL, filename, payload
from adapters.discord.rest import (
    CANNOT_REPLY,
    INVALID_BODY,
    OLD_MESSAGE,
    UNKNOWN_MESSAGE,
    RefusedError,
    Rest,
    parts,
)
from core.errors import ChatGone, MaybeSent, MessageGone, Offline, TooBig
from core.messages import Limits, Media, Message, Place, Ref

log = logging.getLogger(__name__)

FILE_BYTES = 10 * 1024 * 1024
"""What Discord takes per file where it does not say otherwise."""
TEXT = 1970
"""Characters core may use: 2000, less the mention and what Discord's markdown needs on top."""
LIMITS = Limits(
    windows=True,
    text=TEXT,
    caption=TEXT,
    file_bytes=FILE_BYTES,
    photo_bytes=FILE_BYTES,
    photo_sides=1_000_000,
    rows=5,
    per_row=5,
    budget=5,
    window=5.0,
    edit_gap=2.0,
    restyles=True,
    measure=lambda source: len(render.text(source)),
)

Draft: TypeAlias = tuple[Message, str, str]
"""A message, its nonce and the message it answers (an id, or empty)."""
Way: TypeAlias = Callable[[Place, Door, Draft], Awaitable[Ref]]


class Deliverer:
    """Sends, edits and deletes; implements that half of the Adapter port."""

    def __init__(
        self, rest: Rest, path: Callable[[Media], pathlib.Path], clock: Callable[[], float]
    ) -> None:
        """`path`: where a file of the archive lies. `clock` gives Unix seconds."""
        self._rest = rest
        self._path = path
        self._clock = clock

    def limits(self, place: Place) -> Limits:
        """What a chat takes: the file limit is the one Discord named with the interaction."""
        limit = read_door(place.door).limit or FILE_BYTES
        return replace(LIMITS, file_bytes=limit, photo_bytes=limit, apart=self._rest.apart)

    # -- new messages ----------------------------------------------------------------------------

    async def send(
        self, place: Place, message: Message, *, nonce: str, reply_to: Ref | None = None
    ) -> Ref:
        """Send by the first way that takes it; see `Adapter.send`."""
        door = read_door(place.door)
        if door.limit and any(media.size > door.limit for media in message.media):
            raise TooBig(limit=door.limit)
        draft = (message, nonce, _answered(place, reply_to))
        too_big: TooBig | None = None
        for way in self._ways(place, door, message):
            try:
                return await way(place, door, draft)
            except RefusedError as error:
                log.info("Discord refused a message (%s), trying the next way", error)
            except TooBig:
                most = max((m.size for m in message.media), default=0)
                too_big = TooBig(limit=FILE_BYTES if most > FILE_BYTES else 0)
        raise too_big or ChatGone()

    def _ways(self, place: Place, door: Door, message: Message) -> list[Way]:
        hidden = message.private and not place.private
        ways: list[Way] = [self._by_channel] if door.member and not hidden else []
        if door.open(self._clock()):
            ways.append(self._by_hook)
        if (message.mention or door.user) and not place.private and message.progress < 0:
            ways.append(self._by_dm)
        if hidden and door.member and not door.token:  # nobody gave a token to hide it with
            ways.append(self._by_channel)
        return ways

    async def _by_channel(self, place: Place, door: Door, draft: Draft) -> Ref:
        message, nonce, reply = draft
        dm = place.private
        try:
            found = await self._post(place.chat, message, nonce, reply, dm=dm)
        except RefusedError as error:
            if error.code != CANNOT_REPLY:
                raise
            found = await self._post(place.chat, message, nonce, "", dm=dm)
        return _sent(found, place.chat, Door(kind="message", dm=dm, user=door.user))

    async def _by_hook(self, place: Place, door: Door, draft: Draft) -> Ref:
        message = draft[0]
        hidden = message.private and not place.private
        found = await self._hook(
            "POST", f"/webhooks/{door.app}/{door.token}", message, door, hidden
        )
        sent = replace(door, kind="message", original=False, hidden=hidden, known=True, source="")
        return _sent(found, place.chat, sent)

    async def _by_dm(self, place: Place, door: Door, draft: Draft) -> Ref:
        message, nonce, _ = draft
        person = message.mention.id if message.mention else door.user
        opened = await self._rest.bot(lambda http: _told(http.start_private_message(int(person))))
        chat = str(opened["id"])
        found = await self._post(chat, message, nonce, "", dm=True)
        return _sent(found, chat, Door(kind="message", dm=True, user=person))

    async def _post(
        self, chat: str, message: Message, nonce: str, reply: str, *, dm: bool
    ) -> dict[str, Any]:
        more: dict[str, Any] = {"nonce": nonce[:25], "enforce_nonce": True}
        if reply:
            more["message_reference"] = {"message_id": reply, "fail_if_not_exists": False}

        async def post(plain: bool) -> dict[str, Any]:
            with self._parcel(message, {}, dm, plain) as (body, files):
                return await self._rest.bot(
                    lambda http: _told(http.send_message(chat, params=_params(body | more, files)))
                )

        return await _plainer(post)

    async def _hook(
        self, method: str, path: str, message: Message, door: Door, hidden: bool
    ) -> dict[str, Any]:
        """Create or change a message with an interaction's token; a creation is never repeated."""

        async def call(plain: bool) -> dict[str, Any]:
            kept = dict(door.files) if method == "PATCH" else {}
            with self._parcel(message, kept, door.dm, plain) as (body, files):
                if hidden and method == "POST":
                    body["flags"] |= EPHEMERAL
                where = f"{path}?wait=true" if method == "POST" else path
                safe = method != "POST"
                return await _told(self._rest.hook(method, where, body, files, safe=safe))

        return await _plainer(call)

    # -- changing messages -----------------------------------------------------------------------

    async def edit(self, ref: Ref, message: Message) -> Ref:
        """Change a message or fill a slot; see `Adapter.edit`."""
        door = read_door(ref.door)
        if door.kind == "press":
            return await self._anew(ref, door, message)
        if door.kind == "slot" and message.private and not door.hidden and not door.dm:
            await self.delete(ref)
            return await self._anew(ref, door, message)
        try:
            found = await self._change(ref, door, message)
        except TooBig as error:
            raise TooBig(limit=FILE_BYTES) from error
        if found is not None:
            return _sent(found, ref.chat, replace(door, kind="message", known=True))
        if door.kind == "slot":  # nothing was shown yet, so nothing can be shown twice
            return await self._anew(ref, door, message)
        raise MessageGone

    async def _anew(self, ref: Ref, door: Door, message: Message) -> Ref:
        """Give the answer as a message of its own: a press has no slot, or the slot is out of
        reach.

        The nonce is made of the interaction, so that a restart in between shows it once.
        """
        place = Place(PLATFORM, ref.chat, private=door.dm, door=ref.door)
        pressed = Ref(PLATFORM, ref.chat, door.source) if door.source else None
        return await self.send(place, message, nonce=f"a{door.interaction}", reply_to=pressed)

    async def _change(self, ref: Ref, door: Door, message: Message) -> dict[str, Any] | None:
        """Change a message by the first way that reaches it; None when none does."""
        if door.open(self._clock()):
            try:
                return await self._hook("PATCH", _hook_path(ref, door), message, door, door.hidden)
            except RefusedError as error:
                if error.code == UNKNOWN_MESSAGE and door.kind == "message":
                    raise MessageGone from error
                log.info("an interaction's token does not reach a message: %s", error)
        if door.hidden or not door.known or not door.member:
            return None
        try:
            return await self._patch(ref, message, door)
        except RefusedError as error:
            if error.code == OLD_MESSAGE:
                raise Offline from error
            log.info("the bot's token does not reach a message: %s", error)
            return None

    async def _patch(self, ref: Ref, message: Message, door: Door) -> dict[str, Any]:
        async def patch(plain: bool) -> dict[str, Any]:
            with self._parcel(message, dict(door.files), door.dm, plain) as (body, files):
                params = _params(body, files)
                return await self._rest.bot(
                    lambda http: _told(http.edit_message(ref.chat, ref.message, params=params))
                )

        return await _plainer(patch)

    async def delete(self, ref: Ref) -> None:
        """Remove a message; one that is out of reach for good stays, and that is no error."""
        door = read_door(ref.door)
        if door.kind == "press":
            return
        if door.open(self._clock()):
            try:
                await self._rest.hook("DELETE", _hook_path(ref, door))
            except RefusedError as error:
                if error.code == UNKNOWN_MESSAGE:
                    return
                log.info("an interaction's token does not reach a message: %s", error)
            else:
                return
        if door.hidden or not door.known or not door.member:
            return
        try:
            await self._rest.bot(lambda http: http.delete_message(int(ref.chat), int(ref.message)))
        except RefusedError as error:
            if error.code != UNKNOWN_MESSAGE:
                log.info("a message stays: %s", error)

    # -- parcels ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _parcel(
        self, message: Message, kept: dict[str, str], dm: bool, plain: bool
    ) -> Iterator[tuple[dict[str, Any], list[discord.File]]]:
        """A message's JSON and its open files, closed at the end. Raises `Offline` without the
        archive.
        """
        body, uploads = payload(message, dm=dm, kept=kept, plain=plain)
        with contextlib.ExitStack() as stack:
            files: list[discord.File] = []
            for media in uploads:
                try:
                    files.append(discord.File(self._path(media), filename(media)))
                except OSError as error:
                    log.error("a file of the archive cannot be read: %s", error)
                    raise Offline from error
                stack.callback(files[-1].close)
            yield body, files


async def _told(call: Awaitable[Any]) -> dict[str, Any]:
    """What a call made. Raises `MaybeSent` for a success that does not say what: its words were
    lost on the way.
    """
    found = await call
    if not isinstance(found, dict) or "id" not in found:
        raise MaybeSent
    return found


async def _plainer(call: Callable[[bool], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Make a call; where Discord finds fault with the message itself, once more without emoji.

    The gateway names buttons by emoji, and a result must not be lost because Discord lacks one.
    """
    try:
        return await call(False)
    except RefusedError as error:
        if error.status != 400 or error.code not in (0, INVALID_BODY):
            raise
        log.error("Discord finds fault with a message: %s", error)
        return await call(True)


def _params(body: dict[str, Any], files: list[discord.File]) -> MultipartParameters:
    """A message as discord.py's HTTP client takes it."""
    if not files:
        return MultipartParameters(payload=body, multipart=None, files=None)
    return MultipartParameters(payload=None, multipart=parts(body, files), files=files)


def _hook_path(ref: Ref, door: Door) -> str:
    message = "@original" if door.original else ref.message
    return f"/webhooks/{door.app}/{door.token}/messages/{message}"


def _answered(place: Place, ref: Ref | None) -> str:
    """The id of the message to reply to; ephemeral ones and those of other chats cannot be."""
    if ref is None or ref.chat != place.chat or not ref.message.isdigit():
        return ""
    door = read_door(ref.door)
    return "" if door.hidden or not door.known else ref.message


def _sent(found: dict[str, Any], chat: str, door: Door) -> Ref:
    files = tuple((str(f["filename"]), str(f["id"])) for f in found.get("attachments") or ())
    return Ref(PLATFORM, chat, str(found["id"]), replace(door, files=files).write())
