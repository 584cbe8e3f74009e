"""The rules of making and changing messages, whoever asks and by whichever route.

Owns content, files, flags, mentions and nonces of a message; the rules of its components and
embeds are in `discord_components` and `discord_forms`. Who may do it is for the routes to say.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.servers import discord_errors as errors
from tests.servers.discord_components import check_message_components
from tests.servers.discord_errors import Problem
from tests.servers.discord_files import Attachment, clean_name
from tests.servers.discord_forms import check_embeds, is_empty_embed
from tests.servers.discord_interactions import Interaction
from tests.servers.discord_message import (
    EPHEMERAL,
    LOADING,
    SILENT,
    SUPPRESS_EMBEDS,
    V2,
    VOICE,
    Message,
)
from tests.servers.discord_records import ATTACH_FILES, MENTION_EVERYONE, Channel, User
from tests.servers.discord_wire import mentioned_users, mentions_everyone, walk, with_ids
from tests.servers.discord_world import World

MAX_CONTENT = 2000
MAX_FILES = 10
MAX_DESCRIPTION = 1024
MAX_NONCE = 25
NONCE_SECONDS = 300.0
"""How long a nonce is remembered; the docs say "the past few minutes"."""

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """A part `files[index]` of a multipart body, spooled to disk."""

    index: int
    filename: str
    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Draft:
    """What a request wants a message to be.

    Args:
        body: The JSON: a message's fields.
        uploads: The files that came with it.
        limit: Bytes a file may have at most.
    """

    body: Body
    uploads: tuple[Upload, ...] = ()
    limit: int = 0

    def check_sizes(self) -> None:
        """Refuses files over the limit.

        Raises:
            ApiError: 40005.
        """
        if any(upload.size > self.limit for upload in self.uploads):
            raise errors.too_large()


@dataclass(slots=True)
class _Shape:
    """What a message will show, to be judged before anything changes."""

    content: str
    embeds: list[Body]
    components: list[Body]
    attachments: list[Attachment]
    flags: int
    problems: list[Problem] = field(default_factory=list)

    def check(self, emojis: set[int]) -> None:
        """Judges the whole.

        Raises:
            ApiError: 50035 with all faults, or 50006.
        """
        names = [attachment.filename for attachment in self.attachments]
        self.problems += check_embeds(self.embeds, names)
        self.problems += check_message_components(
            self.components, v2=bool(self.flags & V2), files=names, emojis=emojis
        )
        self.problems += self._totals()
        errors.refuse(self.problems)
        shown = [embed for embed in self.embeds if not is_empty_embed(embed)]
        parts = self.components if self.flags & V2 else []
        if not (self.content or shown or parts or self.attachments):
            raise errors.empty_message()

    def _totals(self) -> Iterator[Problem]:
        if len(self.content) > MAX_CONTENT:
            message = f"Must be {MAX_CONTENT} or fewer in length."
            yield Problem(("content",), "BASE_TYPE_MAX_LENGTH", message)
        if len(self.attachments) > MAX_FILES:
            message = f"Must be {MAX_FILES} or fewer in length."
            yield Problem(("attachments",), "BASE_TYPE_MAX_LENGTH", message)
        for number, attachment in enumerate(self.attachments):
            if len(attachment.description or "") > MAX_DESCRIPTION:
                message = f"Must be {MAX_DESCRIPTION} or fewer in length."
                path = ("attachments", number, "description")
                yield Problem(path, "BASE_TYPE_MAX_LENGTH", message)
        if self.flags & V2 and (self.content or self.embeds):
            message = "Content and embeds cannot be used with the flag IS_COMPONENTS_V2"
            code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
            yield Problem(("content" if self.content else "embeds",), code, message)
        if self.flags & VOICE and (self.content or self.embeds or len(self.attachments) != 1):
            message = "A voice message is one file and nothing else"
            yield Problem(("flags",), "VOICE_MESSAGES_INVALID", message)


def create(
    channel: Channel,
    draft: Draft,
    *,
    interaction: Interaction | None = None,
    reference: Message | None = None,
) -> Message:
    """Posts a message of the bot.

    Args:
        channel: Where.
        draft: What.
        interaction: Whose token is used, None for the bot's own token.
        reference: The message replied to.

    Raises:
        ApiError: The message breaks a rule.
    """
    world = channel.world
    shape = _new_shape(world, channel, draft, interaction)
    message = Message(
        world,
        world.new_id(),
        channel,
        world.bot,
        flags=shape.flags,
        nonce=draft.body.get("nonce"),
        reference=reference,
        interaction=interaction,
        by_webhook=interaction is not None,
        seen_by=interaction.user if interaction and shape.flags & EPHEMERAL else None,
    )
    _show(message, shape)
    note_pings(message, draft.body.get("allowed_mentions"))
    return publish(message)


def publish(message: Message) -> Message:
    """Puts a finished message into its channel and tells everybody."""
    world = message.world
    world.messages[message.id] = message
    message.channel.log.append(message)
    if not message.loading:
        message.remember()
    message.announce("MESSAGE_CREATE")
    world.watch.notify()
    return message


def _new_shape(
    world: World, channel: Channel, draft: Draft, interaction: Interaction | None
) -> _Shape:
    draft.check_sizes()
    body = draft.body
    allowed = SUPPRESS_EMBEDS | SILENT | VOICE | V2
    flags = int(body.get("flags") or 0) & (allowed | (EPHEMERAL if interaction else 0))
    shape = _Shape(
        (body.get("content") or "").strip(),
        list(body.get("embeds") or []),
        list(body.get("components") or []),
        [],
        flags | (EPHEMERAL if interaction and interaction.must_be_ephemeral else 0),
    )
    shape.attachments = _attachments(world, channel, draft, [], shape.problems)
    shape.problems += _check_mentions(body.get("allowed_mentions"))
    if len(str(body.get("nonce") or "")) > MAX_NONCE:
        message = f"Must be {MAX_NONCE} or fewer in length."
        shape.problems.append(Problem(("nonce",), "NONCE_TYPE_TOO_LONG", message))
    shape.check(set(world.emojis))
    by_token = interaction is None and channel.guild is not None
    if by_token and shape.attachments and not channel.app_permissions & ATTACH_FILES:
        raise errors.missing_permissions()
    return shape


def edit(message: Message, draft: Draft) -> Message:
    """Changes a message; what the body does not name stays as it is.

    Raises:
        ApiError: The message would break a rule; it stays as it was.
    """
    draft.check_sizes()
    body, world = draft.body, message.world
    added = int(body.get("flags") or 0) & (SUPPRESS_EMBEDS | V2)
    shape = _Shape(
        (body["content"] or "").strip() if "content" in body else message.content,
        list(body["embeds"] or []) if "embeds" in body else message.embeds,
        list(body["components"] or []) if "components" in body else message.components,
        [],
        (message.flags & ~LOADING) | added,
    )
    kept = message.attachments
    shape.attachments = _attachments(world, message.channel, draft, kept, shape.problems)
    shape.problems += _check_mentions(body.get("allowed_mentions"))
    shape.check(set(world.emojis))
    was_loading = message.loading
    message.flags = shape.flags
    _show(message, shape)
    if not was_loading:
        message.edited_at = world.clock.now()
    message.remember()
    message.announce("MESSAGE_UPDATE")
    world.watch.notify()
    return message


def _show(message: Message, shape: _Shape) -> None:
    message.content, message.embeds = shape.content, shape.embeds
    message.components = with_ids(shape.components)
    message.attachments = shape.attachments
    for attachment in shape.attachments:
        attachment.ephemeral = message.ephemeral
        message.world.files.add(attachment)


def _attachments(
    world: World,
    channel: Channel,
    draft: Draft,
    kept: list[Attachment],
    problems: list[Problem],
) -> list[Attachment]:
    """The files a message will have.

    Without `attachments` in the body those there are stay and uploads are added; with it, it is
    the whole list, naming files there by id and uploads by the number in `files[n]`.
    """
    uploads = {upload.index: upload for upload in draft.uploads}
    listed = draft.body.get("attachments")
    if listed is None:
        new = [_received(world, channel, upload, {}) for upload in uploads.values()]
        return [*kept, *new]
    by_id = {attachment.id: attachment for attachment in kept}
    result: list[Attachment] = []
    for number, entry in enumerate(listed):
        key = int(entry["id"])
        if key in by_id:
            description = entry.get("description") or by_id[key].description
            result.append(replace(by_id[key], description=description))
        elif key in uploads:
            result.append(_received(world, channel, uploads.pop(key), entry))
        else:
            message = f"No file and no upload is called {key}"
            path = ("attachments", number, "id")
            problems.append(Problem(path, "MESSAGE_ATTACHMENT_NOT_FOUND", message))
    for index in uploads:
        message = f"files[{index}] is not listed"
        problems.append(Problem(("attachments",), "MESSAGE_ATTACHMENT_NOT_LISTED", message))
    return result


def _received(world: World, channel: Channel, upload: Upload, entry: Body) -> Attachment:
    voice = {key: entry[key] for key in ("duration_secs", "waveform") if entry.get(key)}
    return Attachment(
        upload.path,
        clean_name(entry.get("filename") or upload.filename),
        description=entry.get("description"),
        id=world.new_id(),
        channel_id=channel.id,
        voice=voice,
    )


def _check_mentions(allowed: Body | None) -> Iterator[Problem]:
    if not allowed:
        return
    for kind in ("users", "roles"):
        listed = allowed.get(kind) or []
        if listed and kind in (allowed.get("parse") or []):
            message = f"parse:[{kind!r}] and {kind}: [ids...] are mutually exclusive."
            code = "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"
            yield Problem(("allowed_mentions",), code, message)
        if len(listed) > 100:
            message = "Must be 100 or fewer in length."
            yield Problem(("allowed_mentions", kind), "BASE_TYPE_MAX_LENGTH", message)


def note_pings(message: Message, allowed: Body | None) -> None:
    """Works out who is notified by a new message's mentions.

    Args:
        message: The message. Only its content and text displays mention; embeds do not.
        allowed: `allowed_mentions` as sent; None lets everything through.
    """
    if message.ephemeral:
        return
    texts = [str(part.get("content") or "") for part in walk(message.components)]
    text = "\n".join([message.content, *texts])
    wanted = mentioned_users(text)
    if allowed is not None and "users" not in (allowed.get("parse") or []):
        listed = {int(number) for number in allowed.get("users") or []}
        wanted = [number for number in wanted if number in listed]
    if message.reference and (allowed is None or allowed.get("replied_user")):
        wanted.append(message.reference.author.id)
    message.pinged = [
        user
        for number in dict.fromkeys(wanted)
        if (user := message.world.users.get(number)) and _notified(message, user)
    ]
    everyone = allowed is None or "everyone" in (allowed.get("parse") or [])
    permitted = bool(message.channel.app_permissions & MENTION_EVERYONE)
    message.pinged_everyone = everyone and permitted and mentions_everyone(text)


def _notified(message: Message, user: User) -> bool:
    return user is not message.author and message.channel.visible_to(user)


def earlier_by_nonce(channel: Channel, body: Body) -> Message | None:
    """The message that `enforce_nonce` returns instead of making another one."""
    nonce = body.get("nonce")
    if nonce is None or not body.get("enforce_nonce"):
        return None
    since = channel.world.clock.now() - NONCE_SECONDS
    for message in reversed(channel.log):
        if message.created_at < since:
            return None
        if message.author is channel.world.bot and str(message.nonce) == str(nonce):
            return message
    return None
