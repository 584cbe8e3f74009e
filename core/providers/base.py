"""The port of an upstream family: a pure translator between a Request and the wire.

No I/O, no clock, no state: values in, values out. The engine does the calls, `core.gateway` the
HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from core.errors import GatewayError
from core.messages import Form, Media, Style
from core.wire import Answer, Call, Json

Kind: TypeAlias = Literal[
    "image",
    "blend",
    "describe",
    "shorten",
    "continue",
    "edit",
    "remix",
    "tryon",
    "video",
    "song",
    "lyrics",
    "chat",
    "complete",
    "speech",
    "transcript",
    "translation",
    "embedding",
]

MILLION = 1_000_000
ASKED, SAID = 4_000, 1_500
"""Tokens of a long question and a long answer."""

Values: TypeAlias = tuple[str, ...]
"""What an option takes; empty for anything."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing the gateway sells: a model of a family, for one kind of request."""

    key: str
    """Its name in the catalogue and in people's `model` option, such as `mj_imagine` or
    `flux-pro`; unique over all families."""
    family: str
    kind: Kind
    title: str
    """What a person calls it: `Midjourney`."""
    price: float
    """USD a unit; see `cost`."""
    model: str = ""
    """Its name on the wire; empty for `key`."""
    takes: Mapping[str, Values] = field(default_factory=dict)
    """The options it honours, each with the values it takes. An option that is not here is left out
    and that is said; content it cannot take is refused."""
    beside: Mapping[str, Mapping[str, Values]] = field(default_factory=dict)
    """What options may be beside a `picture`, and beside a last picture (`end`) of a video: the
    values that each may have then, of which the first is taken where none was chosen; an option
    with none is left out, and that is said."""
    flags: bool = False
    """Its prompts have Midjourney's own --flags, and `takes` says nothing about it."""
    media: tuple[int, int] = (0, 0)
    """How many input files it takes, at least and at most."""
    mask: Literal["", "black", "clear"] = ""
    """What its masks have where the picture is to change: black on white, or nothing at all."""
    longest: int = 4000
    """Characters of a prompt."""
    texts: int = 0
    """How many further texts one call takes beside the prompt."""
    times: Values = ()
    """Options whose number multiplies the price, such as `count`."""
    factors: tuple[tuple[Mapping[str, Values], float], ...] = ()
    """Factors of the price, each where every one of the options has one of the values."""
    per_token: tuple[float, float] = (0.0, 0.0)
    """USD a token of the question and of the answer; where this is set, `price` is what is held
    and the tokens say what it cost.
    """
    sync: bool = False
    """The answer to its submit is the result."""
    streams: bool = False
    """The answer grows before the person's eyes, and may be stopped."""
    hidden: bool = False
    """Not offered to anybody; kept for the jobs that were made with it."""
    typical: float = 35.0
    """Seconds from submit to finish, until enough own jobs tell better."""
    first_look: float = 10.0
    """Seconds from submit before which no look makes sense."""
    deadline: float = 3600.0
    """Seconds from submit after which the job is given up, saying so."""

    @property
    def wire(self) -> str:
        """Its name on the wire."""
        return self.model or self.key

    @staticmethod
    def bound(asked: float, said: float) -> float:
        """USD that a long question and answer cost, by the prices of a million tokens of each."""
        return round((ASKED * asked + SAID * said) / MILLION, 4)

    def used(self, tokens: tuple[int, int] | None) -> float | None:
        """USD that an answer really cost, None where nobody can say."""
        if tokens is None or not any(self.per_token):
            return None
        return sum(n * each for n, each in zip(tokens, self.per_token, strict=True))

    def cost(self, options: Mapping[str, Json]) -> float:
        """USD for one call with these options."""
        cost = self.price
        for name in self.times:
            cost *= float(options.get(name) or 1)
        for where, factor in self.factors:
            if all(str(options.get(name)) in values for name, values in where.items()):
                cost *= factor
        return cost


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the gateway calls a job under way."""

    family: str
    id: str
    """The upstream id, always a string."""
    mode: str = ""
    """Path prefix or route variant the id was made on; looks must use the same."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a provider. Stored with the job as JSON."""

    offer: str
    kind: Kind
    prompt: str = ""
    media: tuple[Media, ...] = ()
    options: Mapping[str, Json] = field(default_factory=dict)
    parent: Ticket | None = None
    """The earlier job this one continues."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A result file at its passing address."""

    url: str
    """`https://…`, or `data:…` where the answer itself holds the bytes."""
    kind: Literal["image", "video", "audio"] = "image"
    title: str = ""
    """Of a song."""
    artist: str = ""
    cover: str = ""
    """Address of a song's cover."""
    seconds: float = 0.0
    voice: bool = False
    """Spoken words."""


@dataclass(frozen=True, slots=True)
class Written:
    """A text that is a result's file, such as subtitles."""

    text: str
    ending: str
    """What it is: `srt`."""


@dataclass(frozen=True, slots=True)
class Invite:
    """One follow-up a result offers, or a link; becomes a stored Action with a button."""

    key: str
    """Unique within the job and stable between looks: `UPSCALE:2`,
    `MJ::Outpaint::50::1::<hash>::SOLO`.
    """
    request: Request | None = None
    """What it asks for; None for a link."""
    label: str = ""
    emoji: str = ""
    style: Style = "plain"
    row: int = 0
    form: Form | None = None
    """Asked before the request is made; its answers are merged by `Provider.fill`."""
    url: str = ""
    """Where a link leads."""
    command: str = ""
    """A command to run instead of a request."""
    shows: str = ""
    """Id of an earlier job that is shown instead."""
    values: Mapping[str, str] = field(default_factory=dict)
    """The command's options as text; `file:0` stands for the result's first file, `job:` for its
    job. What `form` asks comes on top.
    """


@dataclass(frozen=True, slots=True)
class Progress:
    """Under way."""

    percent: int | None = None
    """0 to 99."""
    started: bool = True
    """False while the gateway has it in its own queue."""
    preview: str = ""
    """Address of a passing preview picture."""
    rest: Result | None = None
    """It has ended, and this is taken when some more looks bring nothing better."""
    part: Result | None = None
    """What there is of it so far, taken when its time is over."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """The gateway waits for an answer from the person."""

    ticket: Ticket
    form: Form | None
    """What to ask the person, or None when `request` already holds the answers: it is submitted at
    once.
    """
    request: Request
    """What to ask for with the answers (`Provider.fill`). The same offer as the job's means that
    the window was free to open and its answer is what is paid; another one is paid on top."""


@dataclass(frozen=True, slots=True)
class Result:
    """Finished."""

    media: tuple[Remote | Media | Written, ...] = ()
    """Its files: where they are, or what a `binary` call brought into the archive."""
    text: str = ""
    """Plain text of the result (descriptions), not Markdown."""
    invites: tuple[Invite, ...] = ()
    prompt: str = ""
    """The prompt as the gateway finally used it, if it says."""
    markdown: bool = False
    """`text` is CommonMark of a language model, not plain text."""
    tokens: tuple[int, int] | None = None
    """Tokens of the question and of the answer, where the answer tells; see `Offer.per_token`."""
    vectors: tuple[bytes, ...] = ()
    """What the prompt and the texts beside it mean, each as little-endian 32-bit floats: not yet
    what a person asked for, which only the house can make of them."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """What else is worth keeping with the job, such as a model's `thought`; of it `remarks` are
    catalogue texts that are told with the result, each alone or with its values."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Ended without a result."""

    reason: GatewayError
    """`spent` says what became of the money: a failed task is normally refunded by the gateway."""


Outcome: TypeAlias = Progress | Waiting | Result | Failed


class Stream(Protocol):
    """Puts an answer that comes in pieces together; one for each call, kept in memory only."""

    @property
    def text(self) -> str:
        """What there is to read so far, CommonMark."""
        ...

    def add(self, data: bytes) -> None:
        """Take the data of one event. Never raises; an event nobody can read is passed over."""
        ...

    def whole(self, *, cut: bool, stopped: bool = False) -> Json:
        """The body as if it had come in one piece, for `Provider.accept`; `cut` when its end is
        missing, `stopped` when a person wanted no more of it.
        """
        ...


class Provider(Protocol):
    """One upstream family. Every method is pure and quick."""

    family: str
    offers: Sequence[Offer]
    batch: int
    """How many tickets one `look_many` takes; 1 when the family has no batch call."""

    def call(self, request: Request) -> Call:
        """The submit call. Raises `BadInput` when the request cannot work, before money moves."""
        ...

    def accept(self, request: Request, answer: Answer) -> Ticket | Waiting | Result:
        """Read the answer of a submit. Raises a `GatewayError` whose `spent` is true to the
        contract.
        """
        ...

    def instead(self, request: Request, error: GatewayError) -> Request | None:
        """Another way to ask for the same after a refusal that cost nothing, or None."""
        ...

    def stream(self, request: Request) -> Stream:
        """What puts the answer of a `stream` call together."""
        ...

    def look(self, ticket: Ticket) -> Call:
        """The call that asks how a job stands."""
        ...

    def read(self, ticket: Ticket, request: Request, answer: Answer) -> Outcome:
        """Read the answer of a look. Raises a `GatewayError` when the look failed, not the job."""
        ...

    def look_many(self, tickets: Sequence[Ticket]) -> Call:
        """One call for up to `batch` tickets (of one mode)."""
        ...

    def read_many(self, answer: Answer) -> Mapping[str, Answer]:
        """Split the answer of `look_many` into one Answer for `read` per upstream id; missing ids
        are left out.
        """
        ...

    def fill(self, request: Request, values: Mapping[str, str | Media]) -> Request:
        """Merge a form's answers into a request. Raises `BadInput` with the fix."""
        ...

    def owned(self, offer: Offer) -> Offer:
        """An offer that the owner made or changed, with what the family knows of such a model."""
        ...


class Family:
    """What most families have in common: no second way, no list, no questions."""

    batch = 1

    def instead(self, request: Request, error: GatewayError) -> Request | None:
        """No other way."""
        del request, error
        return None

    def stream(self, request: Request) -> Stream:
        """Answers come in one piece."""
        raise NotImplementedError

    def look(self, ticket: Ticket) -> Call:
        """Families that answer at once have no tickets."""
        raise NotImplementedError

    def read(self, ticket: Ticket, request: Request, answer: Answer) -> Outcome:
        """Families that answer at once have no tickets."""
        raise NotImplementedError

    def look_many(self, tickets: Sequence[Ticket]) -> Call:
        """No list."""
        raise NotImplementedError

    def read_many(self, answer: Answer) -> Mapping[str, Answer]:
        """No list."""
        raise NotImplementedError

    def fill(self, request: Request, values: Mapping[str, str | Media]) -> Request:
        """No questions."""
        del values
        return request

    def owned(self, offer: Offer) -> Offer:
        """As the owner has it."""
        return offer
