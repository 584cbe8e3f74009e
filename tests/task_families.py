"""What the tests of families with tasks share: pictures, asking, and looking."""

from __future__ import annotations

from typing import Any

from core.commands.fit import request_for
from core.messages import Media
from core.providers.base import Outcome, Request, Ticket
from core.providers.tasks import TaskFamily
from core.wire import Answer

PERSON = Media("a" * 64, "image/png", 900, 640, 480)
CLOTH = Media("b" * 64, "image/jpeg", 900, 480, 640)


def asked(
    family: TaskFamily, key: str, prompt: str, *media: Media, kind: str = "video", **options: Any
) -> Request:
    """A request as the commands make it."""
    offer = next(offer for offer in family.offers if offer.key == key)
    assert offer.kind == kind
    roles = ["start", "end"][: len(media)] if kind == "video" else []
    return request_for(offer, prompt, options, media, roles)[0]


def notes(family: TaskFamily, key: str, *media: Media, **options: Any) -> list[str]:
    """What a person is told was changed."""
    offer = next(offer for offer in family.offers if offer.key == key)
    roles = ["start", "end"][: len(media)] if offer.kind == "video" else []
    told = request_for(offer, "a boat", options, media, roles)[1]
    return [text.format(**values) for text, values in told]


def begun(family: TaskFamily, request: Request, body: Any, status: int = 200) -> Ticket:
    """The ticket that a submit's answer gives."""
    found = family.accept(request, Answer(status, body))
    assert isinstance(found, Ticket)
    return found


def looked(family: TaskFamily, request: Request, body: Any, status: int = 200) -> Outcome:
    """What a look tells."""
    path, _ = family.submit(request)
    return family.read(Ticket(family.family, "t1", path), request, Answer(status, body))
