"""Sounds and videos: what is found out about them, their smaller copies, and their parts."""

from __future__ import annotations

import builtins
import io
from array import array
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from core import clips

HUM = array("h", ((n * n * 37) % 20_000 - 10_000 for n in range(1000))).tobytes()


def sound(form: str = "mp3", codec: str = "libmp3lame", seconds: int = 3, rate: int = 0) -> bytes:
    """Noise of some seconds."""
    target = io.BytesIO()
    with av.open(target, "w", format=form) as out:
        stream: Any = out.add_stream(codec, rate=48_000, layout="mono")
        if rate:
            stream.bit_rate = rate
        _hum(out, stream, seconds)
    return target.getvalue()


def _hum(out: Any, stream: Any, seconds: int) -> None:
    for at in range(seconds * 48):
        frame = av.AudioFrame(format="s16", layout="mono", samples=1000)
        frame.planes[0].update(HUM)
        frame.sample_rate, frame.pts = 48_000, at * 1000
        out.mux(stream.encode(frame))
    out.mux(stream.encode(None))


def film(
    size: tuple[int, int] = (480, 270),
    seconds: int = 2,
    fps: int = 24,
    *,
    heard: bool = False,
    gop: int = 250,
    kind: tuple[str, str, str] = ("mp4", "libx264", "aac"),
) -> bytes:
    """Noise to look at, which no encoder can make small, and to hear; every `gop`-th picture stands
    for itself.
    """
    target, noise = io.BytesIO(), [Image.effect_noise(size, 90).convert("RGB") for _ in range(4)]
    form, pictures, sounds = kind
    with av.open(target, "w", format=form) as out:
        options = {"preset": "ultrafast"} if pictures == "libx264" else {"cpu-used": "8"}
        shown: Any = out.add_stream(pictures, rate=fps, options=options)
        shown.width, shown.height, shown.pix_fmt = *size, "yuv420p"
        shown.codec_context.gop_size = gop
        voice: Any = out.add_stream(sounds, rate=48_000, layout="mono") if heard else None
        for number in range(seconds * fps):
            out.mux(shown.encode(av.VideoFrame.from_image(noise[number % 4])))
        out.mux(shown.encode(None))
        if voice is not None:
            _hum(out, voice, seconds)
    return target.getvalue()


def there(folder: Path, data: bytes) -> Path:
    """A file without an ending, as the archive has them."""
    path = folder / "f"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("form", "codec", "mime"),
    [
        ("mp3", "libmp3lame", "audio/mpeg"),
        ("ogg", "libopus", "audio/ogg"),
        ("wav", "pcm_s16le", "audio/wav"),
        ("flac", "flac", "audio/flac"),
        ("adts", "aac", "audio/aac"),
        ("ipod", "aac", "audio/mp4"),
    ],
)
def test_every_kind_of_sound_tells_its_length(
    tmp_path: Path, form: str, codec: str, mime: str
) -> None:
    """Within a tenth of a second, also where the file itself does not say."""
    facts = clips.measure(there(tmp_path, sound(form, codec)), mime)
    assert facts.seconds == pytest.approx(3, abs=0.15)
    assert (facts.width, facts.height) == (0, 0)


def test_a_video_tells_its_size_and_length_and_shows_its_beginning(tmp_path: Path) -> None:
    """The thumbnail is a JPEG that every chat takes."""
    path = there(tmp_path, film())
    assert clips.measure(path, "video/mp4") == clips.Facts(480, 270, 2.0)
    data = clips.thumbnail(path, "video/mp4")
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (320, 180))
    assert len(data) < 190_000


@pytest.mark.parametrize("data", [b"", b"ID3", b"#EXTM3U\nfile:///etc/passwd\n", bytes(5000)])
def test_what_cannot_be_read_tells_nothing(tmp_path: Path, data: bytes) -> None:
    """Above all no list of other files is followed."""
    path = there(tmp_path, data)
    for mime in (*clips.FORMATS, "text/plain"):
        assert clips.measure(path, mime) == clips.Facts()
        assert clips.thumbnail(path, mime) == b""
        assert clips.smaller(path, mime, 1_000_000) == b""


@pytest.mark.parametrize(("fps", "heard"), [(24, True), (60, False)])
def test_a_video_is_made_to_fit(tmp_path: Path, fps: int, heard: bool) -> None:
    """As long as it was, with its sound, and beginning with what a player needs first."""
    path = there(tmp_path, film(fps=fps, heard=heard))
    most = path.stat().st_size // 4
    made = clips.smaller(path, "video/mp4", most)
    assert 0 < len(made) <= most
    assert made.index(b"moov") < made.index(b"mdat")
    found = clips.measure(there(tmp_path, made), "video/mp4")
    assert found.seconds == pytest.approx(2, abs=0.2)
    with av.open(io.BytesIO(made)) as container:
        assert len(container.streams.audio) == heard
        assert sum(1 for _ in container.decode(video=0)) in range(40, 62)


def test_a_sound_is_made_to_fit(tmp_path: Path) -> None:
    """As an MP3 that is as long."""
    path = there(tmp_path, sound("wav", "pcm_s16le", 6))
    made = clips.smaller(path, "audio/wav", 60_000)
    assert 0 < len(made) <= 60_000
    assert clips.measure(there(tmp_path, made), "audio/mpeg").seconds == pytest.approx(6, abs=0.2)


def test_what_would_be_worthless_is_not_made(tmp_path: Path) -> None:
    """Two seconds of video in a kilobyte help nobody."""
    assert clips.smaller(there(tmp_path, film()), "video/mp4", 1000) == b""
    assert clips.smaller(there(tmp_path, sound()), "audio/mpeg", 1000) == b""


# -- parts -----------------------------------------------------------------------------------------


def cut(folder: Path, data: bytes, mime: str, most: int, count: int = 10) -> list[Path]:
    """A file in parts."""
    return clips.cut(there(folder, data), mime, most, count, folder)


@pytest.mark.parametrize(
    ("mime", "kind"),
    [
        ("video/mp4", ("mp4", "libx264", "aac")),
        ("video/webm", ("webm", "libvpx", "libopus")),
    ],
)
def test_a_video_is_cut_where_a_picture_stands_for_itself(
    tmp_path: Path, mime: str, kind: tuple[str, str, str]
) -> None:
    """Into few parts of like size that fit, each playable from its beginning with its sound, and
    no picture is lost.
    """
    data = film((160, 90), 6, heard=True, gop=12, kind=kind)
    most = len(data) * 2 // 5
    parts = cut(tmp_path, data, mime, most)
    assert len(parts) == 3
    seen = 0
    for part in parts:
        assert most / 2 < part.stat().st_size <= most
        assert clips.measure(part, mime).seconds == pytest.approx(2, abs=0.6)
        with av.open(str(part), format=clips.FORMATS[mime]) as container:
            pictures = list(container.decode(video=0))
            assert pictures[0].key_frame
            assert pictures[0].time is not None
            assert pictures[0].time < 0.2
            seen += len(pictures)
        with av.open(str(part), format=clips.FORMATS[mime]) as container:
            heard = sum(frame.samples for frame in container.decode(audio=0))
            assert heard / 48_000 == pytest.approx(2, abs=0.7)
    assert seen == 6 * 24
    if mime == "video/mp4":
        start = parts[-1].read_bytes()
        assert start.index(b"moov") < start.index(b"mdat")


@pytest.mark.parametrize(
    ("form", "codec", "mime"),
    [
        ("mp3", "libmp3lame", "audio/mpeg"),
        ("ogg", "libopus", "audio/ogg"),
        ("wav", "pcm_s16le", "audio/wav"),
        ("adts", "aac", "audio/aac"),
        ("ipod", "aac", "audio/mp4"),
    ],
)
def test_a_sound_is_cut_anywhere(tmp_path: Path, form: str, codec: str, mime: str) -> None:
    """Its parts together are as long as it was."""
    data = sound(form, codec, 9)
    parts = cut(tmp_path, data, mime, len(data) * 2 // 5)
    assert len(parts) == 3
    assert all(part.stat().st_size <= len(data) * 2 // 5 for part in parts)
    lengths = [clips.measure(part, mime).seconds for part in parts]
    assert sum(lengths) == pytest.approx(9, abs=0.3)
    assert max(lengths) - min(lengths) < 0.8


def test_what_cannot_be_cut_is_left_whole(tmp_path: Path) -> None:
    """Too many parts, no place to cut, a head that tells the length of the whole, no such file."""
    data = film((160, 90), 4, gop=12)
    assert cut(tmp_path, data, "video/mp4", len(data) // 4, 3) == []
    assert cut(tmp_path, film((160, 90), 4), "video/mp4", len(data) // 3) == []
    flac = sound("flac", "flac", 9)
    assert cut(tmp_path, flac, "audio/flac", len(flac) // 2) == []
    assert cut(tmp_path, b"#EXTM3U\nfile:///etc/passwd\n", "video/mp4", 10) == []


def test_a_file_is_not_looked_through_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the time is over, so is the search for places to cut; the file is left whole."""
    data, read, real = film((160, 90), 4, gop=12), [0], clips._packets

    def counted(*given: Any) -> Any:
        for found in real(*given):
            read[0] += 1
            yield found

    monkeypatch.setattr(clips, "_packets", counted)
    monkeypatch.setattr(clips, "SLOWEST", -1.0)
    assert cut(tmp_path, data, "video/mp4", len(data) * 2 // 5) == []
    assert read == [1]


# -- tags ------------------------------------------------------------------------------------------


def test_a_song_names_itself(tmp_path: Path) -> None:
    """Title, artist and cover are read by others; the sound is the same, tagged once or twice."""
    data, cover = sound(), clips.thumbnail(there(tmp_path, film()), "video/mp4")
    once = clips.tagged(data, "Süßer Regen ☔", "Atelier", cover)
    twice = clips.tagged(once, "Other", "", b"")
    with av.open(io.BytesIO(once)) as container:
        assert container.metadata == {"title": "Süßer Regen ☔", "artist": "Atelier"}
        assert len(container.streams.video) == 1
    with av.open(io.BytesIO(twice)) as container:
        assert container.metadata == {"title": "Other"}
    bare = clips.tagged(data, "", "", b"")[10:]
    assert once.endswith(bare)
    assert twice.endswith(bare)
    facts = clips.measure(there(tmp_path, once), "audio/mpeg")
    assert facts.seconds == pytest.approx(3, abs=0.1)


def test_without_the_extra_nothing_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing breaks."""
    path, real = there(tmp_path, film()), builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    assert clips.measure(path, "video/mp4") == clips.Facts()
    assert clips.thumbnail(path, "video/mp4") == b""
    assert clips.smaller(path, "video/mp4", 10_000_000) == b""
    assert clips.cut(path, "video/mp4", 100_000, 10, tmp_path) == []
