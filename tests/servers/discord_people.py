"""What people do: commands, buttons, forms, menus, messages.

A person can do only what Discord's app would let them: unknown commands, options that are not
registered, disabled buttons and forms filled in wrongly are errors of the test, and raise
AssertionError. Knows nothing of the routes a bot calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.servers.discord_commands import FILE, GROUP, SUB, Commands
from tests.servers.discord_commands import USER as USER_OPTION
from tests.servers.discord_files import Attachment
from tests.servers.discord_forms import CHECKBOX, CHECKBOXES, FILE_UPLOAD, RADIO
from tests.servers.discord_interactions import (
    AUTOCOMPLETE,
    CHAT_INPUT,
    COMMAND,
    COMPONENT,
    MESSAGE_MENU,
    MODAL_SUBMIT,
    USER_MENU,
    Interaction,
    Modal,
)
from tests.servers.discord_message import Message
from tests.servers.discord_messages import MAX_CONTENT, note_pings
from tests.servers.discord_records import GUILD_INSTALL, IN_BOT_DM, USER_INSTALL, Channel, User
from tests.servers.discord_routes import open_dm
from tests.servers.discord_wire import walk

Json = dict[str, Any]


@dataclass(eq=False)
class Person(User):
    """A user that tests move. Every method returns what came of it."""

    commands: Commands = field(kw_only=True, repr=False)

    def dm(self) -> Channel:
        """The direct messages with the bot."""
        return open_dm(self.world, self)

    def sees(self, message: Message) -> bool:
        """Whether the message is there and not hidden from this person."""
        hidden = message.ephemeral and message.seen_by is not self
        return not message.deleted and not hidden and message.channel.visible_to(self)

    # -- writing ---------------------------------------------------------------------------------

    async def say(
        self,
        channel: Channel,
        text: str = "",
        *files: Attachment | bytes,
        reply_to: Message | None = None,
        quietly: bool = False,
    ) -> Message:
        """Writes a message; the bot is told if its intents ask for messages.

        A reply mentions whom it answers, unless `quietly`.
        """
        self._enter(channel)
        assert len(text) <= MAX_CONTENT, "Discord's app sends at most 2000 characters"
        message = Message(self.world, self.world.new_id(), channel, self, text, reference=reply_to)
        message.attachments = [self._uploaded(channel, file, ephemeral=False) for file in files]
        # People mention whom they like: the bot is told of its name even without message content.
        note_pings(message, {"parse": ["users", "everyone"]} if quietly else None)
        self.world.messages[message.id] = message
        channel.log.append(message)
        message.remember()
        message.announce("MESSAGE_CREATE")
        self.world.watch.notify()
        return message

    # -- commands --------------------------------------------------------------------------------

    async def slash(self, channel: Channel, command: str, /, **options: Any) -> Interaction:
        """Runs a slash command.

        Args:
            channel: Where.
            command: Its name; of a sub-command the whole, e.g. `"settings show"`.
            options: By their names; files as bytes or `Attachment`, users as `User`.

        Raises:
            AssertionError: The app would not let them.
        """
        record, path = self._find(channel, command, CHAT_INPUT)
        resolved: Json = {}
        leaf = path[-1] if path else record
        filled = self._filled(channel, leaf, options, resolved, complete=True)
        return self._start(COMMAND, channel, _command_data(record, path, filled, resolved), record)

    async def autocomplete(
        self, channel: Channel, command: str, option: str, text: str, /, **options: Any
    ) -> list[Json]:
        """Types into an option and reads what is offered: `[{"name": ..., "value": ...}]`.

        Raises:
            AssertionError: The option offers nothing, or no answer came in time.
        """
        record, path = self._find(channel, command, CHAT_INPUT)
        leaf = path[-1] if path else record
        known = {each["name"]: each for each in leaf.get("options") or []}
        assert option in known, f"/{command} has no option {option!r}; it has {list(known)}"
        assert known[option].get("autocomplete"), f"{option!r} of /{command} offers nothing"
        resolved: Json = {}
        filled = self._filled(channel, leaf, options, resolved, complete=False)
        filled.append(
            {"name": option, "type": known[option]["type"], "value": text, "focused": True}
        )
        data = _command_data(record, path, filled, resolved)
        interaction = self._start(AUTOCOMPLETE, channel, data, record)
        await interaction.wait_ack()
        return interaction.choices or []

    async def menu(self, message: Message, name: str) -> Interaction:
        """Uses a message menu (Apps > name)."""
        assert self.sees(message), f"{self.name} does not see {message}"
        record, _ = self._find(message.channel, name, MESSAGE_MENU)
        number = str(message.id)
        data = _command_data(record, [], [], {"messages": {number: message.wire()}})
        return self._start(
            COMMAND, message.channel, data | {"target_id": number}, record, target=message
        )

    async def user_menu(self, channel: Channel, target: User, name: str) -> Interaction:
        """Uses a user menu."""
        record, _ = self._find(channel, name, USER_MENU)
        number = str(target.id)
        data = _command_data(record, [], [], {"users": {number: target.wire()}})
        return self._start(COMMAND, channel, data | {"target_id": number}, record)

    # -- components and forms --------------------------------------------------------------------

    async def click(self, message: Message, what: str) -> Interaction:
        """Presses a button, named by its label, emoji or custom_id.

        Raises:
            AssertionError: They do not see it, or it cannot be pressed.
        """
        assert self.sees(message), f"{self.name} does not see {message}"
        button = message.button(what)
        assert not button.disabled, f"{what!r} is disabled"
        assert button.custom_id is not None, f"{what!r} is a link"
        data = {"component_type": 2, "custom_id": button.custom_id, "id": button.id}
        return self._start(COMPONENT, message.channel, data, message=message)

    async def select(self, message: Message, custom_id: str, *values: str) -> Interaction:
        """Chooses in a select of strings.

        Raises:
            AssertionError: They cannot choose that.
        """
        assert self.sees(message), f"{self.name} does not see {message}"
        parts = [part for part in walk(message.components) if part.get("custom_id") == custom_id]
        assert parts, f"no select {custom_id!r} on {message}"
        assert not parts[0].get("disabled"), f"{custom_id!r} is disabled"
        _check_chosen(parts[0], values)
        data = {
            "component_type": parts[0]["type"],
            "custom_id": custom_id,
            "id": parts[0]["id"],
            "values": list(values),
        }
        return self._start(COMPONENT, message.channel, data, message=message)

    async def submit(
        self, form: Interaction | Modal, answers: Mapping[str, Any] | None = None, /, **more: Any
    ) -> Interaction:
        """Fills in a form and sends it.

        Args:
            form: The form, or the interaction that opened it.
            answers: By the fields' custom_ids or labels; what is not named keeps its value.
            more: The same, as keywords.

        Raises:
            AssertionError: Discord's app would not send it so.
        """
        opener = form if isinstance(form, Interaction) else self._opener(form)
        modal = opener.modal
        assert modal is not None, f"{opener} opened no form"
        assert opener.user is self, f"the form is before {opener.user.name}'s eyes"
        given = {
            modal.field(name).custom_id: value
            for name, value in {**(answers or {}), **more}.items()
        }
        resolved: Json = {}
        parts = [self._answered(opener.channel, part, given, resolved) for part in modal.components]
        data: Json = {"custom_id": modal.custom_id, "components": parts}
        if resolved:
            data["resolved"] = resolved
        return self._start(
            MODAL_SUBMIT, opener.channel, data, message=opener.message, opener=opener
        )

    def _opener(self, modal: Modal) -> Interaction:
        for interaction in self.world.interactions.values():
            if interaction.modal is modal:
                return interaction
        raise AssertionError(f"no interaction opened {modal.title!r}")

    def _answered(self, channel: Channel, part: Json, given: Json, resolved: Json) -> Json:
        shown: Json = {"type": part["type"], "id": part["id"]}
        if part["type"] == 18:
            inner = part["component"]
            return shown | {"component": self._field(channel, inner, given, resolved)}
        if part["type"] == 1:
            inner = [self._field(channel, each, given, resolved) for each in part["components"]]
            return shown | {"components": inner}
        return shown

    def _field(self, channel: Channel, part: Json, given: Json, resolved: Json) -> Json:
        name, kind = part["custom_id"], part["type"]
        shown: Json = {"type": kind, "id": part["id"], "custom_id": name}
        required = part.get("required") is not False
        if kind == 4:
            value = str(given.get(name, part.get("value") or ""))
            _check_text(part, value, required=required)
            return shown | {"value": value}
        if kind == CHECKBOX:
            return shown | {"value": bool(given.get(name, part.get("default", False)))}
        chosen = _as_list(given.get(name, _defaults(part)))
        assert chosen or not required, f"{name!r} must be answered"
        if kind == FILE_UPLOAD:
            assert len(chosen) <= (part.get("max_values") or 1), f"too many files for {name!r}"
            return shown | {"values": [self._resolved(channel, file, resolved) for file in chosen]}
        _check_chosen(part, chosen, required=required)
        if kind == RADIO:
            return shown | {"value": chosen[0] if chosen else None}
        return shown | {"values": chosen}

    # -- how the bot is told ---------------------------------------------------------------------

    def _enter(self, channel: Channel) -> None:
        if channel.guild is not None:
            channel.guild.members.setdefault(self.id, self)
        assert channel.visible_to(self), f"{self.name} is not in {channel}"

    def _find(self, channel: Channel, command: str, kind: int) -> tuple[Json, list[Json]]:
        """A registered command and the sub-commands on the way."""
        self._enter(channel)
        guild_id = channel.guild.id if channel.guild else None
        names = command.removeprefix("/").split() if kind == CHAT_INPUT else [command]
        record = self.commands.find(names[0], kind, guild_id)
        assert record is not None, f"no command {names[0]!r} is registered here"
        contexts = record.get("contexts")
        if contexts is not None:
            assert channel.context in contexts, f"{command!r} is not offered in {channel}"
        assert self._owners(channel, record), f"{command!r} is not installed for {channel}"
        path, here = [], record
        for name in names[1:]:
            found = [each for each in here.get("options") or [] if each["name"] == name]
            assert found, f"no sub-command {name!r}"
            assert found[0]["type"] in (SUB, GROUP), f"{name!r} is no sub-command"
            here = found[0]
            path.append(here)
        nested = any(each["type"] in (SUB, GROUP) for each in here.get("options") or [])
        assert not nested, f"{command!r} needs a sub-command"
        return record, path

    def _owners(self, channel: Channel, record: Json | None) -> dict[str, str]:
        """Who brought the app here (`authorizing_integration_owners`)."""
        kinds = [GUILD_INSTALL, USER_INSTALL] if record is None else record["integration_types"]
        owners = {}
        if GUILD_INSTALL in kinds and channel.guild and channel.guild.bot_is_member:
            owners["0"] = str(channel.guild.id)
        if GUILD_INSTALL in kinds and channel.context == IN_BOT_DM:
            owners["0"] = "0"
        if USER_INSTALL in kinds and self.installed:
            owners["1"] = str(self.id)
        return owners

    def _filled(
        self, channel: Channel, leaf: Json, given: Json, resolved: Json, *, complete: bool
    ) -> list[Json]:
        known = {option["name"]: option for option in leaf.get("options") or []}
        unknown = set(given) - set(known)
        assert not unknown, f"{leaf['name']!r} has no options {unknown}; it has {list(known)}"
        missing = {name for name, each in known.items() if each.get("required")} - set(given)
        assert not missing or not complete, f"{leaf['name']!r} needs {missing}"
        filled = []
        for name, value in given.items():
            option = known[name]
            if option["type"] == FILE:
                value = self._resolved(channel, value, resolved)
            elif option["type"] == USER_OPTION:
                resolved.setdefault("users", {})[str(value.id)] = value.wire()
                value = str(value.id)
            else:
                _check_value(option, value)
            filled.append({"name": name, "type": option["type"], "value": value})
        return filled

    def _resolved(self, channel: Channel, file: Attachment | bytes, resolved: Json) -> str:
        """Uploads a file and lists it with the data; returns its id."""
        attachment = self._uploaded(channel, file, ephemeral=True)
        shown = self.world.files.wire(attachment)
        resolved.setdefault("attachments", {})[str(attachment.id)] = shown
        return str(attachment.id)

    def _uploaded(
        self, channel: Channel, file: Attachment | bytes, *, ephemeral: bool
    ) -> Attachment:
        given = Attachment(file) if isinstance(file, bytes) else file
        assert given.size <= self.upload_limit, f"{given.filename} is too large to upload"
        number = self.world.new_id()
        # A copy: the same file may be sent twice, and is two attachments then.
        copy = replace(given, id=number, channel_id=channel.id, ephemeral=ephemeral)
        return self.world.files.add(copy)

    def _start(
        self,
        kind: int,
        channel: Channel,
        data: Json,
        record: Json | None = None,
        *,
        message: Message | None = None,
        opener: Interaction | None = None,
        target: Message | None = None,
    ) -> Interaction:
        owners = self._owners(channel, record)
        if opener is not None:
            owners = opener.owners
        elif message is not None and message.interaction is not None:
            owners = message.interaction.owners
        interaction = Interaction(
            self.world, kind, self, channel, data, owners, message, opener, target
        )
        interaction.send()
        self.world.watch.notify()
        return interaction


def _command_data(record: Json, path: list[Json], filled: list[Json], resolved: Json) -> Json:
    options = filled
    for step in reversed(path):
        options = [{"name": step["name"], "type": step["type"], "options": options}]
    data = {"id": record["id"], "name": record["name"], "type": record["type"]}
    if options:
        data["options"] = options
    if resolved:
        data["resolved"] = resolved
    if record.get("guild_id"):
        data["guild_id"] = record["guild_id"]
    return data


def _check_value(option: Json, value: Any) -> None:
    name = option["name"]
    kinds: Any = {3: str, 4: int, 5: bool, 10: (int, float)}.get(option["type"], object)
    wrong_bool = isinstance(value, bool) and option["type"] != 5
    fits_type = isinstance(value, kinds) and not wrong_bool
    assert fits_type, f"{value!r} does not fit {name!r}"
    choices = [choice["value"] for choice in option.get("choices") or []]
    assert not choices or value in choices, f"{name!r} offers {choices}, not {value!r}"
    if option["type"] == 3:
        low, high = option.get("min_length") or 0, option.get("max_length") or 6000
        assert low <= len(value) <= high, f"{name!r} takes {low} to {high} characters"
    elif option["type"] in (4, 10):
        low, high = option.get("min_value"), option.get("max_value")
        fits = (low is None or value >= low) and (high is None or value <= high)
        assert fits, f"{name!r} takes {low} to {high}, not {value}"


def _check_text(part: Json, value: str, *, required: bool) -> None:
    name = part["custom_id"]
    assert value or not required, f"{name!r} must be filled in"
    low, high = part.get("min_length") or 0, part.get("max_length") or 4000
    assert not value or low <= len(value) <= high, f"{name!r} takes {low} to {high} characters"


def _check_chosen(part: Json, chosen: Any, *, required: bool = True) -> None:
    name = part["custom_id"]
    offered = [option["value"] for option in part.get("options") or []]
    assert not offered or set(chosen) <= set(offered), f"{name!r} offers {offered}, not {chosen}"
    high = part.get("max_values") or (len(offered) if part["type"] == CHECKBOXES else 1)
    low = 1 if part.get("min_values") is None else part["min_values"]
    low = low if required or chosen else 0
    assert low <= len(chosen) <= high, f"{name!r} takes {low} to {high} choices"


def _defaults(part: Json) -> list[str]:
    return [option["value"] for option in part.get("options") or [] if option.get("default")]


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
