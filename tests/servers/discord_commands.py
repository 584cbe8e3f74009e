"""The app's commands: what may be registered, and what is.

Sources: Discord's docs, "Application Commands": names, descriptions, options, 8000 characters.
"""

import re
from collections.abc import Iterator
from typing import Any

from tests.servers import discord_errors as errors
from tests.servers.discord_components import length
from tests.servers.discord_errors import ApiError, Path, Problem
from tests.servers.discord_http import Answer, Call, Route
from tests.servers.discord_interactions import CHAT_INPUT
from tests.servers.discord_records import GUILD_INSTALL, IN_GUILD
from tests.servers.discord_world import World

SUB, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, FILE = range(1, 12)
"""Option types."""
MOST = {1: 100, 2: 15, 3: 15}
"""How many commands of each type an app may have in one place."""
MAX_CHARACTERS = 8000
MAX_OPTIONS = MAX_CHOICES = 25

_NAME = re.compile(r"[-_'\w]{1,32}")

Json = dict[str, Any]
Problems = Iterator[Problem]


def check_command(command: Json, path: Path = ()) -> Problems:
    """Everything that is wrong with one command."""
    kind = command.get("type") or CHAT_INPUT
    if kind not in MOST:
        yield Problem((*path, "type"), "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3).")
        return
    if kind == CHAT_INPUT:
        yield from _names(command, path)
        yield from _options(command.get("options") or [], (*path, "options"), depth=0)
    else:
        yield from length(command.get("name"), (*path, "name"), 1, 32)
        if command.get("description") or command.get("options"):
            message = "A context menu command has no description and no options"
            code = "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_NOT_ALLOWED"
            yield Problem((*path, "description"), code, message)
    if _characters(command) > MAX_CHARACTERS:
        message = f"Command exceeds maximum size ({MAX_CHARACTERS})"
        yield Problem(path, "APPLICATION_COMMAND_TOO_LARGE", message)


def _names(part: Json, path: Path) -> Problems:
    name = str(part.get("name") or "")
    for key, each in [("name", name), *_localized(part, "name")]:
        if not _NAME.fullmatch(each) or each != each.lower():
            message = "Command name is invalid"
            yield Problem((*path, key), "APPLICATION_COMMAND_INVALID_NAME", message)
    yield from length(part.get("description"), (*path, "description"), 1, 100)
    for key, each in _localized(part, "description"):
        yield from length(each, (*path, key), 1, 100)


def _localized(part: Json, key: str) -> list[tuple[str, str]]:
    member = f"{key}_localizations"
    return [(member, str(text)) for text in (part.get(member) or {}).values()]


def _options(options: list[Json], path: Path, *, depth: int) -> Problems:
    if len(options) > MAX_OPTIONS:
        yield Problem(path, "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_OPTIONS} or fewer in length.")
    names = [option.get("name") for option in options]
    if len(names) != len(set(names)):
        message = "Option names must be unique"
        yield Problem(path, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", message)
    required = [bool(option.get("required")) for option in options]
    if required != sorted(required, reverse=True):
        message = "Required options must be placed before non-required options"
        yield Problem(path, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
    nested = {option.get("type") in (SUB, GROUP) for option in options}
    if len(nested) > 1:
        message = "Sub-command and sub-command group option types are mutually exclusive to others"
        yield Problem(path, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
    for number, option in enumerate(options):
        yield from _option(option, (*path, number), depth)


def _option(option: Json, path: Path, depth: int) -> Problems:
    kind = option.get("type")
    lowest = {0: SUB, 1: SUB, 2: STRING}[depth]
    if not isinstance(kind, int) or not lowest <= kind <= FILE or (depth == 1 and kind == GROUP):
        message = f"{kind!r} is no option type here"
        yield Problem((*path, "type"), "BASE_TYPE_CHOICES", message)
        return
    yield from _names(option, path)
    inner = option.get("options") or []
    if kind == SUB:
        yield from _options(inner, (*path, "options"), depth=2)
    elif kind == GROUP:
        if not inner or any(each.get("type") != SUB for each in inner):
            message = "A group holds sub-commands"
            yield Problem((*path, "options"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
        yield from _options(inner, (*path, "options"), depth=1)
    else:
        yield from _values(option, path)


def _values(option: Json, path: Path) -> Problems:
    kind, choices = option["type"], option.get("choices") or []
    numeric, text = kind in (INTEGER, NUMBER), kind == STRING
    if (choices or option.get("autocomplete")) and not (numeric or text):
        message = "Choices are not available for this type"
        yield Problem(path, "APPLICATION_COMMAND_OPTION_CHOICES_INVALID", message)
    if choices and option.get("autocomplete"):
        message = "autocomplete may not be set to true if choices are present"
        yield Problem(path, "APPLICATION_COMMAND_OPTION_AUTOCOMPLETE_INVALID", message)
    for key, fits in {
        "min_value": numeric,
        "max_value": numeric,
        "min_length": text,
        "max_length": text,
    }.items():
        if option.get(key) is not None and not fits:
            message = f"{key} is not available for this type"
            yield Problem((*path, key), "APPLICATION_COMMAND_OPTION_BOUND_INVALID", message)
    low, high = option.get("min_length"), option.get("max_length")
    if not 0 <= (low or 0) <= 6000 or not 1 <= (6000 if high is None else high) <= 6000:
        message = "Must be less than or equal to 6000."
        yield Problem((*path, "max_length"), "NUMBER_TYPE_MAX", message)
    yield from _choices(choices, (*path, "choices"), kind)


def _choices(choices: list[Json], path: Path, kind: int) -> Problems:
    if len(choices) > MAX_CHOICES:
        yield Problem(path, "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CHOICES} or fewer in length.")
    names = [choice.get("name") for choice in choices]
    if len(names) != len(set(names)):
        message = "Choice names must be unique"
        yield Problem(path, "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS", message)
    for number, choice in enumerate(choices):
        here = (*path, number)
        yield from length(choice.get("name"), (*here, "name"), 1, 100)
        value = choice.get("value")
        if kind == STRING:
            yield from length(value, (*here, "value"), 1, 100)
        elif isinstance(value, bool) or not isinstance(
            value, int if kind == INTEGER else float | int
        ):
            yield Problem((*here, "value"), "NUMBER_TYPE_COERCE", f"{value!r} is no such number")


def _characters(part: Json) -> int:
    """Characters that count for a command's size; of translations, the longest."""
    total = 0
    for key in ("name", "description"):
        texts = [str(part.get(key) or ""), *(text for _, text in _localized(part, key))]
        total += max(len(text) for text in texts)
    if isinstance(part.get("value"), str):
        total += len(part["value"])
    nested = [*(part.get("options") or []), *(part.get("choices") or [])]
    return total + sum(_characters(each) for each in nested)


class Commands:
    """The register, and its routes.

    Attributes:
        writes: How often the bot registered commands.
    """

    def __init__(self, world: World) -> None:
        self.writes = 0
        self._world = world
        self._known: dict[int | None, dict[tuple[int, str], Json]] = {}

    def routes(self) -> list[Route]:
        """For global commands and for those of one guild."""
        base = "/applications/{application_id}"
        found = []
        for root in (f"{base}/commands", f"{base}/guilds/{{guild_id}}/commands"):
            one = root + "/{command_id}"
            found += [
                Route("GET", root, self._list),
                Route("PUT", root, self._replace),
                Route("POST", root, self._upsert),
                Route("GET", one, self._get),
                Route("PATCH", one, self._patch),
                Route("DELETE", one, self._remove),
            ]
        return found

    def all(self, guild_id: int | None = None) -> list[Json]:
        """The commands registered globally, or in a guild."""
        return list(self._known.get(guild_id, {}).values())

    def find(self, name: str, kind: int, guild_id: int | None) -> Json | None:
        """The command a person gets under a name: the guild's own hides a global one."""
        own = self._known.get(guild_id, {}) if guild_id is not None else {}
        return own.get((kind, name)) or self._known.get(None, {}).get((kind, name))

    def _place(self, call: Call) -> int | None:
        if call.number("application_id") != self._world.application_id:
            raise ApiError(403, 20012, "You are not authorized to perform this action.")
        if "guild_id" not in call.params:
            return None
        guild = self._world.guilds.get(call.number("guild_id"))
        if guild is None or not guild.bot_is_member:
            raise errors.missing_access()
        return guild.id

    def _list(self, call: Call) -> Answer:
        return 200, self.all(self._place(call))

    def _replace(self, call: Call) -> Answer:
        place = self._place(call)
        wanted: list[Json] = list(call.body or [])
        errors.refuse(_check_all(wanted))
        self.writes += 1
        old = self._known.get(place, {})
        self._known[place] = {_key(each): self._record(each, place, old) for each in wanted}
        self._world.watch.notify()
        return 200, self.all(place)

    def _upsert(self, call: Call) -> Answer:
        place = self._place(call)
        errors.refuse(check_command(call.body))
        known = self._known.setdefault(place, {})
        new = _key(call.body) not in known
        if new and sum(kind == _key(call.body)[0] for kind, _ in known) >= MOST[_key(call.body)[0]]:
            raise ApiError(400, 30032, "Maximum number of application commands reached")
        self.writes += 1
        record = known[_key(call.body)] = self._record(call.body, place, known)
        self._world.watch.notify()
        return 201 if new else 200, record

    def _one(self, call: Call) -> tuple[int | None, Json]:
        place, number = self._place(call), call.params["command_id"]
        for command in self.all(place):
            if command["id"] == number:
                return place, command
        raise errors.unknown_command()

    def _get(self, call: Call) -> Answer:
        return 200, self._one(call)[1]

    def _patch(self, call: Call) -> Answer:
        place, command = self._one(call)
        changed = {**command, **call.body}
        errors.refuse(check_command(changed))
        self.writes += 1
        known = self._known[place]
        del known[_key(command)]
        known[_key(changed)] = record = self._record(changed, place, {_key(changed): command})
        return 200, record

    def _remove(self, call: Call) -> Answer:
        place, command = self._one(call)
        self.writes += 1
        del self._known[place][_key(command)]
        return 204, None

    def _record(self, wanted: Json, place: int | None, old: dict[tuple[int, str], Json]) -> Json:
        before = old.get(_key(wanted))
        permissions = wanted.get("default_member_permissions")
        record: Json = {
            "id": before["id"] if before else str(self._world.new_id()),
            "application_id": str(self._world.application_id),
            "version": str(self._world.new_id()),
            "default_member_permissions": None if permissions is None else str(permissions),
            "type": _key(wanted)[0],
            "name": wanted["name"],
            "name_localizations": wanted.get("name_localizations"),
            "description": wanted.get("description") or "",
            "description_localizations": wanted.get("description_localizations"),
            "dm_permission": wanted.get("dm_permission") is not False,
            "contexts": wanted.get("contexts"),
            "integration_types": wanted.get("integration_types") or [GUILD_INSTALL],
            "nsfw": bool(wanted.get("nsfw")),
        }
        if record["contexts"] is None:
            del record["contexts"]
        if wanted.get("options"):
            record["options"] = [_pruned(option) for option in wanted["options"]]
        if place is not None:
            record["guild_id"] = str(place)
            record["contexts"] = [IN_GUILD]
        return record


def _check_all(wanted: list[Json]) -> Problems:
    for number, command in enumerate(wanted):
        yield from check_command(command, (number,))
    keys = [_key(command) for command in wanted]
    for key in {key for key in keys if keys.count(key) > 1}:
        message = f"Application command names must be unique: {key[1]!r}"
        yield Problem((), "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
    for kind, most in MOST.items():
        if sum(key[0] == kind for key in keys) > most:
            message = f"At most {most} commands of type {kind}"
            yield Problem((), "APPLICATION_COMMANDS_LIMIT", message)


def _key(command: Json) -> tuple[int, str]:
    return command.get("type") or CHAT_INPUT, str(command.get("name"))


def _pruned(option: Json) -> Json:
    """An option as it is given back: without nulls, `required` only where it is true."""
    kept = {key: value for key, value in option.items() if value is not None and value != []}
    if not kept.get("required"):
        kept.pop("required", None)
    if "options" in kept:
        kept["options"] = [_pruned(each) for each in kept["options"]]
    return kept
