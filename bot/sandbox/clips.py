"""Videos and sounds for the sandbox: real, playable files, made on the spot.

Owns encoding and the little there is to see and hear. It knows nothing of tasks, HTTP or time;
nothing here is `async`: callers run it in a thread. Needs PyAV, the extra `media`.
"""

from __future__ import annotations

import functools
import io
import math
from array import array
from fractions import Fraction
from random import Random
from typing import Any

from PIL import Image

from bot.sandbox.pictures import Picture, makings

_FPS = 12
_RATE = 22_050
_SCALE = (0, 2, 4, 7, 9, 12)
"""Half tones above the base note: a pentatonic scale, so that any order sounds well."""


def video(prompt: str, seed: int, seconds: int, ratio: float, start: bytes = b"") -> bytes:
    """An MP4 in which the camera glides over a scene, or over the picture `start`."""
    import av

    width, height = _size(ratio)
    scene = _scene(prompt, seed, ratio, start, width, height)
    target = io.BytesIO()
    framed: Any = av.VideoFrame.from_image
    with av.open(target, "w", format="mp4") as out:
        stream: Any = out.add_stream("libx264", rate=_FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = _FPS  # it can be cut every second
        frames = seconds * _FPS
        for number in range(frames):
            shot = _shot(scene, number / frames, width, height)
            out.mux(stream.encode(framed(shot)))
        out.mux(stream.encode(None))
    return target.getvalue()


def _size(ratio: float) -> tuple[int, int]:
    wide, tall = 320 * ratio**0.5, 320 / ratio**0.5
    return max(round(wide / 2) * 2, 32), max(round(tall / 2) * 2, 32)


def _scene(
    prompt: str, seed: int, ratio: float, start: bytes, width: int, height: int
) -> Image.Image:
    size = (width * 3 // 2, height * 3 // 2)
    if start:
        with Image.open(io.BytesIO(start)) as given:
            return given.convert("RGB").resize(size)
    picture = Picture(makings.imagined((), seed, prompt)[:1], ratio, prompt, "")
    return picture.paint(512).resize(size)


def _shot(scene: Image.Image, at: float, width: int, height: int) -> Image.Image:
    """What the camera sees at a moment from 0 to 1: it glides to the right and comes closer."""
    zoom = 1.0 - 0.25 * at
    wide, tall = scene.width * zoom * 0.8, scene.height * zoom * 0.8
    left = (scene.width - wide) * at
    top = (scene.height - tall) * (0.5 + 0.3 * math.sin(at * 3))
    box = (left, top, left + wide, top + tall)
    return scene.resize((width, height), Image.Resampling.BILINEAR, box)


def song(seed: int, seconds: int) -> bytes:
    """An MP3 of a little tune."""
    dice = Random(seed)
    base = 196 * 2 ** (dice.randrange(6) / 12)
    notes = [base * 2 ** (dice.choice(_SCALE) / 12) for _ in range(16)]
    beat = _RATE // 4
    samples = array("h")
    for number in range(seconds * 4):
        high, low = notes[number % 16], notes[number // 4 * 4 % 16] / 2
        samples.extend(_tone((high, low), beat))
    return encoded(samples, "mp3")


def speech(text: str, seed: int, form: str) -> bytes:
    """A sound that babbles about as long as the text takes to read."""
    dice = Random(seed)
    samples = array("h")
    for word in text.split()[:120]:
        pitch = 120 + dice.randrange(60)
        samples.extend(_tone((pitch, pitch * 2.4), min(len(word), 9) * _RATE // 22))
        samples.extend(array("h", bytes(2 * (_RATE // 25))))
    return encoded(samples or _tone((150.0, 300.0), _RATE // 4), form)


@functools.lru_cache(64)
def _tone(pitches: tuple[float, float], length: int) -> array[int]:
    first, second = (2 * math.pi * p / _RATE for p in pitches)
    fade = max(length // 8, 1)
    return array(
        "h",
        (
            int(
                9000
                * min(n / fade, (length - n) / fade, 1)
                * (math.sin(first * n) + 0.6 * math.sin(second * n))
                / 1.6
            )
            for n in range(length)
        ),
    )


_CODECS = {
    "mp3": ("libmp3lame", "mp3"),
    "opus": ("libopus", "ogg"),
    "aac": ("aac", "adts"),
    "flac": ("flac", "flac"),
    "wav": ("pcm_s16le", "wav"),
}
MIMES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
}


def encoded(samples: array[int], form: str) -> bytes:
    """Mono samples of 16 bits as a file of a kind."""
    import av

    codec, container = _CODECS[form]
    rate = 48_000 if form == "opus" else _RATE
    target = io.BytesIO()
    with av.open(target, "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=rate, layout="mono")
        resampler = av.AudioResampler(stream.format, "mono", rate, stream.frame_size or None)
        step = 4096
        for at in range(0, len(samples), step):
            piece = samples[at : at + step]
            frame = av.AudioFrame(format="s16", layout="mono", samples=len(piece))
            frame.planes[0].update(piece.tobytes())
            frame.sample_rate, frame.pts = _RATE, at
            frame.time_base = Fraction(1, _RATE)
            for ready in resampler.resample(frame):
                out.mux(stream.encode(ready))
        for ready in resampler.resample(None):
            out.mux(stream.encode(ready))
        out.mux(stream.encode(None))
    return target.getvalue()
