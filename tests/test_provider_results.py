"""Midjourney's results: their files, and the buttons under them."""

from typing import Any

import pytest

from core.providers.base import Remote
from core.providers.midjourney import OFFERS
from tests.midjourney_tasks import FOX, GRID, HASH, TICKET, U2, button, invites, look, mj, task


def test_a_grid_has_midjourneys_own_rows() -> None:
    """U1-U4 and 🔄 over V1-V4, each costing what it books."""
    found = invites(GRID, properties={"finalPrompt": "a fox"})

    assert [(i.row, i.label or i.emoji) for i in found] == [
        *[(0, f"U{n}") for n in range(1, 5)],
        (0, "🔄"),
        *[(1, f"V{n}") for n in range(1, 5)],
    ]
    asked = [i.request for i in found if i.request]
    assert [r.offer for r in asked] == ["mj_upscale"] * 4 + ["mj_reroll"] + ["mj_variation"] * 4
    assert [r.options["index"] for r in asked] == [1, 2, 3, 4, 1, 1, 2, 3, 4]
    assert {r.parent for r in asked} == {TICKET}
    assert {r.prompt for r in asked} == {"a fox"}


@pytest.mark.parametrize("buttons", [None, [], "odd", [None, 3, {}]])
def test_a_grid_whose_buttons_are_not_told_has_them_by_number(buttons: Any) -> None:
    """U, V and 🔄 need nothing but the grid's own number."""
    found = invites(buttons)

    assert [i.label or i.emoji for i in found] == [
        "U1", "U2", "U3", "U4", "🔄", "V1", "V2", "V3", "V4",
    ]  # fmt: skip
    assert all(i.request and "custom_id" not in i.request.options for i in found)


def test_only_grids_that_change_takes_go_by_number() -> None:
    """Under a pan or a zoom, U and V have ids alone."""
    found = invites(GRID, action="PAN")

    assert all(i.request and "index" not in i.request.options for i in found)
    assert all(mj.call(i.request).path == "/mj/submit/action" for i in found if i.request)


SINGLE: list[tuple[str, str, str, str, str]] = [
    # custom id after MJ::, label, emoji as the gateway gives them; shown; offer
    ("JOB::upsample_v5_2x::1::h::SOLO", "Upscale (2x)", "", "⏫ Upscale (2x)", "mj_upscale"),
    ("JOB::upsample_v6_2x_subtle::1::h::SOLO", "", "upscale_1", "⏫", "mj_upscale"),
    ("JOB::upsample_v6r1_2x_creative::1::h", "Upscale (Creative)", "upscale_1",
     "⏫ Upscale (Creative)", "mj_upscale"),
    ("JOB::upsample_v7_2x_subtle::1::h::SOLO", "Upscale (Subtle)", "⏫", "⏫ Upscale (Subtle)",
     "mj_upscale"),
    ("JOB::low_variation::1::h::SOLO", "Vary (Subtle)", "🪄", "🪄 Vary (Subtle)",
     "mj_low_variation"),
    ("JOB::high_variation::1::h::SOLO", "Vary (Strong)", "", "🪄 Vary (Strong)",
     "mj_high_variation"),
    ("Inpaint::1::h::SOLO", "Vary (Region)", "🖌️", "🖌️ Vary (Region)", "mj_modal"),
    ("Outpaint::50::1::h::SOLO", "Zoom Out 2x", "🔍", "🔍 Zoom Out 2x", "mj_zoom"),
    ("Outpaint::75::1::h::SOLO", "Zoom Out 1.5x", "🔍", "🔍 Zoom Out 1.5x", "mj_zoom"),
    ("Outpaint::100::1::h::SOLO", "Make Square", "", "↔️ Make Square", "mj_zoom"),
    ("CustomZoom::h", "Custom Zoom", "🔍", "🔍 Custom Zoom", "mj_modal"),
    ("CustomZoom::1::h", "", "", "🔍", "mj_modal"),
    ("JOB::pan_left::1::h::SOLO", "", "⬅️", "⬅️", "mj_pan"),
    ("JOB::pan_right::1::h::SOLO", None, "➡️", "➡️", "mj_pan"),
    ("JOB::pan_up::1::h::SOLO", "", "⬆️", "⬆️", "mj_pan"),
    ("JOB::pan_down::1::h::SOLO", "", None, "⬇️", "mj_pan"),
    ("JOB::animate_high::1::h::SOLO", "Animate (High motion)", "🎞️", "🎞️ Animate (High motion)",
     "mj_video"),
    ("JOB::animate_low::1::h::SOLO", "Animate (Low motion)", "🎞️", "🎞️ Animate (Low motion)",
     "mj_video"),
    ("JOB::animate_low_extend::1::h", "", "", "🎞️", "mj_video"),
    ("JOB::video_virtual_upscale::3::h", "", "", "U3", "mj_upscale"),
    ("JOB::make_it_better::1::h", "", "", "Make it better", "mj_variation"),
    ("JOB::new_thing::1::h", "Brand new", "✨", "✨ Brand new", "mj_variation"),
]  # fmt: skip


@pytest.mark.parametrize(("rest", "label", "emoji", "shown", "offer"), SINGLE)
def test_the_table_of_buttons(rest: str, label: Any, emoji: Any, shown: str, offer: str) -> None:
    """Each has a face, whatever the gateway leaves out, and is charged as what it books."""
    (found,) = invites([button(f"MJ::{rest}", label, emoji)], action="UPSCALE")

    assert " ".join(part for part in (found.emoji, found.label) if part) == shown
    assert found.request is not None
    assert found.request.offer == offer
    assert offer in {one.key for one in OFFERS}
    assert mj.call(found.request).json["customId"] == f"MJ::{rest}"


@pytest.mark.parametrize(
    "custom_id",
    [
        f"MJ::BOOKMARK::{HASH}",
        "MJ::Job::PicReader::1",
        "MJ::Job::PicReader::all",
        "MJ::Picread::Retry",
        "MJ::Job::PromptAnalyzer::2",
        "MJ::CancelJob::ByJobid::x",
        "MJ::iframe::token",
        "MJ::RemixModal::x",
        "MJ::OutpaintCustomZoomModal::x",
        "bookmark",
        "MJ::",
        None,
    ],
)
def test_buttons_that_make_no_task_are_never_shown(custom_id: Any) -> None:
    """Nor those that are answered here without the gateway."""
    assert invites([button(custom_id, "x", "❤️")], action="UPSCALE") == ()


def test_link_buttons_stay_links() -> None:
    """With a label of their own or the name of where they lead; only to web addresses."""
    web = {"style": 5, "label": "Web", "emoji": "", "url": "https://www.midjourney.com/jobs/1"}
    bare = {"style": 5, "label": "", "url": "https://docs.midjourney.com/"}
    bad = [{"style": 5, "url": u} for u in ("javascript:x", "http://a.b/", "https://", None, "x")]
    found = invites([web, bare, *bad], action="UPSCALE")

    assert [(i.label, i.url, i.request) for i in found] == [
        ("Web", web["url"], None),
        ("docs.midjourney.com", bare["url"], None),
    ]


def test_a_used_button_keeps_its_style() -> None:
    """Midjourney colours what was pressed."""
    found = invites([button(f"MJ::JOB::upsample::1::{HASH}", "U1", style=1)])
    assert [i.style for i in found] == ["primary"]


def test_a_flood_of_buttons_fits_four_rows_of_five() -> None:
    """The fifth row is the bot's own; doubles come once."""
    many = [button(f"MJ::JOB::odd_{n}::1::{HASH}", f"B{n}") for n in range(60)] * 2
    found = invites(many, action="UPSCALE")

    rows = [i.row for i in found]
    assert {row: rows.count(row) for row in rows} == dict.fromkeys(range(4), 5)
    assert len({i.key for i in found}) == len(found)


def test_an_animation_is_a_video() -> None:
    """By `videoUrls` or by the older `videoUrl`; the still beside it is no result."""
    urls = [{"url": "https://c.example/1.mp4"}, "https://c.example/2.mp4", {"url": None}, None]
    many = look(task("SUCCESS", action="VIDEO", videoUrls=urls), U2)
    one = look(task("SUCCESS", action="VIDEO", videoUrl="https://c.example/1.mp4"), U2)

    assert many.media == tuple(Remote(f"https://c.example/{n}.mp4", "video") for n in (1, 2))
    assert one.media == (Remote("https://c.example/1.mp4", "video"),)


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ("/mj/image/1730621826053455?rand=7", ["/mj/image/1730621826053455?rand=7"]),
        ("//evil.example/mj/image/1", []),
        ("/mj/../admin", []),
        ("/etc/passwd", []),
    ],
)
def test_a_gateway_may_not_know_its_own_address(printed: str, found: list[str]) -> None:
    """Its picture is a result all the same; no other path is."""
    seen = look(task("SUCCESS", imageUrl=printed))

    assert [one.url for one in getattr(seen, "media", ())] == found


def test_pictures_without_a_grid_all_come() -> None:
    """Some proxies give four pictures and no grid."""
    urls = [{"url": f"https://c.example/{n}.png"} for n in range(4)]
    assert len(look(task("SUCCESS", imageUrl="", imageUrls=urls)).media) == 4


def test_a_changed_prompt_is_what_the_next_buttons_carry() -> None:
    """After a remix or a zoom the gateway's last word on the prompt counts."""
    done = task(properties={"finalPrompt": "a wolf --v 7"}, buttons=GRID, action="VARIATION")
    assert {i.request.prompt for i in look(done, U2).invites} == {"a wolf --v 7"}
    assert {i.request.prompt for i in look(done, FOX).invites} == {"a fox"}
