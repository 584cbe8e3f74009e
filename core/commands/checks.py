"""Checks of what a person gave a command, and what is said about what does not fit.

Pure: values and a declaration in, values or one clear sentence out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from core.archive import NOT_A_PICTURE
from core.cards import COMMAND_NAMES
from core.commands.spec import FILES, Command, Option
from core.errors import BadInput
from core.i18n import Say, mark
from core.messages import Field, Form, Media

LONGEST_ANSWER = 4000
"""Characters that the answer to a question may have; Discord's own limit in a window."""


def shaped(command: Command, given: Mapping[str, Any]) -> dict[str, Any]:
    """Fit values to the model: several pictures for one option, one picture for several."""
    shaped = dict(given)
    for option in command.options:
        value = shaped.get(option.name)
        if option.kind == "images" and isinstance(value, Media):
            shaped[option.name] = [value]
        if option.kind in ("image", "file") and isinstance(value, list) and value:
            if len(value) > 1:
                raise BadInput(mark("This takes one file, and you sent {n}."), n=len(value))
            shaped[option.name] = value[0]
        if option.kind in FILES:
            check_types(option.accepts, shaped.get(option.name))
    return {k: v for k, v in shaped.items() if v is not None and v != ""}


def check_types(accepts: Sequence[str], value: Any) -> None:
    """Refuse files of a type that an option has no use for, whatever they are called."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, Media) and not one.mime.startswith(tuple(accepts)):
            if accepts == ("image/",):
                raise BadInput(NOT_A_PICTURE)
            wanted = ", ".join(a.removesuffix("/") for a in accepts)
            raise BadInput(mark("That is of no use here. This takes: {types}."), types=wanted)


def explained(command: Command, error: ValidationError) -> BadInput:
    """One clear sentence for the first thing that is wrong with the options."""
    found = error.errors()
    first = next((one for one in found if not _of_words(command, one["loc"])), found[0])
    name = str(first["loc"][0]) if first["loc"] else ""
    option = command.option(name)
    context = first.get("ctx", {})
    if option is None:
        return BadInput(
            mark("/{command} has no option {option}. /help lists what there is."),
            command=command.name,
            option=name,
        )
    images = option.kind in FILES
    match first["type"]:
        case "missing" if option.kind == "file":
            return BadInput(mark("Send a file with the command, or use it in reply to one."))
        case "missing" if (
            images and sum(o.required and o.kind in FILES for o in command.options) > 1
        ):
            return BadInput(
                mark("/{command} needs these pictures, sent together in this order: {list}."),
                command=command.name,
                list=", ".join(o.name for o in command.options if o.required and o.kind in FILES),
            )
        case "missing" if images:
            return _picture_count(option.at_least, option.at_most, 0)
        case "too_short" | "too_long" if images:
            return _picture_count(option.at_least, option.at_most, context.get("actual_length", 0))
        case "missing":
            return BadInput(mark("/{command} needs {option}."), command=command.name, option=name)
        case "string_too_long":
            return BadInput(
                mark("{option} is too long: at most {n} characters."),
                option=name,
                n=context.get("max_length", 0),
            )
        case "greater_than_equal" | "less_than_equal":
            return BadInput(
                mark("{option} goes from {low} to {high}."),
                option=name,
                low=f"{option.minimum:g}" if option.minimum is not None else "-∞",
                high=f"{option.maximum:g}" if option.maximum is not None else "∞",
            )
        case "literal_error":
            return BadInput(
                mark("{option} can be {choices}."), option=name, choices=", ".join(option.choices)
            )
        case "int_parsing" | "int_from_float" | "int_type" | "float_parsing":
            return BadInput(mark("{option} must be a number."), option=name)
        case "bool_parsing" | "bool_type":
            return BadInput(
                mark("{option} is either there or not: it takes no value."), option=name
            )
        case _:
            return BadInput(mark("{option} cannot be used like that."), option=name)


def _of_words(command: Command, place: tuple[int | str, ...]) -> bool:
    """Whether it is the main text that is wrong: what else is lacking is told first, for words are
    asked for when all else is there.
    """
    option = command.option(str(place[0])) if place else None
    return option is not None and option.main


def lacking(command: Command, error: ValidationError) -> Option | None:
    """The words that a command cannot do without, where nothing else is wrong; else None."""
    first, *others = error.errors()
    if others or first["type"] != "missing":
        return None
    option = command.option(str(first["loc"][0]))
    return option if option is not None and option.main and option.kind == "text" else None


def asking(say: Say, command: Command, option: Option) -> Form:
    """The question for what is lacking."""
    most = min(option.max_length or LONGEST_ANSWER, LONGEST_ANSWER)
    question = Field(option.name, say(option.description), kind="text", max_length=most)
    return Form(say(COMMAND_NAMES.get(command.name, f"/{command.name}")), (question,))


def _picture_count(low: int, high: int, given: int) -> BadInput:
    if high == 1:
        return BadInput(
            mark("Send a picture with the command, or use it in reply to one."), n=given
        )
    if low == 0:
        text = mark("At most {high} pictures can be used, and you sent {n}.")
    elif given == 0:
        text = mark("Send {low} to {high} pictures with the command.")
    else:
        text = mark("This takes {low} to {high} pictures, and you sent {n}.")
    return BadInput(text, low=low, high=high, n=given)
