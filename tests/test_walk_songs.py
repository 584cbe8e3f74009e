"""Songs and their words, as a person meets them."""

from __future__ import annotations

import time
from pathlib import Path

from tests.families_kit import Person, house, plain
from tests.web_kit import Card, button


def sounds(card: Card) -> int:
    return sum(media["mime"] == "audio/mpeg" for media in card["media"])


async def test_a_song_by_an_idea(tmp_path: Path) -> None:
    """Two takes, the beginning of what is sung, and a button for each."""
    async with house(tmp_path) as ann:
        card = await ann.gets("/song a cheerful song about rain")
        assert sounds(card) == 2
        assert "Suno 5" in plain(card)
        assert "[Verse]" in plain(card)
        assert [b["label"] for b in card["buttons"]].count("Extend") == 2
        assert ann.asked() == {
            "mv": "chirp-crow",
            "make_instrumental": False,
            "gpt_description_prompt": "a cheerful song about rain",
        }


WAYS: list[tuple[str, dict[str, object], str]] = [
    (
        '/song --lyrics "[Verse] rain, rain" --style "dreamy pop" --title Rain --model "suno 4"',
        {
            "mv": "chirp-v4",
            "prompt": "[Verse] rain, rain",
            "tags": "dreamy pop",
            "title": "Rain",
            "make_instrumental": False,
        },
        "Suno 4",
    ),
    (
        '/song --style "dreamy pop"',
        {"prompt": "", "tags": "dreamy pop", "make_instrumental": True},
        "dreamy",
    ),
    (
        "/song rain on a roof --instrumental",
        {"gpt_description_prompt": "rain on a roof", "make_instrumental": True},
        "rain on a roof",
    ),
    (
        "/song rain on a roof --style jazz --title Roof",
        {"gpt_description_prompt": "rain on a roof. jazz"},
        "find their own title",
    ),
    (
        "/song an idea --lyrics la --style jazz",
        {"prompt": "la", "tags": "jazz"},
        "the idea is not needed",
    ),
    (
        "/song slow jazz --lyrics la",
        {"prompt": "la", "tags": "slow jazz"},
        "la",
    ),
]


async def test_a_song_in_every_way_it_can_be_asked_for(tmp_path: Path) -> None:
    """Own words, a style alone, without words, an idea with a style."""
    async with house(tmp_path) as ann:
        for words, asked, told in WAYS:
            card = await ann.gets(words)
            assert sounds(card) == 2, (words, plain(card))
            assert told in plain(card) or told in str(ann.asked()), (words, plain(card))
            assert asked.items() <= ann.asked().items(), (words, ann.asked())


async def asked_with(ann: Person, **values: str) -> Card:
    """Ask for a song without a word, and answer the form."""
    form = (await ann.gets("/song"))["form"]
    assert {field["name"] for field in form["fields"]} == {"style", "lyrics", "title"}
    return await ann.gets(token=form["token"], values=values)


async def test_a_song_by_a_form(tmp_path: Path) -> None:
    """With words to sing, or without them: then it is music alone."""
    async with house(tmp_path) as ann:
        card = await asked_with(ann, style="pop", lyrics="[Verse] la", title="La")
        assert sounds(card) == 2
        assert (ann.asked()["prompt"], ann.asked()["title"]) == ("[Verse] la", "La")
        assert sounds(await asked_with(ann, style="slow piano", lyrics="", title="")) == 2
        assert (ann.asked()["tags"], ann.asked()["make_instrumental"]) == ("slow piano", True)


async def test_a_take_is_extended_from_a_second(tmp_path: Path) -> None:
    """The form knows where the take ends; the same answers again cost nothing more."""
    async with house(tmp_path) as ann:
        card = await ann.gets("/song a cheerful song about rain")
        first = ann.gateway.submits[0].task
        form = (await ann.gets(token=button(card, "Extend")))["form"]
        fields = {field["name"]: field["value"] for field in form["fields"]}
        assert fields == {"from": "12", "lyrics": "", "tags": "cheerful pop"}
        wrong = await ann.gets(token=form["token"], values={**fields, "from": "500"})
        assert "only 12 seconds" in plain(wrong)
        wrong = await ann.gets(token=form["token"], values={**fields, "from": "the end"})
        assert "as a number, such as 60" in plain(wrong)
        assert len(ann.gateway.submits) == 1
        values = {**fields, "from": "8 s", "lyrics": "[Verse 2] more rain"}
        longer = await ann.gets(token=form["token"], values=values)
        assert sounds(longer) == 2
        body = ann.asked()
        assert (body["task_id"], body["continue_at"]) == (first, 8.0)
        assert (body["prompt"], body["tags"]) == ("[Verse 2] more rain", "cheerful pop")
        await ann.gets(token=form["token"], values=values)
        assert len(ann.gateway.submits) == 2
        again = await ann.gets(token=form["token"], values={**values, "from": "4"})
        assert sounds(again) == 2
        assert len(ann.gateway.submits) == 3


async def test_lyrics_become_a_song(tmp_path: Path) -> None:
    """The words are shown, and one form later they are sung."""
    async with house(tmp_path) as ann:
        card = await ann.gets("/lyrics a fox who cannot sleep")
        assert "[Chorus]" in plain(card)
        assert "$0.01" in plain(card)
        sing = next(b for b in card["buttons"] if b["label"].startswith("Make this a song"))
        assert "$0.10" in sing["label"]
        form = (await ann.gets(token=sing["token"]))["form"]
        values = {field["name"]: field["value"] for field in form["fields"]}
        assert values == {"tags": "", "title": "A Fox Who Cannot Sleep"}
        song = await ann.gets(token=form["token"], values={**values, "tags": "lullaby"})
        assert sounds(song) == 2
        assert ann.asked()["tags"] == "lullaby"
        assert ann.asked()["prompt"].startswith("[Verse]\nA fox who cannot sleep")


UNSURE = "may or may not be working on this"
ENDS: list[tuple[str, int, list[str]]] = [
    ("/song a onefails tune", 1, ["1 of 2 takes failed", "this take was held back"]),
    ("/song an early tune", 2, ["Suno 5"]),
    ("/song an unknownstatus tune", 2, ["Suno 5"]),
    ("/song an html tune", 2, ["Suno 5"]),
    ("/song a fail tune", 0, ["did not make this", "the renderer gave up", "Nothing was charged"]),
    ("/song a moderated tune", 0, ["turned this down for its content", "Nothing was charged"]),
    ("/song an allfail tune", 0, ["turned this down for its content", "It cost $0.10"]),
    ("/song a lostanswer tune", 0, [UNSURE]),
    ("/song an e500 tune", 0, [UNSURE]),
    ("/song a gone404 tune", 0, ["It cost $0.10"]),
    ("/song a banned tune", 0, ["turned this down for its content", "Nothing was charged"]),
    ("/lyrics fail", 0, ["did not make this", "Nothing was charged"]),
    ("/lyrics lostanswer", 0, [UNSURE]),
]


async def test_how_songs_end(tmp_path: Path) -> None:
    """What came is shown, what failed explained, and never a stream given for a song."""
    async with house(tmp_path) as ann:
        for words, files, told in ENDS:
            paid = len(ann.gateway.submits)
            card = await ann.gets(words)
            assert sounds(card) == files, (words, plain(card))
            assert all(word in plain(card) for word in told), (words, plain(card))
            assert len(ann.gateway.submits) - paid == ("banned" not in words), words
            assert "audiopipe" not in str(card)
            assert "@everyone" not in card["text"]


async def test_a_take_that_streams_for_ever_keeps_nobody_from_the_other(tmp_path: Path) -> None:
    """When the model's time is over the finished one comes, with a word on the other; paid once."""
    ahead = [0.0]
    models = {"chirp-crow": {"deadline": 60}}
    clock = {"clock": lambda: time.time() + ahead[0]}
    async with house(tmp_path, models=models, **clock) as ann:
        await ann.ann.act(text="/song an onestreams tune")
        await ann.ann.see(lambda c: c["progress"] == 99)
        ahead[0] = 100.0
        card = await ann.ann.see(lambda c: c["progress"] == -1 and "onestreams" in c["text"])
        assert sounds(card) == 1, plain(card)
        assert "1 of 2 takes did not get finished in time" in plain(card)
        assert [b["label"] for b in card["buttons"]].count("Extend") == 1
        assert len(ann.gateway.submits) == 1


async def test_many_songs_are_looked_at_together(tmp_path: Path) -> None:
    """One request for all of them."""
    async with house(tmp_path, pace=0.1) as ann:
        for number in range(4):
            await ann.ann.act(text=f"/song tune number {number}")
        cards = await ann.ann.settled()
        while sum(sounds(card) == 2 for card in cards.values()) < 4:
            await ann.ann.see(lambda c: sounds(c) == 2)
            cards = await ann.ann.settled()
        looks = [seen for seen in ann.gateway.journal if seen.path.startswith("/suno/fetch")]
        assert any(seen.method == "POST" and len(seen.body["ids"]) > 1 for seen in looks)
        assert len(ann.gateway.submits) == 4


WRONG: list[tuple[str, str]] = [
    ("/song a tune --model bruno", "There is Suno 5"),
    ("/song --lyrics " + "x" * 3001 + ' --model "suno 4" --style pop', "at most 3000 characters"),
    ("/song --lyrics la --style " + "x" * 1001, "style is too long: at most 1000"),
    ("/song " + "x " * 600, "idea is too long: at most 1000"),
    ("/song a tune --title " + "x" * 81, "title is too long: at most 80"),
    ("/song a tune --key minor", "has no option --key"),
    ("/lyrics", "What the words are about"),
]


async def test_bad_input_gets_one_sentence_and_costs_nothing(tmp_path: Path) -> None:
    """Before anything is sent."""
    async with house(tmp_path) as ann:
        for words, told in WRONG:
            assert told in plain(await ann.gets(words)), words[:60]
        long = '/song la --lyrics la --model "suno 4" --style ' + "x" * 201
        assert "style is too long for this model" in plain(await ann.gets(long))
        assert not ann.gateway.submits
