"""A task's fields as values: each may be null, missing or of another type than its contract says.

Pure readers that never raise; knows neither calls nor what a task's states mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from core.providers.base import Remote
from core.wire import Json

MOST_TOKENS = 20_000_000
"""Tokens of a question or an answer above which nobody is believed."""

_IMAGE = re.compile(r"/(?:[\w-]+/)*mj/image/[\w.-]+(?:\?[^\s#]*)?")
"""A picture at the gateway itself, which may not know its own address."""
_CODE = re.compile(r"\s*[0-9]{1,9}\s*")
_PERCENT = re.compile(r"\s*(\d{1,3})(?:\.\d*)?\s*%?\s*")


def text_of(value: Json) -> str:
    """A text, empty when it is none."""
    return value if isinstance(value, str) else ""


def object_of(value: Json) -> Mapping[str, Json]:
    """An object, empty when it is none."""
    return value if isinstance(value, dict) else {}


def list_of(value: Json) -> Sequence[Json]:
    """A list, empty when it is none."""
    return value if isinstance(value, list) else ()


def unfolded(value: Json) -> Json:
    """A value that was printed as a text of JSON, as a value."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def reason_of(value: Json) -> str:
    """The words of a reason, also of one that is an object."""
    about = object_of(value)
    return text_of(value) or text_of(about.get("message")) or text_of(about.get("description"))


def whole(value: Json) -> int | None:
    """A code, also when it was printed as a string."""
    if isinstance(value, str) and _CODE.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def tokens(value: Json) -> int | None:
    """A number of tokens; none that no call can have taken, for it is what people are charged."""
    number = whole(value)
    return number if number is not None and 0 <= number <= MOST_TOKENS else None


def id_of(value: Json) -> str:
    """A task id, always as a string: some print it as a number, with more digits than a float can
    hold.
    """
    if isinstance(value, str):
        return value.strip()
    return (
        str(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else ""
    )


def url_of(value: Json) -> str:
    """A picture's address, or empty."""
    text = text_of(value).strip()
    return text if text.lower().startswith(("http://", "https://")) else ""


def percent_of(value: Json) -> int | None:
    """Percent of `45%`, `"45"` or 45, at most 99; None when there is none. It never tells that a
    task has ended.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:.0f}"
    found = _PERCENT.fullmatch(text_of(value))
    return min(int(found[1]), 99) if found else None


def media_of(task: Mapping[str, Json]) -> tuple[Remote, ...]:
    """The result files: videos where there are any, else the picture, else several of them."""
    videos = urls_of(task.get("videoUrls")) or urls_of([task.get("videoUrl")])
    if videos:
        return tuple(Remote(url, "video") for url in videos)
    here = _IMAGE.fullmatch(text_of(task.get("imageUrl")).strip())
    pictures = [here[0]] if here else urls_of([task.get("imageUrl")])
    pictures = pictures or urls_of(task.get("imageUrls"))
    return tuple(Remote(url) for url in pictures)


def pictures_of(rows: Sequence[Mapping[str, Json]]) -> tuple[Remote, ...]:
    """The pictures of rows that hold an address or the bytes, whatever was asked for."""
    found = []
    for row in rows:
        url, data = url_of(row.get("url")), text_of(row.get("b64_json"))
        inline = text_of(row.get("url"))
        if url:
            found.append(Remote(url))
        elif data or inline.startswith("data:"):
            data = inline if inline.startswith("data:") else data
            found.append(Remote(data if data.startswith("data:") else f"data:;base64,{data}"))
    return tuple(found)


def urls_of(value: Json) -> list[str]:
    """Addresses in a list of strings or of objects with a `url`, or in one of them; each once."""
    entries = value if isinstance(value, list) else [value]
    found = [url_of(entry.get("url") if isinstance(entry, dict) else entry) for entry in entries]
    return list(dict.fromkeys(url for url in found if url))
