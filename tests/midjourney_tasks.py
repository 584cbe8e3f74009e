"""Midjourney tasks as the stock gateway prints them, and looks at them."""

from typing import Any

from core.messages import Media
from core.providers.base import Invite, Request, Result, Ticket
from core.providers.midjourney import Midjourney
from core.wire import Answer

ID = "1730621826053455"
HASH = "3785da15-1f0a-4b1c-9a33-0123456789ab"
TICKET = Ticket("midjourney", ID)
PICTURE = Media("a" * 64, "image/png", 9)
FOX = Request("mj_imagine", "image", "a fox")
SCAN = Request("mj_describe", "describe", media=(PICTURE,))
U2 = Request("mj_upscale", "continue", "a fox", options={"action": "UPSCALE"}, parent=TICKET)
LINK = "https://cdn.example/attachments/1/x.png?ex=6728831f&is=6727319f&hm=ab&"
mj = Midjourney()


def task(status: Any = "SUCCESS", **more: Any) -> dict[str, Any]:
    """A task as the stock gateway prints it."""
    return {
        "id": ID,
        "action": "IMAGINE",
        "customId": "",
        "botType": "",
        "prompt": "a fox",
        "promptEn": "a fox",
        "description": "Submit success",
        "state": "",
        "submitTime": 1730621826053,
        "startTime": 0,
        "finishTime": 0,
        "imageUrl": LINK if status == "SUCCESS" else "",
        "status": status,
        "progress": "0%",
        "failReason": "",
        "buttons": None,
        "maskBase64": "",
        "properties": None,
        **more,
    }


def look(body: Any, request: Request = FOX, status: int = 200) -> Any:
    return mj.read(TICKET, request, Answer(status, body))


def button(custom_id: str, label: Any = "", emoji: Any = "", style: Any = 2) -> dict[str, Any]:
    return {"customId": custom_id, "emoji": emoji, "label": label, "type": 2, "style": style}


GRID = [
    *[button(f"MJ::JOB::upsample::{n}::{HASH}", f"U{n}") for n in range(1, 5)],
    button(f"MJ::JOB::reroll::0::{HASH}::SOLO", "", "🔄"),
    *[button(f"MJ::JOB::variation::{n}::{HASH}", f"V{n}") for n in range(1, 5)],
]


def invites(buttons: Any, **more: Any) -> tuple[Invite, ...]:
    result = look(task(buttons=buttons, **more))
    assert isinstance(result, Result)
    return result.invites
