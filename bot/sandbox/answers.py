"""The shapes in which a gateway of this kind says no, and how a handler says it.

Owns error bodies shared by all families. A family with a shape of its own keeps that in its module.
"""

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web


class RefusedError(Exception):
    """Raised by a handler to answer with `response` and go no further."""

    def __init__(self, response: web.Response) -> None:
        super().__init__(f"HTTP {response.status}")
        self.response = response


class DroppedError(Exception):
    """Raised to close the connection without an answer. Whatever was done stays done."""


def json_answer(body: Any, status: int = 200, *, spaced: bool = False) -> web.Response:
    """JSON as Go prints it, without spaces; `spaced` prints it as other servers do."""
    separators = (", ", ": ") if spaced else (",", ":")
    text = json.dumps(body, ensure_ascii=False, separators=separators)
    return web.Response(
        status=status,
        body=text.encode(),
        content_type="application/json",
        charset="utf-8",
    )


def openai_error(
    status: int, message: str, *, kind: str = "new_api_error", code: str = ""
) -> web.Response:
    """The OpenAI-like shape: of everything under `/v1`, and of refusals before any family."""
    if kind == "new_api_error":
        stamp = time.strftime("%Y%m%d%H%M%S") + secrets.token_hex(6)
        message = f"{message} (request id: {stamp})"
    error = {"message": message, "type": kind, "param": "", "code": code}
    return json_answer({"error": error}, status)


def invalid_url(method: str, path: str) -> web.Response:
    """What an address that does not exist answers."""
    message = f"Invalid URL ({method} {path})"
    return openai_error(404, message, kind="invalid_request_error")


_REASONS: Mapping[int, str] = {
    413: "Request Entity Too Large",
    502: "Bad gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway time-out",
    524: "A timeout occurred",
}


def html_page(status: int) -> web.Response:
    """What a proxy in front of the gateway answers: a page for people."""
    reason = _REASONS.get(status, "Error")
    text = (
        f"<!DOCTYPE html>\n<html>\n<head><title>{status} {reason}</title></head>\n"
        f"<body>\n<center><h1>{status} {reason}</h1></center>\n<hr><center>nginx</center>\n"
        "</body>\n</html>\n"
    )
    return web.Response(status=status, text=text, content_type="text/html", reason=reason)
