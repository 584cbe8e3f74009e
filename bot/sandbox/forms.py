"""Multipart forms, read from a body that the record of requests has read already."""

import asyncio
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol

from bot.sandbox.answers import RefusedError, openai_error


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a form."""

    name: str
    mime: str
    data: bytes


async def form_of(request: web.Request) -> tuple[dict[str, str], dict[str, list[Upload]]]:
    """Fields and files of a multipart form; a body that is none is refused."""
    raw = await request.read()
    loop = asyncio.get_running_loop()
    stream = aiohttp.StreamReader(BaseProtocol(loop), 2**27, loop=loop)
    stream.feed_data(raw)
    stream.feed_eof()
    fields: dict[str, str] = {}
    files: dict[str, list[Upload]] = {}
    try:
        reader = aiohttp.MultipartReader(request.headers, stream)
        while (part := await reader.next()) is not None:
            if not isinstance(part, aiohttp.BodyPartReader) or part.name is None:
                continue
            data = bytes(await part.read())
            if part.filename is None:
                fields[part.name] = data.decode()
            else:
                mime = part.headers.get("Content-Type", "")
                files.setdefault(part.name, []).append(Upload(part.filename, mime, data))
    except (ValueError, AssertionError, UnicodeDecodeError):
        message = "a multipart form is needed"
        raise RefusedError(openai_error(400, message, kind="invalid_request_error")) from None
    return fields, files
