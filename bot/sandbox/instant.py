"""What fakes have in common that answer only when all is done: mishaps, time, and one picture.

Knows the magic words of such calls, and no family.
"""

import asyncio

from aiohttp import web

from bot.sandbox import pictures
from bot.sandbox.answers import DroppedError, RefusedError, html_page, openai_error
from bot.sandbox.ground import Ground, base_of
from bot.sandbox.pictures import Picture, makings


async def work(ground: Ground, words: frozenset[str], seconds: float) -> None:
    """Take the time it takes; what is paid for by now may still be lost."""
    if "lostanswer" in words:
        raise DroppedError
    await asyncio.sleep(seconds * (5.0 if "slow" in words else 1.0) * ground.pace)
    if "e500" in words:
        raise RefusedError(openai_error(500, "do_request_failed", code="do_request_failed"))
    if "html" in words:
        raise RefusedError(html_page(502))


async def drawn(
    ground: Ground, prompt: str, seed: int, ratio: float, letter: str, source: bytes = b""
) -> bytes:
    """One picture, from words or over the picture `source`."""
    cells = (
        makings.blended((source, source), seed, prompt)
        if source
        else makings.imagined((), seed, prompt)
    )
    picture = Picture(cells[:1], ratio, prompt, letter)
    return await asyncio.to_thread(pictures.final, picture, ground.image_size)


def placed(ground: Ground, request: web.Request, data: bytes, words: frozenset[str]) -> str:
    """The address of a picture; some words lead elsewhere."""
    base = base_of(request)
    if "gone404" in words:
        return f"{base}/sandbox/files/gone.png"
    if "loopback" in words:
        return "http://169.254.169.254/secret"
    if "notimage" in words:
        return ground.files.keep(base, b"<!DOCTYPE html><title>Not here</title>", "text/html")
    return ground.files.keep(base, data, "image/png")
