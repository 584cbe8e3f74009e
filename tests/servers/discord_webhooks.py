"""The routes that answer interactions: callbacks, `@original` and follow-ups.

They need no bot token: the interaction's own token, good for 15 minutes, is the key. Sources:
Discord's docs, "Receiving and Responding to Interactions".
"""

from collections.abc import Iterator
from typing import Any

from tests.servers import discord_errors as errors
from tests.servers.discord_components import length
from tests.servers.discord_errors import Path, Problem
from tests.servers.discord_forms import check_modal
from tests.servers.discord_http import Answer, Call, Route
from tests.servers.discord_interactions import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    MODAL_SUBMIT,
    Interaction,
)
from tests.servers.discord_message import EPHEMERAL, LOADING, Message
from tests.servers.discord_messages import Draft, create, edit, publish
from tests.servers.discord_world import World

MESSAGE, THINKING, SILENTLY, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
"""Callback types."""
MAX_CHOICES = 25

_CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback"
_WEBHOOK = "/webhooks/{webhook_id}/{webhook_token}"
_ORIGINAL = _WEBHOOK + "/messages/@original"
_MESSAGE = _WEBHOOK + "/messages/{message_id}"


class Webhooks:
    """The routes of interactions."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """All of them, exact ones first."""
        handlers = {
            ("POST", _WEBHOOK): self._follow_up,
            ("GET", _ORIGINAL): self._get,
            ("PATCH", _ORIGINAL): self._edit,
            ("DELETE", _ORIGINAL): self._delete,
            ("GET", _MESSAGE): self._get,
            ("PATCH", _MESSAGE): self._edit,
            ("DELETE", _MESSAGE): self._delete,
        }
        routes = [
            Route(method, template, handle, "webhooks", with_token=False)
            for (method, template), handle in handlers.items()
        ]
        return [Route("POST", _CALLBACK, self._callback, with_token=False), *routes]

    # -- the first answer ------------------------------------------------------------------------

    def _callback(self, call: Call) -> Answer:
        interaction = self._world.interactions.get(call.number("interaction_id"))
        if interaction is None or interaction.token != call.params["interaction_token"]:
            raise errors.unknown_interaction()
        if interaction.acked_at is not None:
            raise errors.already_acknowledged()
        if interaction.late:
            raise errors.unknown_interaction()
        how = call.body.get("type") if isinstance(call.body, dict) else None
        errors.refuse(_check_type(interaction, how))
        message = _respond(interaction, int(how or 0), call)
        interaction.acknowledge(int(how or 0))
        wanted = call.query.get("with_response", "").lower() in ("1", "true")
        if not wanted or not self._world.answers_callbacks:
            return 204, None
        return 200, _resource(interaction, message)

    # -- what comes later ------------------------------------------------------------------------

    def _interaction(self, call: Call) -> Interaction:
        if call.number("webhook_id") != self._world.application_id:
            raise errors.unknown_webhook()
        token = call.params["webhook_token"]
        known = reversed(self._world.interactions.values())
        found = next((each for each in known if each.token == token), None)
        if found is None or found.token_expired:
            raise errors.invalid_webhook_token()
        if found.acked_at is None:
            raise errors.unknown_webhook()
        return found

    def _follow_up(self, call: Call) -> Answer:
        interaction = self._interaction(call)
        draft = call.draft(interaction.file_bytes)
        original = interaction.original
        if original is not None and original.loading and not original.deleted:
            # The first follow-up after "thinking" fills that message in; no new one is made.
            return 200, edit(original, draft).wire()
        most = self._world.limits.followups_without_bot
        if interaction.without_bot and len(interaction.followups) >= most:
            raise errors.too_many_followups()
        message = create(interaction.channel, draft, interaction=interaction)
        interaction.followups.append(message)
        self._world.watch.notify()
        return 200, message.wire()

    def _message(self, call: Call) -> tuple[Interaction, Message]:
        interaction = self._interaction(call)
        found: Message | None = interaction.original
        if "message_id" in call.params:
            number = call.number("message_id")
            own = (interaction.original, *interaction.followups)
            found = next((each for each in own if each and each.id == number), None)
        if found is None or found.deleted:
            raise errors.unknown_message()
        return interaction, found

    def _get(self, call: Call) -> Answer:
        return 200, self._message(call)[1].wire()

    def _edit(self, call: Call) -> Answer:
        interaction, message = self._message(call)
        return 200, edit(message, call.draft(interaction.file_bytes)).wire()

    def _delete(self, call: Call) -> Answer:
        self._message(call)[1].delete()
        return 204, None


def _check_type(interaction: Interaction, how: object) -> Iterator[Problem]:
    allowed = {
        COMMAND: {MESSAGE, THINKING, MODAL},
        COMPONENT: {MESSAGE, THINKING, SILENTLY, UPDATE, MODAL},
        AUTOCOMPLETE: {CHOICES},
        MODAL_SUBMIT: {MESSAGE, THINKING},
    }[interaction.kind]
    if interaction.kind == MODAL_SUBMIT and interaction.message is not None:
        allowed |= {SILENTLY, UPDATE}
    if how not in allowed:
        kinds = ", ".join(str(kind) for kind in sorted(allowed))
        message = f"Value must be one of ({kinds}) for this interaction."
        yield Problem(("type",), "INTERACTION_CALLBACK_TYPE_INVALID", message)


def _respond(interaction: Interaction, how: int, call: Call) -> Message | None:
    draft = call.draft(interaction.file_bytes, "data")
    match how:
        case 4:
            interaction.original = create(interaction.channel, draft, interaction=interaction)
        case 5:
            interaction.original = _thinking(interaction, draft)
        case 6:
            interaction.original = interaction.message
        case 7:
            assert interaction.message is not None
            if interaction.message.deleted:
                raise errors.unknown_message()
            interaction.original = edit(interaction.message, draft)
        case 8:
            interaction.choices = _choices(interaction, draft.body)
        case 9:
            errors.refuse(check_modal(draft.body, set(interaction.world.emojis)))
            interaction.modal = interaction.modal_from(draft.body)
    return interaction.original


def _thinking(interaction: Interaction, draft: Draft) -> Message:
    hidden = int(draft.body.get("flags") or 0) & EPHEMERAL
    if interaction.must_be_ephemeral:
        hidden = EPHEMERAL
    world = interaction.world
    message = Message(
        world,
        world.new_id(),
        interaction.channel,
        world.bot,
        flags=LOADING | hidden,
        interaction=interaction,
        by_webhook=True,
        seen_by=interaction.user if hidden else None,
    )
    return publish(message)


def _choices(interaction: Interaction, body: dict[str, Any]) -> list[dict[str, Any]]:
    found = list(body.get("choices") or [])
    errors.refuse(_check_choices(found, _focused_type(interaction.data)))
    return found


def _focused_type(data: dict[str, Any]) -> int:
    for option in data.get("options") or []:
        if option.get("focused"):
            return int(option["type"])
        if nested := _focused_type(option):
            return nested
    return 0


def _check_choices(choices: list[dict[str, Any]], kind: int) -> Iterator[Problem]:
    path: Path = ("data", "choices")
    if len(choices) > MAX_CHOICES:
        yield Problem(path, "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_CHOICES} or fewer in length.")
    for number, choice in enumerate(choices):
        here = (*path, number)
        yield from length(choice.get("name"), (*here, "name"), 1, 100)
        value = choice.get("value")
        if kind == 3:
            yield from length(value, (*here, "value"), 1, 100)
        elif not isinstance(value, int | float) or isinstance(value, bool):
            yield Problem((*here, "value"), "NUMBER_TYPE_COERCE", f"{value!r} is not a number")


def _resource(interaction: Interaction, message: Message | None) -> dict[str, Any]:
    """The answer to a callback that asked for one (`with_response`)."""
    shown: dict[str, Any] = {"id": str(interaction.id), "type": interaction.kind}
    answer: dict[str, Any] = {"interaction": shown}
    if message is not None:
        shown["response_message_id"] = str(message.id)
        shown["response_message_loading"] = message.loading
        shown["response_message_ephemeral"] = message.ephemeral
        if interaction.ack_type != SILENTLY:
            answer["resource"] = {"type": _shown_type(interaction), "message": message.wire()}
    return answer


def _shown_type(interaction: Interaction) -> int:
    return MESSAGE if interaction.ack_type == THINKING else interaction.ack_type
