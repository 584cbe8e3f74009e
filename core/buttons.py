"""The buttons under a result: which there are, where they stand, and what they say they cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from core.cards import button, dotted, price_of
from core.i18n import Say
from core.jobs import Action, Job, Verb
from core.ledger import money
from core.messages import Button
from core.providers.base import Offer, Request

CENT = 10_000
"""Micro-USD; less than this no button mentions."""


def _metered(request: Request, job: Job, offers: Mapping[str, Offer]) -> bool:
    """Whether a request is paid by what it uses, as the job was: its price is but a bound."""
    offer = offers.get(request.offer)
    return offer is not None and any(offer.per_token) and request.offer == job.request.offer


def _leads_on(action: Action) -> bool:
    """Whether an action leads from a result to something else, not to itself once more."""
    return action.verb is not Verb.SHOW or bool(action.values.get("job"))


def under_result(
    say: Say,
    job: Job,
    actions: Sequence[Action],
    used: Collection[str],
    offers: Mapping[str, Offer],
    person: Mapping[str, str],
    *,
    original: bool,
    windows: bool = False,
) -> tuple[Button, ...]:
    """The buttons under a result: the gateway's in Midjourney's rows, then our own, as its owner
    has them by their settings, `person`.

    One that costs far more than the result did says so, that nobody is surprised; so does whatever
    costs anything under an answer, where one pays by the word and not by the picture.
    """
    most = 0 if job.request.kind == "chat" else max(2 * job.price, CENT)
    shown = []
    for verb in (Verb.CONTINUE, Verb.COMMAND, Verb.SHOW):
        for action in (a for a in actions if a.verb is verb and _leads_on(a)):
            drawn = button(say, action, used=action.key in used, windows=windows)
            price = _price(action, offers, person)
            metered = action.request is not None and _metered(action.request, job, offers)
            if price > most and not metered:
                drawn = replace(drawn, label=dotted(drawn.label, money(price)))
            shown.append(drawn)
    shown += [button(say, a) for a in actions if a.verb is Verb.ORIGINAL and original]
    return enlarge(tuple(shown)) if person.get("buttons") == "large" else tuple(shown)


def _price(action: Action, offers: Mapping[str, Offer], person: Mapping[str, str]) -> int:
    """What a press costs, micro-USD; a command is run with the person's own model and speed."""
    request = action.request
    if request is None or action.verb is not Verb.COMMAND:
        return price_of(request, offers) if request else 0
    own = offers.get(person.get(request.kind, ""))
    files = sum(value.startswith("file:") for value in action.values.values())
    takes = own is not None and (own.flags or own.media[0] <= files <= own.media[1])
    if own is not None and takes and not own.hidden:
        request = replace(request, offer=own.key)
    speed = person.get("speed", "")
    return price_of(replace(request, options={**request.options, "speed": speed}), offers)


def enlarge(buttons: tuple[Button, ...]) -> tuple[Button, ...]:
    """Put at most three buttons side by side, where five rows are enough for that."""
    rows: dict[int, list[Button]] = {}
    for one in buttons:
        rows.setdefault(one.row, []).append(one)
    wide: list[list[Button]] = []
    for row in sorted(rows):
        line = rows[row]
        wide += [line[i : i + 3] for i in range(0, len(line), 3)]
    if len(wide) > 5:
        return buttons
    return tuple(replace(one, row=n) for n, line in enumerate(wide) for one in line)
