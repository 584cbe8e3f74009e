"""Who may ask: keys, as a gateway of this kind reads and refuses them.

Owns authentication. Messages are Chinese unless the client asks for English, as upstream.
"""

from collections.abc import Collection

from aiohttp import web

from bot.sandbox.answers import openai_error

_MESSAGES = {
    "none": ("未提供令牌", "No token provided"),
    "bad": ("无效的令牌", "Invalid token"),
    "channel": (
        "普通用户不支持指定渠道",
        "Only administrators may choose a channel with the key",
    ),
    "exhausted": ("该令牌额度已用尽", "This token's quota is exhausted"),
}


class Keys:
    """The keys that are accepted. A leading `sk-` makes no difference."""

    def __init__(self, keys: Collection[str]) -> None:
        self._keys = frozenset(key.removeprefix("sk-") for key in keys)

    def refuse(self, request: web.Request, *, exhausted: bool) -> web.Response | None:
        """The refusal, or None when the key is good."""
        given = _given(request)
        if not given:
            return _refusal(request, 401, "none")
        if given not in self._keys:
            # Only the text up to the first "-" is the key; what follows names a channel.
            known = given.split("-")[0] in self._keys
            return _refusal(request, 403, "channel") if known else _refusal(request, 401, "bad")
        if exhausted:
            return _refusal(request, 401, "exhausted", f"[sk-{given[:3]}***{given[-3:]}] ")
        return None


def _given(request: web.Request) -> str:
    header = request.headers.get("Authorization", "").strip()
    if header.lower().startswith("bearer "):
        header = header[7:].strip()
    if header in ("", "midjourney-proxy"):
        header = request.headers.get("mj-api-secret", "").strip()
    return header.removeprefix("sk-")


def _refusal(request: web.Request, status: int, why: str, prefix: str = "") -> web.Response:
    chinese, english = _MESSAGES[why]
    wants_english = request.headers.get("Accept-Language", "").lower().startswith("en")
    return openai_error(status, prefix + (english if wants_english else chinese))
