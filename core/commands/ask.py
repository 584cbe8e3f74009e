"""Questions to language models, and what can be made of their answers.

A conversation is the chain of a person's own jobs in a chat: what was said before goes along with
each question, up to a length, until `/forget`. Nothing of it is kept anywhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from core.commands.context import Context
from core.commands.fit import request_for
from core.commands.spec import Command, Options
from core.errors import BadInput
from core.i18n import mark
from core.jobs import Job, State
from core.messages import Media, Message, tame
from core.providers.base import Offer
from core.sounds import hearable
from core.wire import Json

MEMORY = 12_000
"""Characters of earlier questions and answers that go along."""
TURNS = 12
"""Most questions that are remembered."""
LASTS = 24 * 3600.0
"""Seconds after which a conversation is over by itself."""

ANSWERED = frozenset({State.FETCHING, State.READY, State.DONE})
"""States of jobs with an answer; one that was just shown is not closed yet."""
VOICE = "(a voice message)"
"""Stands for a question that was spoken."""

SYSTEM = (
    "You are Atelier, the assistant of a community server. Answer in the language of the "
    "question, in Markdown, as briefly as it allows. When somebody wants a picture, a video, a "
    "song, something read aloud or something they made earlier, call the function for it; the "
    "person decides whether it is run."
)


def _tool(name: str, about: str, argument: str) -> Json:
    schema = {
        "type": "object",
        "properties": {argument: {"type": "string"}},
        "required": [argument],
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "function": {"name": name, "description": about, "parameters": schema},
    }


TOOLS: Sequence[Json] = (
    _tool("imagine", "Propose to draw a picture of this English description.", "prompt"),
    _tool("video", "Propose to film this English description for a few seconds.", "prompt"),
    _tool("song", "Propose to compose a song about this.", "idea"),
    _tool("speak", "Propose to read this text aloud.", "text"),
    _tool("find", "Propose to look for earlier results of the person about this.", "words"),
)
"""What the assistant may propose: commands of our own, by name and main option."""


class AskOptions(Options):
    """What `/ask` takes."""

    prompt: str = Field(
        "",
        description=mark("Your question"),
        max_length=6000,
        json_schema_extra={"main": True},
    )
    image: list[Media] = Field(
        default_factory=list, max_length=5, description=mark("Pictures it is about")
    )
    sound: Media | None = Field(
        None,
        description=mark("A voice message to answer"),
        json_schema_extra={"accepts": ["audio/", "video/"]},
    )
    model: str | None = Field(
        None,
        max_length=60,
        description=mark("Who answers"),
        json_schema_extra={"suggest": "models:chat"},
    )
    answers: int | None = Field(
        None, ge=1, le=4, description=mark("How many answers to choose from, where the model can")
    )
    voice: bool = Field(False, description=mark("Answer aloud"))
    private: bool = Field(False, description=mark("Answer for your eyes only"))


async def ask(ctx: Context, options: AskOptions) -> None:
    """Ask a language model; the answer grows before one's eyes."""
    if not (options.prompt or options.image or options.sound):
        raise BadInput(mark("Ask something, such as /ask why is the sky blue?"))
    offer = _answerer(ctx, options)
    wanted: dict[str, Any] = {
        "count": options.answers if (options.answers or 1) > 1 else None,
        "voice": offer.takes["voice"][0] if options.voice else None,
    }
    media = list(options.image)
    if options.sound is not None:
        media.append(await hearable(ctx.studio.archive, options.sound))
    if options.private:
        await ctx.step_aside()
    request, notes = request_for(offer, options.prompt, wanted, media)
    request = ctx.with_options(
        request, system=SYSTEM, tools=list(TOOLS), turns=await remembered(ctx)
    )
    if options.voice:
        played = ctx.studio.outbox.adapter(ctx.place.platform).limits(ctx.place).voice
        request = ctx.with_options(request, format=played)
    await ctx.start(ctx.noted(request, notes))


def _answerer(ctx: Context, options: AskOptions) -> Offer:
    """Who answers: one who hears and speaks where that is asked for. Raises `BadInput`."""
    if not options.voice and options.sound is None:
        return ctx.offer("chat", options.model)
    if options.image:
        raise BadInput(mark("Models that hear and speak see no pictures. Leave one of them out."))
    offers = ctx.studio.offers.values()
    able = [o for o in offers if o.kind == "chat" and "voice" in o.takes and not o.hidden]
    chosen = ctx.offer("chat", options.model) if options.model else next(iter(able), None)
    if chosen not in able or chosen is None:
        raise BadInput(
            mark("That needs a model that hears and speaks. There is: {models}."),
            models=", ".join(o.title for o in able) or "–",
        )
    return chosen


async def remembered(ctx: Context) -> list[Json]:
    """What this person and the assistant said in this chat lately, oldest first."""
    now = ctx.studio.clock()
    since = max(now - LASTS, float(await ctx.studio.store.kept(_mark(ctx)) or 0))
    jobs = await ctx.studio.store.jobs_of(ctx.caller.key, states=ANSWERED, limit=40)
    own = [
        job
        for job in jobs
        if job.request.kind == "chat"
        and job.place.key == ctx.place.key
        and job.created_at > since
        and not job.request.options.get("schema")
        and (ctx.place.hidden or not job.place.hidden)
    ]
    return turns_of(own[:TURNS])


def turns_of(jobs: Sequence[Job]) -> list[Json]:
    """Jobs, newest first, as turns of a conversation, oldest first, as many as fit."""
    turns: list[Json] = []
    room = MEMORY
    for job in jobs:
        asked, answers = job.request.prompt or VOICE, job.facts.get("answers") or [job.text]
        room -= len(asked) + len(answers[0])
        if room < 0:
            break
        said = {"role": "assistant", "text": answers[0]}
        turns = [{"role": "user", "text": asked}, said, *turns]
    return turns


def _mark(ctx: Context) -> str:
    return f"forget:{ctx.caller.key}:{ctx.place.key}"


class ForgetOptions(Options):
    """`/forget` takes nothing."""


async def forget(ctx: Context, options: ForgetOptions) -> None:
    """Begin a new conversation in this chat."""
    del options
    await ctx.studio.store.keep(_mark(ctx), str(ctx.studio.clock()))
    text = ctx.say("Forgotten. Where you said that, your next question begins a new conversation.")
    await ctx.reply(Message(text, private=True))


class WhyOptions(Options):
    """What `/why` takes."""

    job: str = Field(
        description=mark("The answer's id"),
        max_length=20,
        json_schema_extra={"main": True, "suggest": "jobs"},
    )


async def why(ctx: Context, options: WhyOptions) -> None:
    """Show how a model came to its answer, where it told."""
    job = await ctx.own(options.job)
    thought = str(job.facts.get("thought") or "")
    if not thought:
        raise BadInput(mark("The model did not tell how it came to that."))
    quoted = "\n".join(f"> {line}" for line in tame(thought).split("\n"))
    await ctx.reply(Message(f"💭 `{job.id}`\n\n{quoted}", private=True))


class CompleteOptions(Options):
    """What `/complete` takes."""

    text: str = Field(
        description=mark("The beginning of a text"),
        max_length=6000,
        json_schema_extra={"main": True},
    )
    model: str | None = Field(
        None,
        max_length=60,
        description=mark("Who goes on with it"),
        json_schema_extra={"suggest": "models:complete"},
    )


async def complete(ctx: Context, options: CompleteOptions) -> None:
    """Let a model go on with a text."""
    request, notes = request_for(ctx.offer("complete", options.model), options.text, {})
    await ctx.start(ctx.noted(request, notes))


class PromptOptions(Options):
    """What `/prompt` takes."""

    idea: str = Field(
        description=mark("What the picture shall be about"),
        max_length=2000,
        json_schema_extra={"main": True},
    )
    model: str | None = Field(
        None,
        max_length=60,
        description=mark("Who writes them"),
        json_schema_extra={"suggest": "models:chat"},
    )


PROMPTS: Json = {
    "type": "object",
    "properties": {
        "prompts": {"type": "array", "items": {"type": "string"}, "minItems": 3, "maxItems": 3}
    },
    "required": ["prompts"],
    "additionalProperties": False,
}
BETTER = (
    "Write three different, better prompts for an image model out of the person's idea: concrete, "
    "visual, in English, one paragraph of at most 60 words each, without flags or quotes."
)


async def prompt(ctx: Context, options: PromptOptions) -> None:
    """Write three better prompts for an idea."""
    offer = ctx.offer("chat", options.model)
    request, notes = request_for(offer, options.idea, {})
    request = ctx.with_options(request, system=BETTER, schema=PROMPTS)
    await ctx.start(ctx.noted(request, notes))


COMMANDS = (
    Command(
        "ask",
        mark("Ask a language model, with pictures if you like"),
        AskOptions,
        ask,
        example="/ask why is the sky blue?",
        ahead=True,
    ),
    Command(
        "prompt",
        mark("Write three better prompts for an idea"),
        PromptOptions,
        prompt,
        example="/prompt a fox in the rain",
    ),
    Command(
        "complete",
        mark("Let a model go on with a text"),
        CompleteOptions,
        complete,
        example="/complete Once upon a time",
        offer="gpt-3.5-turbo-instruct",
        ahead=True,
    ),
    Command(
        "why",
        mark("Show how a model came to its answer"),
        WhyOptions,
        why,
        private=True,
        example="/why k3m9xp2",
    ),
    Command(
        "forget",
        mark("Begin a new conversation with the assistant here"),
        ForgetOptions,
        forget,
        private=True,
    ),
)
