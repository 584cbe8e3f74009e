"""What every family owes, whatever is behind it: one suite for each provider and each offer."""

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput, GatewayError, Spent
from core.messages import Media
from core.providers import ModelSettings, catalogue, providers
from core.providers.base import Offer, Provider, Request, Ticket
from core.wire import Answer, Blob, Call

FAMILIES = providers()
OFFERS = catalogue(FAMILIES, {})
PICTURE = Media("a" * 64, "image/png", 9)
SPEECH = Media("b" * 64, "audio/mpeg", 9, name="speech.mp3")
LISTENS = ("transcript", "translation")
SILENT = ("blend", "describe", "tryon", *LISTENS)
"""Kinds of request that have no words."""


def sample(offer: Offer) -> Request:
    """A request that an offer of this kind takes, with as many files as it needs at least."""
    needs = {"blend": 2, "describe": 1}.get(offer.kind, offer.media[0])
    files = (SPEECH if offer.kind in LISTENS else PICTURE,) * needs
    prompt = "" if offer.kind in SILENT else "a fox"
    if offer.kind != "continue":
        return Request(offer.key, offer.kind, prompt, files)
    button = {"custom_id": "MJ::JOB::pan_left::1::hash::SOLO"}
    parent = Ticket(offer.family, "1730621826053455")
    return Request(offer.key, offer.kind, prompt, options=button, parent=parent)


def plain(value: Any) -> Any:
    """A body with its files left out."""
    match value:
        case Blob():
            return "…"
        case dict():
            return {key: plain(one) for key, one in value.items()}
        case list() | tuple():
            return [plain(one) for one in value]
    return value


def provider_of(offer: Offer) -> Provider:
    return FAMILIES[offer.family]


each = pytest.mark.parametrize("offer", OFFERS.values(), ids=lambda offer: offer.key)
SORTS = {(offer.family, offer.kind): offer for offer in OFFERS.values()}
each_sort = pytest.mark.parametrize("offer", SORTS.values(), ids=lambda offer: offer.key)
"""One model of each family for each kind of request."""


@each
def test_a_submit_is_one_post_that_can_be_sent(offer: Offer) -> None:
    """Its body is JSON but for files, its path starts at the root, its key is the family's."""
    call = provider_of(offer).call(sample(offer))

    assert isinstance(call, Call)
    assert (call.method, call.family) == ("POST", offer.family)
    assert call.path.startswith("/")
    assert not call.reads, "a submit never shares a connection"
    assert json.dumps(plain(call.json))


@each
def test_a_provider_is_pure(offer: Offer) -> None:
    """The same request makes the same call and is left as it was."""
    request = sample(offer)
    before = copy.deepcopy(request)

    assert provider_of(offer).call(request) == provider_of(offer).call(request)
    assert request == before


@each
def test_an_answer_is_read_to_its_end(offer: Offer) -> None:
    """A call never asks for less than a whole answer of its kind."""
    assert provider_of(offer).call(sample(offer)).most >= 1_000_000


@each_sort
@pytest.mark.parametrize(
    ("answer", "sure"),
    [
        (Answer(401, {"error": {"message": "bad key", "code": ""}}), True),
        (Answer(429, ""), True),
        (Answer(404, ""), True),
        (Answer(502, "<html>"), False),
        (Answer(504, ""), False),
        (Answer(200, ""), False),
        (Answer(200, {}), False),
        (Answer(200, [1]), False),
    ],
)
def test_no_answer_is_mistaken_for_a_ticket(offer: Offer, answer: Answer, sure: bool) -> None:
    """Money is given back only where it is certain that none was spent."""
    if offer.kind in LISTENS and answer == Answer(200, ""):
        return  # nothing was said in the recording
    with pytest.raises(GatewayError) as caught:
        provider_of(offer).accept(sample(offer), answer)

    assert (caught.value.spent is Spent.NO) == sure


@each_sort
@settings(max_examples=40)
@given(body=st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=4))
def test_odd_bodies_raise_nothing_but_gateway_errors(offer: Offer, body: Any) -> None:
    """Submit or look: a strange answer is told as such."""
    provider, request = provider_of(offer), sample(offer)
    ticket, answer = Ticket(offer.family, "1"), Answer(200, body)
    with contextlib.suppress(GatewayError):
        provider.accept(request, answer)
    if not offer.sync:
        with contextlib.suppress(GatewayError):
            provider.read(ticket, request, answer)
    if provider.batch > 1:
        with contextlib.suppress(GatewayError):
            provider.read_many(answer)


WATCHED = sorted({offer.family for offer in OFFERS.values() if not offer.sync})


@pytest.mark.parametrize("family", WATCHED)
def test_looks_cost_nothing_and_carry_no_file(family: str) -> None:
    """One task or many."""
    provider = FAMILIES[family]
    tickets = [Ticket(family, str(n)) for n in range(min(provider.batch, 3))]
    looks = [provider.look(tickets[0])]
    if provider.batch > 1:
        looks.append(provider.look_many(tickets))

    assert all(call.path.startswith("/") for call in looks)
    assert all(json.dumps(call.json) for call in looks)
    assert all(call.method == "GET" or call.reads for call in looks)


@each
def test_an_offer_can_be_sold(offer: Offer) -> None:
    """It has a name for people, a price, and times in a sensible order."""
    assert offer.title
    assert 0 <= offer.price < 10
    assert 0 < offer.typical < offer.deadline
    assert offer.sync or 0 < offer.first_look < offer.typical


def test_a_continuation_without_its_parent_is_refused() -> None:
    """Before money moves."""
    with pytest.raises(BadInput):
        FAMILIES["midjourney"].call(
            Request("mj_pan", "continue", options={"custom_id": "MJ::a::b"})
        )


def test_an_owner_sets_prices_and_times_and_misspells_a_model() -> None:
    """`[models]` counts over what is usual; a name nobody has is named with its neighbour."""
    own = catalogue(FAMILIES, {"mj_upscale": ModelSettings(price=0.02, title="MJ")})
    assert (own["mj_upscale"].price, own["mj_upscale"].title) == (0.02, "MJ")
    assert own["mj_upscale"].typical == OFFERS["mj_upscale"].typical
    with pytest.raises(ValueError, match="did you mean mj_upscale"):
        catalogue(FAMILIES, {"mj_upscal": ModelSettings(price=1)})


def test_usual_prices_are_the_gateways_own() -> None:
    """What is shown before a press is what the gateway's defaults charge for it."""
    assert {key: offer.price for key, offer in OFFERS.items() if offer.family == "midjourney"} == {
        **dict.fromkeys(("mj_imagine", "mj_blend", "mj_variation", "mj_reroll", "mj_modal"), 0.1),
        **dict.fromkeys(("mj_high_variation", "mj_low_variation", "mj_pan", "mj_zoom"), 0.1),
        **dict.fromkeys(("mj_upscale", "mj_describe"), 0.05),
        **dict.fromkeys(("mj_custom_zoom", "mj_inpaint"), 0.0),
        "mj_shorten": 0.1,
        "mj_video": 0.8,
    }
