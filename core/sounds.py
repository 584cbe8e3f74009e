"""Sounds made over for those who listen: any sound or video as an MP3, with PyAV (the extra
`media`).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from core.archive import Archive
from core.errors import BadInput
from core.i18n import mark
from core.messages import Media

READY = frozenset({"audio/mpeg", "audio/wav", "audio/x-wav"})
"""What language models hear as it is."""
RATE = 24_000
"""Samples a second: enough for speech."""
LONGEST = 600
"""Seconds that are made over."""
NO_PYAV = mark(
    "This bot cannot turn that kind of sound into one the model hears. Send an MP3 or WAV file; "
    "the owner of the bot can mend it by installing the extra “media”."
)
UNHEARD = mark("There is no sound in that file that can be read.")


async def hearable(archive: Archive, media: Media) -> Media:
    """The sound itself where models hear it, else an MP3 of it. Raises `BadInput`."""
    if media.mime in READY:
        return media
    data = await archive.look(mp3, media)

    async def chunks() -> AsyncIterator[bytes]:
        yield data

    return await archive.put(chunks(), name="voice.mp3")


def mp3(path: Path) -> bytes:
    """The first sound of a file as a small MP3; blocks. Raises `BadInput`."""
    try:
        import av
    except ImportError:
        raise BadInput(NO_PYAV) from None
    target = io.BytesIO()
    try:
        with av.open(str(path)) as source, av.open(target, "w", format="mp3") as out:
            heard = source.streams.audio[0]
            made: Any = out.add_stream("libmp3lame", rate=RATE, layout="mono")
            made.bit_rate = 64_000
            resampler = av.AudioResampler(made.format, "mono", RATE, made.frame_size or None)
            with contextlib.suppress(av.error.EOFError):
                for frame in source.decode(heard):
                    if (frame.time or 0.0) > LONGEST:
                        break
                    frame.pts = None
                    for ready in resampler.resample(frame):
                        out.mux(made.encode(ready))
            for ready in resampler.resample(None):
                out.mux(made.encode(ready))
            out.mux(made.encode(None))
    except (OSError, ValueError, IndexError, ArithmeticError):
        raise BadInput(UNHEARD) from None
    return target.getvalue()
