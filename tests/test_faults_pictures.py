"""The result is made, and its picture does not come as it should."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.crash.inside import Inside, inside
from tests.crash.stages import Discord, Telegram

PAID = [("hold", "settle")]
PICTURE = r"^/(sandbox/media|mj/image)/"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside(Telegram(), tmp_path) as found:
        yield found


BROKEN = {
    "gone404": "link is dead",
    "truncated": "arrived broken",
    "notimage": "arrived broken",
    "loopback": "address",
}


@pytest.mark.parametrize("word", BROKEN)
async def test_a_picture_that_cannot_be_had_is_said(house: Inside, word: str) -> None:
    """Why, what it cost, and a button that looks again for nothing; nothing is paid twice."""
    await house.imagine(f"a fox {word}")
    told = await house.sees(BROKEN[word], "It cost $0.10")
    assert "169.254" not in told.text
    assert [label for label in told.buttons if "Look again" in label]
    await house.books.idle()
    assert house.states == ["failed"]
    assert house.money == PAID
    assert len(house.submits) == 1


async def test_looking_again_brings_a_picture_that_was_away(house: Inside) -> None:
    """The link was dead for a while."""
    house.gateway.faults.add(PICTURE, times=None, status=404)
    await house.imagine()
    told = await house.sees("link is dead")
    await house.books.idle()
    house.gateway.faults.clear()
    await house.press(told, "Look again")
    await house.result()
    assert len(house.submits) == 1
    assert house.money == PAID


async def test_looking_again_at_once_is_not_lost(house: Inside) -> None:
    """The press comes while the end is still being noted down."""
    house.gateway.faults.add(PICTURE, times=None, status=404)
    await house.imagine()
    told = await house.sees("link is dead")
    house.gateway.faults.clear()
    await house.press(told, "Look again")
    await house.result()
    await house.books.idle()
    assert house.states == ["done"]
    assert len(house.submits) == 1
    assert house.money == PAID


@pytest.mark.parametrize("status", [429, 500, 502])
async def test_a_picture_that_comes_late_is_waited_for(house: Inside, status: int) -> None:
    """Passing trouble is not told as a failure."""
    house.gateway.faults.add(PICTURE, times=4, status=status)
    await house.imagine()
    await house.result()
    assert house.money == PAID


async def test_a_download_that_breaks_off_is_taken_up(house: Inside) -> None:
    """Half a file is no file."""
    house.gateway.faults.add(PICTURE, times=2, drop="middle")
    await house.imagine()
    await house.result()


async def test_a_slow_picture_is_waited_for(house: Inside) -> None:
    """Other jobs go on meanwhile."""
    house.gateway.faults.add(PICTURE, times=1, delay=1.5)
    await house.imagine("a slow fox")
    await house.imagine("a quick boat")
    await house.stage.wait(house.chat, lambda s: s.picture and s.says("quick boat"))
    await house.stage.wait(house.chat, lambda s: s.picture and s.says("slow fox"))
    await house.books.idle()
    assert house.money == PAID * 2


async def test_a_picture_behind_a_redirect_to_a_private_address_is_not_fetched(
    house: Inside,
) -> None:
    """Not even once."""
    hidden = {"Location": "http://127.0.0.1:9/secret.png"}
    house.gateway.faults.add(PICTURE, times=None, status=302, headers=hidden)
    await house.imagine()
    told = await house.sees("It cost $0.10", "address")
    assert "127.0.0.1" not in told.text


@pytest.mark.parametrize("stage", [Telegram, Discord])
async def test_a_picture_of_64_mb_is_shown_smaller(
    stage: type[Telegram | Discord], tmp_path: Path
) -> None:
    """It says so; the file itself is kept."""
    async with inside(stage(), tmp_path) as house:
        await house.imagine("a fox hugefile")
        shown = await house.sees("Shown smaller than it is", "MB")
        assert shown.picture
        await house.books.idle()
        assert house.money == PAID
    kept = [file.stat().st_size for file in (tmp_path / "archive").rglob("*") if file.is_file()]
    assert max(kept) > 60_000_000
