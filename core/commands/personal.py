"""Commands about the person: help and settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from core import cards
from core.commands.context import Context
from core.commands.imagine import RATIOS
from core.commands.mjprompt import ratio
from core.commands.spec import Command, Options
from core.errors import BadInput
from core.i18n import Say, languages, mark
from core.jobs import Action, Verb
from core.messages import Button, Message, escape


class NoOptions(Options):
    """A command without options."""


def help_text(say: Say, commands: Sequence[Command]) -> str:
    """The help message, generated from the declarations."""
    lines = [say("**Atelier draws for you.** What you can ask for:")]
    for command in commands:
        lines.append(f"**/{command.name}** — {escape(say(command.summary))}")
    lines.append(
        say(
            "Under a grid, U1–U4 take one picture out, V1–V4 make variations of it and 🔄 draws the "
            "prompt again. The buttons stay good for months; /show brings any job back."
        )
    )
    lines.append(say("Example: `{example}`", example=commands[0].example if commands else ""))
    return "\n".join(lines)


def help_command(commands: Callable[[], Sequence[Command]]) -> Command:
    """The `/help` command over the list it will itself be part of."""

    async def show_help(ctx: Context, options: NoOptions) -> None:
        """Say what there is."""
        del options
        await ctx.reply(Message(help_text(ctx.say, commands()), private=True))

    return Command("help", mark("What this bot can do and how"), NoOptions, show_help, private=True)


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
    reset: bool = Field(False, description=mark("Forget all your settings"))


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
    changes = {name: _stored(name, str(value)) for name, value in given.items()}
    if options.reset:
        changes = dict.fromkeys(SettingsOptions.model_fields, "") | changes
    if changes:
        await ctx.studio.store.set_person(ctx.caller.key, changes)
        ctx.person = await ctx.studio.store.person(ctx.caller.key)
        ctx.lang = ctx.person.get("language") or ctx.lang
    await ctx.reply_in_place(await panel(ctx))


def _stored(name: str, value: str) -> str:
    """Check a value that types cannot; an empty string forgets the setting."""
    if value in ("default", "normal", ""):
        return ""
    if name == "ar":
        return ratio(value)
    if name == "language" and value not in languages():
        raise BadInput(
            mark("I speak {list}, not {value}."), list=", ".join(languages()), value=value
        )
    return value


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
    if len(languages()) > 1:
        lines.append(say("Language: **{language}**", language=ctx.lang))
    lines.append(say("Other values go in the options of /settings, such as its language."))
    kept = await ctx.studio.store.add_actions(wanted)
    return Message("\n".join(lines), buttons=tuple(_lit(ctx, a) for a in kept), private=True)


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
    chosen = _same(value, ctx.person.get(name, ""))
    button = cards.button(ctx.say, action)
    first = next((r.emoji for r in PANEL if r.name == name and r.values[0][0] == value), "")
    return Button(button.label, first, button.token, "success" if chosen else "plain", button.row)


COMMANDS = (
    Command(
        "settings",
        mark("Your own defaults: version, shape, style, speed, language"),
        SettingsOptions,
        settings,
        private=True,
        example="/settings --version 7 --ar 16:9",
    ),
)
