"""What results are about, and which are near: the pure parts of a search."""

from __future__ import annotations

import struct
from dataclasses import replace

from core.commands.find import TEXT, about, index_of, nearest
from core.providers.base import Request
from tests.making import make_job


def packed(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def test_the_nearest_comes_first_whatever_its_length() -> None:
    """Only where a vector points counts."""
    known = [
        ("far", packed(0.2, 1.0)),
        ("near", packed(30.0, 3.0)),
        ("half", packed(0.01, 0.01)),
    ]
    assert nearest(packed(1.0, 0.0), known, 9) == ["near", "half"]
    assert nearest(packed(1.0, 0.0), known, 1) == ["near"]
    assert nearest(packed(0.0, 1.0), known, 9) == ["far", "half"]


def test_of_equals_the_first_comes_first() -> None:
    """They come newest first."""
    known = [("new", packed(1.0, 0.0)), ("old", packed(1.0, 0.0))]
    assert nearest(packed(1.0, 0.0), known, 9) == ["new", "old"]


def test_what_cannot_be_compared_is_left_out() -> None:
    """Vectors of another length, of no length, and those that point the other way."""
    known = [
        ("longer", packed(1.0, 0.0, 0.0)),
        ("none", packed(0.0, 0.0)),
        ("back", packed(-1.0, 0.0)),
    ]
    assert nearest(packed(1.0, 0.0), known, 9) == []
    assert nearest(packed(0.0, 0.0), [("one", packed(1.0, 0.0))], 9) == []
    assert nearest(packed(1.0), [], 9) == []


def test_a_result_is_about_what_was_asked_and_answered() -> None:
    """Without flags and marks, in one line, and not for ever."""
    job = make_job(1, request=Request("m", "image", "a  fox\nin snow --ar 16:9"))
    assert about(job) == "a fox in snow"
    assert about(replace(job, text="**It** is _red_.", markdown=True)) == "a fox in snow It is red."
    assert about(replace(job, answered=True, final_prompt="a wolf --v 7")) == "a wolf"
    assert len(about(replace(job, text="x" * 9999))) == TEXT


def test_a_result_without_words_is_about_what_it_is() -> None:
    """So that it is read once like any other."""
    job = make_job(1, command="blend", request=Request("m", "blend"))
    assert about(job) == "blend"
    assert about(replace(job, title="U2")) == "U2"


def test_the_same_text_is_sent_once() -> None:
    """And is that of all its jobs."""
    jobs = [make_job(n, request=Request("m", "image", w)) for n, w in enumerate(["a", "b", "a"])]
    assert index_of(jobs) == [{"text": "a", "jobs": ["j0", "j2"]}, {"text": "b", "jobs": ["j1"]}]
