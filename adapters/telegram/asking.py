"""Forms in a chat: one question after the other, each to be replied to (`ForceReply`).

Everything about an open form is in the store: which message asks what of whom, and the answers so
far. So a reply is understood after any restart, and the same reply taken in again changes nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from telegram import ForceReply

from adapters.telegram.events import Json, caller_of, picture_of, place_of, ref_of, words_of
from adapters.telegram.render import plain, question
from adapters.telegram.sending import Sender
from core.desk import Desk
from core.errors import BadInput, Offline, StoreError
from core.i18n import Say, mark
from core.messages import (
    Attachment,
    Caller,
    Field,
    Filling,
    Form,
    Message,
    Place,
    Ref,
    shorten,
)

log = logging.getLogger(__name__)

KEEP = ("-", "—", "–", "−")
"""What phones make of the one character that keeps what stands there."""
DAYS = 90.0
"""How long a question is remembered."""
OPEN = 600.0
"""Seconds in which words that reply to nothing answer it, in a private chat."""
HINT = 64
"""Characters Telegram shows in an empty field."""

Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The note beside a question."""

    token: str
    owner: str
    at: int
    """Which field of the form it asks for."""
    keep: str = ""
    """What `-` stands for."""
    by: str = ""
    """The event that answered it."""
    text: str = ""
    """What it says, to know it by where its number was not noted."""
    message: str = ""
    """Its number, once that is known."""
    since: float = 0.0
    """Unix time it was asked."""

    def write(self) -> str:
        return json.dumps({k: getattr(self, k) for k in self.__slots__})


@dataclass(slots=True)
class _Course:
    """How far a person is in a form."""

    at: int = 0
    values: Values = field(default_factory=dict)


class Asking:
    """Asks the questions of forms and takes the answers."""

    def __init__(self, desk: Desk, sender: Sender, clock: Callable[[], float]) -> None:
        """Take core's front and the way into chats; `clock` gives Unix seconds."""
        self._desk = desk
        self._sender = sender
        self._clock = clock

    # -- asking --------------------------------------------------------------------------------

    async def begin(self, token: str, caller: Caller) -> None:
        """A form is opened anew: answers given to it before are forgotten."""
        await self._desk.drop(_course_key(token, caller))

    async def ask(
        self,
        place: Place,
        caller: Caller,
        form: Form,
        lead: str,
        reply_to: Ref | None,
        nonce: str,
    ) -> Ref:
        """Show the next question of a form to a person; `lead` stands above the first one."""
        try:
            course = await self._course(form.token, caller)
            at = course.at if course.at < len(form.fields) else 0
            asked = _known(form, course.values)
            text = question(await self._say(caller), asked, at, "" if at else lead)
            hint = shorten(asked.fields[at].hint, HINT) or None
            force = ForceReply(selective=not place.private, input_field_placeholder=hint)
            note = _Asked(
                form.token,
                caller.key,
                at,
                keep=asked.fields[at].value,
                text=plain(text),
                since=self._clock(),
            )
            await self._desk.keep(_open_key(place.chat, caller), note.write(), days=DAYS)
            ref = await self._sender.send(
                place, Message(text, mention=caller), reply_to, nonce=nonce, force=force
            )
            note = replace(note, message=ref.message)
            await self._desk.keep(_key(ref.chat, ref.message), note.write(), days=DAYS)
            await self._desk.keep(_open_key(ref.chat, caller), note.write(), days=DAYS)
        except StoreError:
            raise Offline from None
        return ref

    async def _course(self, token: str, caller: Caller) -> _Course:
        note = await self._desk.kept(_course_key(token, caller))
        return _Course(**json.loads(note)) if note else _Course()

    async def _say(self, caller: Caller) -> Say:
        person = await self._desk.person(caller)
        return self._desk.say(person.get("language") or caller.lang)

    # -- answers -------------------------------------------------------------------------------

    async def answer(self, key: str, message: Json) -> bool:
        """Take a reply to a question; False when the message is none.

        Raises `StoreError`, and a `UserError` to be told.
        """
        found = await self._replied(key, message)
        if found is None:
            return False
        name, asked = found
        caller = caller_of(message["from"])
        if asked.owner != caller.key:
            await self._desk.finish(key)
            return True
        if asked.by not in ("", key):
            raise BadInput(mark("That was answered already."))
        form = await self._desk.form(asked.token, caller)
        course = await self._course(asked.token, caller)
        course.values |= _filled(form.fields[asked.at], asked.keep, message)
        await self._desk.keep(name, replace(asked, by=key).write(), days=DAYS)
        if asked.at + 1 < len(form.fields):
            await self._go_on(key, message, form, _Course(asked.at + 1, course.values))
        else:
            await self._hand_in(key, message, form, course.values)
        return True

    async def _replied(self, key: str, message: Json) -> tuple[str, _Asked] | None:
        """The question a message answers, and the name of its note.

        A reply is known by the message it replies to, or by that one's words where an end of the
        program came before its number was noted. In a private chat, what replies to nothing answers
        the question that was just asked.
        """
        chat, reply = str(message["chat"]["id"]), message.get("reply_to_message")
        name = _key(chat, str(reply["message_id"])) if reply else ""
        if reply and (found := await self._note(name)):
            return name, found
        name = _open_key(chat, caller_of(message["from"]))
        asked = await self._note(name)
        if asked is None:
            return None
        if asked.text not in words_of(reply) if reply else chat.startswith("-"):
            return None
        if asked.message:
            name = _key(chat, asked.message)
            asked = await self._note(name) or asked
        late = asked.by not in ("", key) or self._clock() - asked.since > OPEN
        return None if late and not reply else (name, asked)

    async def _note(self, name: str) -> _Asked | None:
        note = await self._desk.kept(name)
        return _Asked(**json.loads(note)) if note else None

    async def _go_on(self, key: str, message: Json, form: Form, course: _Course) -> None:
        """Keep the answers so far and ask the next question."""
        caller = caller_of(message["from"])
        kept = json.dumps({"at": course.at, "values": _noted(course.values)})
        await self._desk.keep(_course_key(form.token, caller), kept, days=DAYS)
        await self._put(key, message, form)
        await self._desk.finish(key)

    async def _hand_in(self, key: str, message: Json, form: Form, values: Values) -> None:
        """Give core all answers; where they cannot be used it has said why, and they are asked for
        again.
        """
        caller, place = caller_of(message["from"]), place_of(message)
        course = _course_key(form.token, caller)
        filling = Filling(key, caller, place, form.token, _attached(values), ref=ref_of(message))
        error = await self._desk.handle(filling)
        if isinstance(error, BadInput):
            kept = json.dumps({"at": 0, "values": _noted(values)})
            await self._desk.keep(course, kept, days=DAYS)
            await self._put(key, message, form)
        else:
            await self._desk.drop(course)

    async def _put(self, key: str, message: Json, form: Form) -> None:
        caller, place = caller_of(message["from"]), place_of(message)
        asked = Message(form=form, mention=caller)
        await self._desk.post(place, asked, nonce=f"{key[-20:]}-q", reply_to=ref_of(message))


def _filled(asked: Field, keep: str, message: Json) -> Values:
    """The answer to one question; empty when it is left out. Raises `BadInput`."""
    if asked.kind == "image":
        picture = picture_of(message)
        if picture is None and asked.required:
            raise BadInput(mark("Reply to the question with a picture."))
        return {asked.name: picture} if picture is not None else {}
    text = words_of(message).strip()
    if text in KEEP:
        text = keep
    if not text and asked.required:
        raise BadInput(mark("Reply to the question with words."))
    if text and asked.kind == "choice":
        text = _choice(asked, text)
    return {asked.name: text} if text else {}


def _choice(asked: Field, text: str) -> str:
    """The value a person chose by its name or as it is."""
    wanted = text.casefold()
    for value, label in asked.choices:
        if wanted in (value.casefold(), label.casefold()):
            return value
    names = ", ".join(label for _, label in asked.choices)
    raise BadInput(mark("Reply with one of: {list}"), list=names)


def _known(form: Form, values: Mapping[str, Any]) -> Form:
    """The form with answers given before in place of what stood there."""
    fields = tuple(
        replace(one, value=known) if isinstance(known := values.get(one.name), str) else one
        for one in form.fields
    )
    return replace(form, fields=fields)


def _noted(values: Mapping[str, Any]) -> Values:
    """Answers as they are kept between two questions."""
    return {
        k: {"id": v.id, "name": v.name, "size": v.size} if isinstance(v, Attachment) else v
        for k, v in values.items()
    }


def _attached(values: Mapping[str, Any]) -> Values:
    return {k: Attachment(**v) if isinstance(v, dict) else v for k, v in values.items()}


def _key(chat: str, message: str) -> str:
    return f"telegram:ask:{chat}:{message}"


def _open_key(chat: str, caller: Caller) -> str:
    return f"telegram:open:{chat}:{caller.id}"


def _course_key(token: str, caller: Caller) -> str:
    return f"telegram:form:{token}:{caller.id}"
