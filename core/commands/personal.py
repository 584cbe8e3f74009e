"""Commands about the person: help and settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from core import cards
from core.commands.context import Context
from core.commands.fit import find
from core.commands.imagine import RATIOS
from core.commands.mjprompt import ratio
from core.commands.spec import Command, Option, Options
from core.errors import BadInput
from core.i18n import NAMES, Say, languages, mark, pick
from core.jobs import Action, Verb
from core.ledger import micro, money
from core.messages import Button, Message, escape
from core.providers.base import Offer


class HelpOptions(Options):
    """What `/help` takes."""

    command: str = Field(
        "",
        max_length=40,
        description=mark("The command to explain; all of them when you leave it out"),
        json_schema_extra={"main": True, "suggest": "commands"},
    )


def help_text(say: Say, commands: Sequence[Command], offers: Mapping[str, Offer]) -> str:
    """The help message, generated from the declarations."""
    lines = [say("**I make pictures, videos, songs and words of what you say.** Ask me for:")]
    lines += [_summary(say, command, offers) for command in commands]
    buttons = {name: money(micro(offers[key].price)) for name, key in _BUTTONS.items()}
    paragraphs = (
        "\n".join(lines),
        say(
            "Under Midjourney's four pictures, U1–U4 take one of them out ({upscale}), V1–V4 make "
            "variations of it ({variation}), and 🔄 draws the prompt again ({reroll}). Pressed a "
            "second time, U and V show what they made and cost nothing. Buttons stay good for "
            "months.",
            **buttons,
        ),
        say("Pictures: send them with the command, or use it on a message that has one."),
        say(
            "Every result says what it cost, and has an id that /show brings it back by. What does "
            "not work out is given back, or I say why it is not."
        ),
        say("Options, models and prices of one of them: `{example}`", example="/help imagine"),
    )
    return "\n\n".join(paragraphs)


_BUTTONS = {"upscale": "mj_upscale", "variation": "mj_variation", "reroll": "mj_reroll"}


def _summary(say: Say, command: Command, offers: Mapping[str, Offer]) -> str:
    """A command in one line, with its price, or the least one where there is a choice."""
    offer, models = offers.get(command.offer), _models(command, offers)
    price = ""
    if offer:
        price = f" · {money(micro(offer.price))}"
    elif models:
        least = money(micro(min(model.price for model in models)))
        price = " · " + say("from {price}", price=least)
    return f"**/{command.name}** — {escape(say(command.summary))}{price}"


def _models(command: Command, offers: Mapping[str, Offer]) -> list[Offer]:
    """The models a command's `model` option chooses from."""
    option = command.option("model")
    kind = option.lookup.removeprefix("models:") if option else ""
    return [o for o in offers.values() if kind and o.kind == kind and not o.hidden]


def explained(say: Say, command: Command, offers: Mapping[str, Offer]) -> str:
    """One command with its options, its models with their prices, and an example."""
    parts = [_summary(say, command, offers)]
    options = [_option(say, option) for option in command.options]
    parts += ["\n".join(options)] if options else []
    if models := _models(command, offers):
        listed = (f"{escape(one.key)} {money(micro(one.price))}" for one in models)
        parts.append(say("Models, with their usual price: {list}", list=", ".join(listed)))
    if command.example:
        parts.append(say("For example: `{example}`", example=command.example))
    return "\n\n".join(parts)


def _option(say: Say, option: Option) -> str:
    """An option as it is typed, what it is, and what it can be."""
    name = option.name if option.main else f"--{option.name}"
    values = ", ".join(option.choices or option.suggest)
    shown = f": {escape(values)}" if values else ""
    return f"- **{escape(name)}** — {escape(say(option.description))}{shown}"


def help_command(commands: Callable[[], Sequence[Command]]) -> Command:
    """The `/help` command over the list it will itself be part of."""

    async def show_help(ctx: Context, options: HelpOptions) -> None:
        """Say what there is."""
        known = [one for one in commands() if ctx.is_owner or not one.owner]
        offers = ctx.studio.offers
        wanted = options.command.strip().lstrip("/").lower()
        found = next((command for command in known if command.name == wanted), None)
        if wanted and found is None:
            raise BadInput(
                mark("There is no command {name}. /help lists them."), name=f"/{wanted[:40]}"
            )
        words = explained(ctx.say, found, offers) if found else help_text(ctx.say, known, offers)
        await ctx.reply(Message(words, private=True))

    return Command(
        "help",
        mark("What this bot can do and how"),
        HelpOptions,
        show_help,
        private=True,
        example="/help imagine",
    )


class SettingsOptions(Options):
    """Personal defaults; a call without any shows the panel."""

    version: Literal["default", "8.1", "7", "6.1", "6", "5.2", "5.1", "5"] | None = Field(
        None, description=mark("Midjourney's version for your pictures")
    )
    ar: str | None = Field(
        None,
        max_length=11,
        description=mark("Width to height for your pictures, or default"),
        json_schema_extra={"suggest": ["default", *RATIOS]},
    )
    stylize: Literal["default", "0", "50", "100", "250", "500", "750", "1000"] | None = Field(
        None, description=mark("How much of Midjourney's own style")
    )
    speed: Literal["default", "fast", "relax", "turbo"] | None = Field(
        None, description=mark("Your usual speed")
    )
    language: str | None = Field(
        None,
        max_length=10,
        description=mark("The language the bot speaks to you, or default"),
        json_schema_extra={"suggest": ["default", *languages()]},
    )
    buttons: Literal["normal", "large"] | None = Field(
        None, description=mark("Size of the buttons under results")
    )
    image: str | None = Field(
        None,
        max_length=60,
        description=mark("The model that draws for you, or default"),
        json_schema_extra={"suggest": "models:image"},
    )
    video: str | None = Field(
        None,
        max_length=60,
        description=mark("The model that films for you, or default"),
        json_schema_extra={"suggest": "models:video"},
    )
    song: str | None = Field(
        None,
        max_length=60,
        description=mark("The model that composes for you, or default"),
        json_schema_extra={"suggest": "models:song"},
    )
    chat: str | None = Field(
        None,
        max_length=60,
        description=mark("The model that answers you, or default"),
        json_schema_extra={"suggest": "models:chat"},
    )
    reset: bool = Field(False, description=mark("Forget all your settings"))


MODELS: Mapping[str, str] = {
    "image": mark("Pictures"),
    "video": mark("Videos"),
    "song": mark("Songs"),
    "chat": mark("Answers"),
}
"""Settings that name a model, by the kind of work it does."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the panel."""

    name: str
    label: str
    emoji: str
    """Leads the line and its row of buttons, so that one sees what belongs together."""
    values: tuple[tuple[str, str], ...]


PANEL = (
    _Row(
        "version",
        mark("Version"),
        "🔢",
        (("default", mark("newest")), ("8.1", "8.1"), ("7", "7"), ("6.1", "6.1"), ("5.2", "5.2")),
    ),
    _Row(
        "ar",
        mark("Shape"),
        "📐",
        (("default", "1:1"), ("3:2", "3:2"), ("16:9", "16:9"), ("2:3", "2:3"), ("9:16", "9:16")),
    ),
    _Row(
        "stylize",
        mark("Style"),
        "🎨",
        (
            ("default", mark("default")),
            ("50", mark("low")),
            ("250", mark("high")),
            ("750", mark("very high")),
        ),
    ),
    _Row(
        "speed",
        mark("Speed"),
        "⚡",
        (
            ("default", mark("default")),
            ("fast", mark("fast")),
            ("relax", mark("relaxed")),
            ("turbo", mark("turbo")),
        ),
    ),
    _Row("buttons", mark("Buttons"), "🔘", (("normal", mark("normal")), ("large", mark("large")))),
)


async def settings(ctx: Context, options: SettingsOptions) -> None:
    """Show or change personal defaults."""
    given = options.model_dump(exclude_none=True, exclude={"reset"})
    changes = {name: _stored(ctx, name, str(value)) for name, value in given.items()}
    if options.reset:
        changes = dict.fromkeys(SettingsOptions.model_fields, "") | changes
    if changes:
        await ctx.studio.store.set_person(ctx.caller.key, changes)
        ctx.person = await ctx.studio.store.person(ctx.caller.key)
        ctx.lang = ctx.person.get("language") or pick(ctx.caller.lang)
    await ctx.reply_in_place(await panel(ctx))


def _stored(ctx: Context, name: str, value: str) -> str:
    """Check a value that types cannot; an empty string forgets the setting."""
    if value in ("default", "normal", ""):
        return ""
    if name in MODELS:
        return find(ctx.studio.offers.values(), name, value).key
    if name == "ar":
        return ratio(value)
    return _language(value) if name == "language" else value


def _language(value: str) -> str:
    """A language by its tag or by its own name. Raises `BadInput`."""
    wanted = value.casefold()
    for lang in languages():
        if wanted.split("-")[0] == lang or wanted == NAMES.get(lang, lang).casefold():
            return lang
    known = ", ".join(NAMES.get(lang, lang) for lang in languages())
    raise BadInput(mark("I speak {list}, not {value}."), list=known, value=value)


async def panel(ctx: Context) -> Message:
    """The settings as they are, each value a button, the current one lit."""
    say = ctx.say
    lines = [f"**{say('Your settings')}**"]
    wanted: list[Action] = []
    for number, row in enumerate(PANEL):
        current = ctx.person.get(row.name, "")
        shown = next((label for value, label in row.values if _same(value, current)), current)
        lines.append(f"{row.emoji} {say(row.label)}: **{escape(say(shown))}**")
        wanted += [_press(ctx, row.name, value, label, number) for value, label in row.values]
    lines += _models_lines(ctx)
    lines.append(f"🌐 {say('Language')}: **{escape(NAMES.get(ctx.lang, ctx.lang))}**")
    wanted += [_press(ctx, "language", *pair, len(PANEL) - 1) for pair in _spoken()]
    lines.append(say("Press a value to change it. Other values are options of /settings."))
    kept = await ctx.studio.store.add_actions(wanted)
    return Message("\n".join(lines), buttons=tuple(_lit(ctx, a) for a in kept), private=True)


def _models_lines(ctx: Context) -> list[str]:
    """The models that were chosen, a line each."""
    chosen = ((label, ctx.studio.offers.get(ctx.person.get(k, ""))) for k, label in MODELS.items())
    say = ctx.say
    return [f"🤖 {say(label)}: **{escape(offer.title)}**" for label, offer in chosen if offer]


def _spoken() -> list[tuple[str, str]]:
    """The languages there is room for in the last row, when there is a choice at all."""
    room = 5 - len(PANEL[-1].values)
    names = [(lang, NAMES.get(lang, lang)) for lang in languages()]
    return names[:room] if len(names) > 1 else []


def _same(value: str, current: str) -> bool:
    return ("" if value in ("default", "normal") else value) == current


def _press(ctx: Context, name: str, value: str, label: str, row: int) -> Action:
    """The action behind one value; the same person's panel always has the same tokens."""
    return ctx.action(
        Verb.COMMAND,
        job=f"panel:{ctx.caller.key}",
        key=f"{name}={value}",
        label=label,
        values={"command": "settings", name: value},
        row=row,
    )


def _lit(ctx: Context, action: Action) -> Button:
    name, _, value = action.key.partition("=")
    button = cards.button(ctx.say, action)
    if name == "language":
        chosen, emoji = value == ctx.lang, "🌐"
    else:
        row = next(one for one in PANEL if one.name == name)
        chosen = _same(value, ctx.person.get(name, ""))
        emoji = row.emoji if row.values[0][0] == value else ""
    return replace(button, emoji=emoji, style="success" if chosen else "plain")


COMMANDS = (
    Command(
        "settings",
        mark("Your own defaults: version, shape, style, speed, models, language"),
        SettingsOptions,
        settings,
        private=True,
        example="/settings --version 7 --ar 16:9",
    ),
)
