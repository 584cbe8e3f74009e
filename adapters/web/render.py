"""Messages as cards: what the page gets to draw. Pure; knows neither HTTP nor the store.

A card's `text` is CommonMark source, except in what a person said: that is shown as typed. The page
sets text as text, so nothing here needs escaping.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, TypeAlias
from urllib.parse import urlencode

from core.commands.spec import Command
from core.messages import Form, Media, Message

Card: TypeAlias = dict[str, Any]
Sign: TypeAlias = Callable[[str], str]
"""Signs a value for the session the card is for."""


def card(
    key: str,
    message: Message,
    session: str,
    sign: Sign,
    page: Callable[[str], str] = lambda token: "",
) -> Card:
    """A message of the bot; `page` gives the path at which a form can be painted."""
    return {
        "key": key,
        "text": message.text,
        "media": [shown(media, session, sign) for media in message.media],
        "buttons": [asdict(button) for button in message.buttons],
        "progress": message.progress,
        "form": form(message.form, page) if message.form else None,
        "private": message.private,
        "file": message.as_file,
        "mine": False,
    }


def form(asked: Form, page: Callable[[str], str]) -> dict[str, Any]:
    """A form, with the page of the brush where that is of use."""
    paints = any(field.paint for field in asked.fields)
    return {**asdict(asked), "page": page(asked.token) if paints else ""}


def said(key: str, line: str, media: Sequence[Media], session: str, sign: Sign) -> Card:
    """What the person asked for, so that the page reads as a conversation."""
    return {**card(key, Message(line, tuple(media)), session, sign), "mine": True}


def shown(media: Media, session: str, sign: Sign) -> dict[str, Any]:
    """A file with the one address at which this session, and no other, may fetch it."""
    cover = _address(media.cover, "image/jpeg", session, sign) if media.cover else ""
    return {
        "url": _address(media.hash, media.mime, session, sign),
        "alt": media.alt,
        "name": media.name,
        "width": media.width,
        "height": media.height,
        "mime": media.mime,
        "size": media.size,
        "spoiler": media.spoiler,
        "title": media.title,
        "artist": media.artist,
        "cover": cover,
    }


def _address(digest: str, mime: str, session: str, sign: Sign) -> str:
    query = {"type": mime}
    number = session.partition("~")[2]
    if number:
        query["s"] = number
    return f"/media/{sign(signed_file(digest, mime))}/{digest}?{urlencode(query)}"


def signed_file(digest: str, mime: str) -> str:
    """What the address of a file is signed over."""
    return f"media/{digest}/{mime}"


def line(command: Command | None, name: str, values: dict[str, Any]) -> str:
    """A form's values as the command line they stand for; pictures are shown beside it."""
    words, flags = [f"/{name}"], []
    for option, value in values.items():
        spec = command.option(option) if command else None
        if isinstance(value, Media | list) or value in ("", False):
            continue
        if spec and spec.main:
            words.append(str(value))
        elif value is True:
            flags.append(f"--{option}")
        else:
            flags.append(f"--{option} {value}")
    return " ".join([*words, *flags])
