"""Sounds and videos looked into, made smaller and cut, with PyAV (the extra `media`).

Every function here is pure but for the files it is given, and blocks: callers run it in a thread.
Without PyAV nothing is measured or made, and that is all. A file is opened as what its first bytes
say it is and never as a list of other files, which some formats are.
"""

from __future__ import annotations

import io
import itertools
import logging
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from PIL import Image

if TYPE_CHECKING:
    from av.container import InputContainer

log = logging.getLogger(__name__)

FORMATS = {
    "video/mp4": "mp4",
    "video/webm": "matroska",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/flac": "flac",
    "audio/aac": "aac",
    "audio/mp4": "mp4",
}
"""How files of a type are opened."""
MUXERS = {
    "video/mp4": "mp4",
    "video/webm": "webm",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "audio/aac": "adts",
    "audio/mp4": "ipod",
}
"""How parts of a type are written. Not FLAC, whose head would tell the length of the whole."""
PROBE = {"probesize": "5000000", "analyzeduration": "3000000"}
"""How much is read to find out what is in a file: bytes, microseconds."""
PATIENCE = 3.0
"""Seconds in which the end of a file is looked for that does not tell its length."""
SLOWEST = 240.0
"""Seconds a smaller copy may take to make, or parts."""
THUMB = 320
"""Pixels of a thumbnail's longer side."""
SPARE = 0.92
"""Share of the bytes that is planned for; the rest is for the container and for bad guesses."""
FILLED = 0.97
"""The same of a part, whose bytes are known: the rest is for the container alone."""
HEIGHTS = (1080, 720, 540, 360, 240)
"""Lines of a smaller copy: the most that its bytes can fill."""
GRAIN = 0.05
"""Bits a pixel below which a video is better with fewer pixels."""
LEAST_VIDEO, LEAST_SOUND, SOUND = 60_000, 24_000, 128_000
"""Bits a second: below the first two nothing is worth making; the third is as good as any."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a file tells; 0 where it does not."""

    width: int = 0
    height: int = 0
    seconds: float = 0.0


def _open(path: Path, mime: str) -> InputContainer | None:
    """A file opened for reading; None without PyAV and for what it cannot read."""
    try:
        import av
    except ImportError:
        return None
    try:
        return av.open(str(path), format=FORMATS[mime], options=PROBE)
    except Exception as error:  # a library in C, and anybody's bytes
        log.info("a file cannot be looked into: %s", type(error).__name__)
        return None


def measure(path: Path, mime: str) -> Facts:
    """Size and length of a sound or video; nothing of a file that cannot be read."""
    found = _open(path, mime)
    if found is None:
        return Facts()
    with found as container:
        try:
            return _facts(container, mime)
        except Exception as error:
            log.info("a file was not measured: %s", type(error).__name__)
            return Facts()


def _facts(container: InputContainer, mime: str) -> Facts:
    video = next(iter(container.streams.video), None)
    seconds = (container.duration or 0) / 1_000_000 or _last(container)
    if video is None or not mime.startswith("video/"):  # a song's is its cover
        return Facts(seconds=seconds)
    return Facts(video.codec_context.width, video.codec_context.height, seconds)


def _last(container: InputContainer) -> float:
    """Where the last packet ends, as far as there is time to look."""
    until, last = time.monotonic() + PATIENCE, 0.0
    for packet in container.demux():
        if packet.pts is not None and packet.time_base is not None:
            last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if time.monotonic() > until:
            break
    return last


def thumbnail(path: Path, mime: str) -> bytes:
    """A small JPEG of a video's beginning; nothing where that cannot be had."""
    found = _open(path, mime)
    if found is None:
        return b""
    with found as container:
        try:
            frame = next(iter(container.decode(video=0)))
            picture: Image.Image = cast(Any, frame).to_image()
            turned = getattr(frame, "rotation", 0)
        except Exception as error:
            log.info("a video has no thumbnail: %s", type(error).__name__)
            return b""
    picture.thumbnail((THUMB, THUMB))
    target = io.BytesIO()
    picture.rotate(turned, expand=True).convert("RGB").save(target, "JPEG", quality=85)
    return target.getvalue()


# -- smaller copies --------------------------------------------------------------------------------


def smaller(path: Path, mime: str, most: int) -> bytes:
    """A copy of at most `most` bytes, an MP4 or an MP3; nothing where that cannot be had.

    A copy that came out too large is made once more with less.
    """
    share, until = SPARE, time.monotonic() + SLOWEST
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "copy"
        for _ in range(2):
            if not _copy(path, mime, int(most * share), until, target):
                break
            size = target.stat().st_size
            if size <= most:
                return target.read_bytes()
            share *= 0.9 * most / size
    return b""


def _copy(path: Path, mime: str, most: int, until: float, target: Path) -> bool:
    """Write a copy of about `most` bytes to `target`; False where that cannot be had."""
    found = _open(path, mime)
    if found is None:
        return False
    with found as container:
        try:
            facts = _facts(container, mime)
            container.seek(0)
            rate = int(8 * most / facts.seconds) if facts.seconds else 0
            film = container.streams.video and mime.startswith("video/")
            return (_video if film else _sound)(container, facts, rate, until, target)
        except Exception as error:
            log.info("no smaller copy of a file: %s", type(error).__name__)
            return False


def _sound(container: InputContainer, facts: Facts, rate: int, until: float, target: Path) -> bool:
    """An MP3 of `rate` bits a second."""
    del facts
    if rate < LEAST_SOUND or not container.streams.audio:
        return False
    import av

    with av.open(str(target), "w", format="mp3") as out:
        stream: Any = out.add_stream("libmp3lame", rate=44_100 if rate >= 64_000 else 22_050)
        stream.layout = "stereo" if rate >= 64_000 else "mono"
        stream.bit_rate = min(rate, SOUND) // 8000 * 8000
        for frame in _timely(container.decode(audio=0), until):
            frame.pts = None
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return True


def _video(container: InputContainer, facts: Facts, rate: int, until: float, target: Path) -> bool:
    """An MP4 of `rate` bits a second, sound and picture together, that plays while it loads."""
    sound = min(96_000, rate // 4) if container.streams.audio else 0
    left = rate - sound
    if left < LEAST_VIDEO:
        return False
    import av

    source = container.streams.video[0]
    fps = min(source.average_rate or 25, 30)
    width, height = _size(facts, left, float(fps))
    with av.open(str(target), "w", format="mp4", options={"movflags": "faststart"}) as out:
        pictures: Any = out.add_stream("libx264", rate=fps, options={"preset": "veryfast"})
        pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv420p"
        pictures.bit_rate, pictures.codec_context.max_b_frames = left, 0
        voices: Any = out.add_stream("aac", rate=44_100, layout="stereo") if sound else None
        if voices is not None:
            voices.bit_rate = sound
        streams = [source, *container.streams.audio[:1]]
        last = -1
        for frame in _timely(container.decode(streams), until):
            if isinstance(frame, av.VideoFrame):
                at = int((frame.time or 0.0) * fps)
                if at > last:  # of a faster video not every frame
                    out.mux(pictures.encode(frame.reformat(width, height, "yuv420p")))
                last = max(last, at)
            elif voices is not None:
                out.mux(voices.encode(frame))
        for stream in (pictures, voices):
            if stream is not None:
                out.mux(stream.encode(None))
    return True


def _timely(frames: Iterable[Any], until: float) -> Iterator[Any]:
    """Frames, as long as there is time. Raises `TimeoutError`."""
    for frame in frames:
        if time.monotonic() > until:
            raise TimeoutError
        yield frame


def _size(facts: Facts, rate: int, fps: float) -> tuple[int, int]:
    """Width and height, even, of a video that `rate` bits a second can fill."""
    short = min(facts.width, facts.height)
    ratio = max(facts.width, facts.height) / max(short, 1)
    fit = (h for h in HEIGHTS if h <= short and h * h * ratio * fps * GRAIN <= rate)
    scale = next(fit, min(HEIGHTS[-1], short)) / max(short, 1)
    return max(round(facts.width * scale / 2) * 2, 2), max(round(facts.height * scale / 2) * 2, 2)


# -- parts -----------------------------------------------------------------------------------------


def cut(path: Path, mime: str, most: int, count: int, folder: Path) -> list[Path]:
    """A file in at most `count` parts of at most `most` bytes, in `folder` and in their order;
    nothing where that cannot be had.

    Nothing is encoded anew: a video is cut where a picture stands for itself, a sound anywhere.
    """
    until = time.monotonic() + SLOWEST
    steps = _steps(path, mime, until) if mime in MUXERS else []
    for share in (FILLED, FILLED * 0.9):
        cuts = _cuts(steps, int(most * share), count)
        if not cuts:
            return []
        made = _parts(path, mime, cuts, until, folder)
        if made and all(part.stat().st_size <= most for part in made):
            return made
    return []


def _steps(path: Path, mime: str, until: float) -> list[int]:
    """Bytes from each place where the file can be cut to the next; nothing where that is not known
    in time.
    """
    found = _open(path, mime)
    if found is None:
        return []
    steps: list[int] = []
    with found as container:
        try:
            for packet, whole in _timely(_packets(container, mime), until):
                if whole or not steps:
                    steps.append(0)
                steps[-1] += packet.size
        except Exception as error:
            log.info("a file cannot be cut: %s", type(error).__name__)
            return []
    return steps


def _packets(container: InputContainer, mime: str) -> Iterator[tuple[Any, bool]]:
    """A file's packets as they lie, and whether a part can begin with each."""
    shown = container.streams.video[:1] if mime.startswith("video/") else ()
    lead = next(iter((*shown, *container.streams.audio)), None)
    streams = [*shown, *container.streams.audio[:1]]
    for packet in container.demux(streams):
        if packet.dts is not None:  # else it is the end
            yield packet, packet.stream is lead and packet.is_keyframe


def _cuts(steps: list[int], most: int, count: int) -> list[int]:
    """How many steps make up each part, as evenly as few parts of `most` bytes allow; nothing where
    `count` parts are not enough.
    """
    if not steps or max(steps) > most:
        return []
    best = _filled(steps, most)
    if not 1 < len(best) <= count:
        return []
    low, high = max(steps), most
    while low < high:
        middle = (low + high) // 2
        if len(_filled(steps, middle)) <= len(best):
            high = middle
        else:
            low = middle + 1
    return _filled(steps, low)


def _filled(steps: list[int], most: int) -> list[int]:
    """The same, each part as full as it gets."""
    parts, size = [0], 0
    for step in steps:
        if size + step > most and parts[-1]:
            parts.append(0)
            size = 0
        parts[-1] += 1
        size += step
    return parts


def _parts(path: Path, mime: str, cuts: list[int], until: float, folder: Path) -> list[Path]:
    """Write the parts; nothing where that does not work."""
    found = _open(path, mime)
    if found is None:
        return []
    with found as container:
        try:
            packets = _timely(_packets(container, mime), until)
            return list(_written(container, mime, packets, cuts, folder))
        except Exception as error:
            log.info("a file was not cut: %s", type(error).__name__)
            return []


def _written(
    container: InputContainer,
    mime: str,
    packets: Iterator[tuple[Any, bool]],
    cuts: list[int],
    folder: Path,
) -> Iterator[Path]:
    """Each part as a file of its own."""
    for number, part in itertools.groupby(_numbered(packets, cuts), key=itemgetter(0)):
        target = folder / f"part-{number}"
        _write(container, mime, (packet for _, packet in part), target)
        yield target


def _numbered(packets: Iterator[tuple[Any, bool]], cuts: list[int]) -> Iterator[tuple[int, Any]]:
    """Packets, each with the number of its part."""
    numbers = [number for number, steps in enumerate(cuts) for _ in range(steps)]
    step = -1
    for packet, whole in packets:
        step += whole or step < 0
        yield numbers[step], packet


def _write(container: InputContainer, mime: str, packets: Iterator[Any], target: Path) -> None:
    """One part, whose time begins anew."""
    import av

    form = MUXERS[mime]
    options = {"movflags": "faststart"} if form in ("mp4", "ipod") else {}
    shown = container.streams.video[:1] if mime.startswith("video/") else ()
    with av.open(str(target), "w", format=form, options=options) as out:
        sources = (*shown, *container.streams.audio[:1])
        streams = {one.index: out.add_stream_from_template(one) for one in sources}
        began: Fraction | None = None
        for packet in packets:
            began = packet.dts * packet.time_base if began is None else began
            shift = round(began / packet.time_base)
            packet.dts -= shift
            packet.pts = packet.dts if packet.pts is None else packet.pts - shift
            packet.stream = streams[packet.stream.index]
            out.mux(packet)


# -- tags ------------------------------------------------------------------------------------------


def tagged(data: bytes, title: str, artist: str, cover: bytes) -> bytes:
    """An MP3 that names itself: an ID3v2.3 tag before the sound, in place of one that is there."""
    texts = ((b"TIT2", title), (b"TPE1", artist))
    frames = [_frame(name, b"\x01" + words.encode("utf-16")) for name, words in texts if words]
    if cover:
        frames.append(_frame(b"APIC", b"\x00image/jpeg\x00\x03\x00" + cover))
    body = b"".join(frames)
    head = b"ID3\x03\x00\x00" + bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return head + body + _untagged(data)


def _frame(name: bytes, content: bytes) -> bytes:
    return name + len(content).to_bytes(4, "big") + b"\x00\x00" + content


def _untagged(data: bytes) -> bytes:
    """An MP3 without the tag at its beginning."""
    if data[:3] != b"ID3" or len(data) < 10:
        return data
    size = sum(
        (byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True)
    )
    return data[10 + size + (10 if data[5] & 0x10 else 0) :]
