"""Settings: `config.toml`, with `ATELIER_<SECTION>__<KEY>` from the environment over it.

Each section's model stands beside what it configures; here they are only nested, and mistakes are
named with the line and the fix. No message shows a value, since it may be a secret.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from adapters.discord.app import DiscordSettings
from adapters.telegram.app import TelegramSettings
from adapters.web.app import WebSettings
from core.engine import JobSettings
from core.gateway import GatewaySettings
from core.providers import ModelSettings, providers
from core.providers.base import Provider
from core.providers.catalogue import near, troubles
from core.providers.chat import vendor_of
from core.providers.midjourney import MidjourneySettings

PREFIX = "ATELIER_"


class StoreSettings(BaseModel):
    """`[store]`: where jobs, money and buttons are kept."""

    model_config = ConfigDict(extra="forbid")

    url: str = "sqlite:///atelier.db"
    """`sqlite:///file` or `postgresql://user:password@host/name`."""

    @field_validator("url")
    @classmethod
    def _known(cls, url: str) -> str:
        if not re.match(r"sqlite:///\S|postgres(ql)?://\S", url):
            raise ValueError('write "sqlite:///file" or "postgresql://user:password@host/name"')
        return re.sub(r"^postgres://", "postgresql://", url)


class ArchiveSettings(BaseModel):
    """`[archive]`: where every result's bytes are kept."""

    model_config = ConfigDict(extra="forbid")

    dir: Path = Path("archive")
    """A folder, made when it is missing."""

    @field_validator("dir")
    @classmethod
    def _at_home(cls, folder: Path) -> Path:
        return folder.expanduser()


def _listed(given: object) -> object:
    """A list as it is, or as environment variables have it: `a, b` or JSON."""
    if isinstance(given, str) and given.lstrip().startswith("["):
        return json.loads(given)
    if isinstance(given, str):
        return [one.strip() for one in given.split(",") if one.strip()]
    return given


class SecuritySettings(BaseModel):
    """`[security]`: what may be fetched besides public https addresses."""

    model_config = ConfigDict(extra="forbid")

    trusted_hosts: Annotated[list[str], NoDecode, BeforeValidator(_listed)] = Field(
        default_factory=list
    )
    """`host` (any port, http too) or `host:port`, private ones included."""


class OwnerSettings(BaseModel):
    """`[owner]`: whom the bot belongs to."""

    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[str], NoDecode, BeforeValidator(_listed)] = Field(default_factory=list)
    """`discord:123`, `telegram:456`, or `web` for everybody in the playground."""

    @field_validator("ids")
    @classmethod
    def _people(cls, ids: list[str]) -> list[str]:
        if not all(re.fullmatch(r"(discord|telegram):\d+|web", one) for one in ids):
            raise ValueError('write "discord:123", "telegram:456" or "web"')
        return ids


class LogSettings(BaseModel):
    """`[log]`: what is written to standard error."""

    model_config = ConfigDict(extra="forbid")

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is written."""
    format: Literal["text", "json"] = "text"
    """`text` for people, `json` for programs: one object a line, with the job's id."""


class Settings(BaseSettings):
    """Everything `config.toml` may hold."""

    model_config = SettingsConfigDict(
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    gateway: GatewaySettings = Field(default_factory=GatewaySettings)
    discord: DiscordSettings = Field(default_factory=DiscordSettings)
    telegram: TelegramSettings = Field(default_factory=TelegramSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    store: StoreSettings = Field(default_factory=StoreSettings)
    archive: ArchiveSettings = Field(default_factory=ArchiveSettings)
    jobs: JobSettings = Field(default_factory=JobSettings)
    security: SecuritySettings = Field(default_factory=SecuritySettings)
    midjourney: MidjourneySettings = Field(default_factory=MidjourneySettings)
    owner: OwnerSettings = Field(default_factory=OwnerSettings)
    models: dict[str, ModelSettings] = Field(default_factory=dict)
    log: LogSettings = Field(default_factory=LogSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment goes over the file; nothing else is read."""
        del dotenv_settings, file_secret_settings
        return env_settings, init_settings

    def secrets(self) -> list[str]:
        """Every secret value in here, to be masked wherever text leaves the program."""
        password = urlsplit(self.store.url).password or ""
        found = [*_secrets(self), password, unquote(password)]
        return sorted({one for one in found if one})


class FixedSettings(Settings):
    """Settings of the program's own making, in which the environment has no say."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given counts."""
        del env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)


def _secrets(value: object) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            for name in type(value).model_fields:
                yield from _secrets(getattr(value, name))
        case dict():
            for one in value.values():
                yield from _secrets(one)


class ConfigError(Exception):
    """The settings cannot be used; the text says where and how to mend it, one problem a line."""


def load(path: Path | None = None) -> Settings:
    """Read the settings.

    Args:
        path: The TOML file; without one only the environment is read.

    Raises:
        ConfigError: The file cannot be read, a key is unknown or a value wrong.
    """
    text, data = _read(path)
    where = _Where(str(path) if path else "the environment", text)
    problems = _unknown_variables()
    try:
        settings = Settings(**data)
        problems += [*_unknown_names(settings, where), *_odd_secrets(settings, where)]
    except ValidationError as error:
        problems += [_explain(e, where) for e in error.errors(include_input=False)]
    except SettingsError as error:
        problems.append(_unreadable(error))
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    return settings


def _read(path: Path | None) -> tuple[str, dict[str, Any]]:
    if path is None:
        return "", {}
    try:
        text = path.read_text("utf-8-sig")
        return text, tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(
            f"{path} is not there. Copy config.example.toml to {path} and fill it in."
        ) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} cannot be read: save it as UTF-8 text.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from None
    except tomllib.TOMLDecodeError as error:
        hint = '; text stands in "quotes"' if "Invalid value" in str(error) else ""
        raise ConfigError(f"{path} is not valid TOML: {error}{hint}") from None


# -- naming mistakes ---------------------------------------------------------------------------


class _Where:
    """Says where a setting was given."""

    def __init__(self, name: str, text: str) -> None:
        """`text` is the file's, empty without one."""
        self._name = name
        self._text = text
        self._variables = {k.upper(): k for k in os.environ if k.upper().startswith(PREFIX)}

    def __call__(self, loc: Sequence[str]) -> str:
        """The variable, or the file's line, that gave the setting at `loc`."""
        wanted = PREFIX + "__".join(part.upper() for part in loc)
        for upper, variable in self._variables.items():
            if len(loc) > 1 and (
                f"{wanted}__".startswith(f"{upper}__") or upper.startswith(f"{wanted}__")
            ):
                return f"the environment, {variable}"
        line = _line(self._text, list(loc))
        return f"{self._name}, line {line}" if line else self._name


def _unknown_variables() -> list[str]:
    """Variables with our prefix that name no section; the sections check their own keys."""
    sections = set(Settings.model_fields)
    found = []
    for name in os.environ:
        if name.upper().startswith(PREFIX):
            section, *keys = name[len(PREFIX) :].lower().split("__")
            if section not in sections:
                fix = near(section, sections)
                found.append(f"the environment: {name} names no section{fix}")
            elif not keys and section != "models":
                found.append(f"the environment: {name} names no key: {PREFIX}<SECTION>__<KEY>")
    return found


def _unknown_names(settings: Settings, where: _Where) -> Iterator[str]:
    """Models, families and keys that do not exist: what is set for them would do nothing."""
    families = providers(settings.midjourney)
    for path, text in troubles(families, settings.models):
        loc = ["models", *path]
        yield f"{where(loc)}: {'.'.join(loc)}: {text}"
    known = _keyed(families, settings.models)
    for name in settings.gateway.keys:
        if name not in known:
            loc = ["gateway", "keys", name]
            yield f"{where(loc)}: {'.'.join(loc)}: there is no such family{near(name, known)}"


def _keyed(families: Mapping[str, Provider], models: Mapping[str, ModelSettings]) -> set[str]:
    """What may have a key of its own: a family, a model, all models of a maker."""
    offers = [offer for family in families.values() for offer in family.offers]
    words = {offer.wire for offer in offers} | {one.model or key for key, one in models.items()}
    makers = {vendor_of(word) for word in words}
    return {*families, *models, *words, *(offer.key for offer in offers), *makers}


def _odd_secrets(settings: Settings, where: _Where) -> Iterator[str]:
    """Keys and tokens that no header could carry, such as one copied with the words around it."""
    secrets = {("gateway", "keys", name): key for name, key in settings.gateway.keys.items()} | {
        ("gateway", "api_key"): settings.gateway.api_key,
        ("gateway", "access_key"): settings.gateway.access_key,
        ("discord", "token"): settings.discord.token,
        ("telegram", "token"): settings.telegram.token,
    }
    for loc, secret in secrets.items():
        if not re.fullmatch(r"[!-~]*", secret.get_secret_value()):
            yield (
                f"{where(loc)}: {'.'.join(loc)}: has a blank or a letter in it that none has; copy "
                "it again, alone"
            )


def _unreadable(error: SettingsError) -> str:
    """A variable for which JSON is due and that holds none."""
    field = re.search(r'field "(\w+)"', str(error))
    head = PREFIX + (field[1].upper() if field else "")
    names = ", ".join(sorted(name for name in os.environ if name.upper().startswith(head)))
    return (
        f"the environment: {names} cannot be read; write {PREFIX}<SECTION>__<KEY>[__<NAME>]=value"
    )


def _explain(error: Mapping[str, Any], where: _Where) -> str:
    """One problem: the place, what is wrong, and the fix."""
    loc = [str(part) for part in error["loc"]]
    at, key = where(loc), ".".join(loc)
    match error["type"]:
        case "extra_forbidden":
            return f"{at}: unknown key {key}{_instead(loc)}"
        case "model_type" | "dict_type" | "model_attributes_type":
            return f"{at}: {key} is a section: write [{key}] on a line of its own, its keys below"
        case "string_type" | "path_type":
            return f'{at}: {key}: write it in "quotes"'
        case _:
            return f"{at}: {key}: {error['msg'].removeprefix('Value error, ')}"


def _instead(loc: list[str]) -> str:
    """What an unknown key should have been: the same one elsewhere, or a near one here."""
    homes = [f"[{name}]" for name in Settings.model_fields if loc[-1] in _known([name])]
    if homes:
        return f"; {loc[-1]} belongs under {' or '.join(homes)}"
    return near(loc[-1], _known(loc[:-1]))


def _known(loc: list[str]) -> set[str]:
    """The keys a section takes."""
    if not loc:
        return set(Settings.model_fields)
    if loc[0] == "models":
        return set(ModelSettings.model_fields) if len(loc) > 1 else set()
    field = Settings.model_fields.get(loc[0])
    model = field.annotation if field else None
    return set(getattr(model, "model_fields", {}))


def _line(text: str, loc: list[str]) -> int:
    """The line a key stands on, 0 when it cannot be told."""
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+\s*(#.*)?$", line):
            section = head[1].replace('"', "")
            if section == ".".join(loc):
                return number
        elif key := re.match(
            r'\s*((?:"[^"]+"|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]+"|[\w-]+))*)\s*=', line
        ):
            parts = [one or other for one, other in re.findall(r'"([^"]+)"|([\w-]+)', key[1])]
            full = ([*section.split(".")] if section else []) + parts
            if full == loc or (len(full) > 1 and full == loc[: len(full)]):
                return number
    return 0
