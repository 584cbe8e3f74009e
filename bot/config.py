"""Settings: `config.toml`, with `ATELIER_<SECTION>__<KEY>` from the environment over it.

Each section's model stands beside what it configures; here they are only nested, and mistakes are named with the
line and the fix.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from adapters.discord.app import DiscordSettings
from adapters.telegram.app import TelegramSettings
from adapters.web.app import WebSettings
from core.engine import JobSettings
from core.gateway import GatewaySettings
from core.providers import ModelSettings
from core.providers.midjourney import MidjourneySettings

PREFIX = "ATELIER_"


class StoreSettings(BaseModel):
    """`[store]`: where jobs, money and buttons are kept."""

    model_config = ConfigDict(extra="forbid")

    url: str = "sqlite:///atelier.db"
    """`sqlite:///file` or `postgresql://user:password@host/name`."""


class ArchiveSettings(BaseModel):
    """`[archive]`: where every result's bytes are kept."""

    model_config = ConfigDict(extra="forbid")

    dir: Path = Path("archive")


class SecuritySettings(BaseModel):
    """`[security]`: what may be fetched besides public https addresses."""

    model_config = ConfigDict(extra="forbid")

    trusted_hosts: list[str] = Field(default_factory=list)
    """`host` (any port, http too) or `host:port`, private ones included."""


class LogSettings(BaseModel):
    """`[log]`: what is written to standard error."""

    model_config = ConfigDict(extra="forbid")

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Settings(BaseSettings):
    """Everything `config.toml` may hold."""

    model_config = SettingsConfigDict(
        extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__", nested_model_default_partial_update=True
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
    problems = _unknown_variables()
    try:
        settings = Settings(**data)
    except ValidationError as error:
        where = str(path) if path else "the environment"
        problems += [_explain(e, text, where) for e in error.errors()]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    return settings


def _read(path: Path | None) -> tuple[str, dict[str, Any]]:
    if path is None:
        return "", {}
    try:
        text = path.read_text("utf-8")
        return text, tomllib.loads(text)
    except FileNotFoundError:
        raise ConfigError(
            f"{path} is not there. Copy config.example.toml to {path} and fill it in."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None


def _unknown_variables() -> list[str]:
    """Variables with our prefix that name no section; the sections check their own keys."""
    sections = set(Settings.model_fields)
    found = []
    for name in os.environ:
        if name.startswith(PREFIX):
            section = name[len(PREFIX) :].split("__")[0].lower()
            if section not in sections:
                found.append(f"the environment: {name} names no section{_near(section, sections)}")
    return found


def _near(word: str, known: set[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there is {', '.join(sorted(known))}"


def _explain(error: Any, text: str, where: str) -> str:
    """One problem: the place, what is wrong, and the fix."""
    loc = [str(part) for part in error["loc"]]
    variable = PREFIX + "__".join(part.upper() for part in loc[:2])
    line = _line(text, loc)
    at = f"{where}, line {line}" if line else f"{where}"
    if variable in os.environ:
        at = f"the environment, {variable}"
    key = ".".join(loc)
    if error["type"] == "extra_forbidden":
        return f"{at}: unknown key {key}{_near(loc[-1], _known(loc[:-1]))}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{at}: {key}: {message}"


def _known(loc: list[str]) -> set[str]:
    """The keys a section takes."""
    if not loc:
        return set(Settings.model_fields)
    if loc[0] == "models" and len(loc) > 1:
        return set(ModelSettings.model_fields)
    field = Settings.model_fields.get(loc[0])
    model = field.annotation if field else None
    return set(getattr(model, "model_fields", {}))


def _line(text: str, loc: list[str]) -> int:
    """The line a key stands on, 0 when it cannot be told."""
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if head := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            section = head[1].replace('"', "")
            if section == ".".join(loc):
                return number
        elif key := re.match(r'\s*"?([A-Za-z0-9_.-]+)"?\s*=', line):
            full = f"{section}.{key[1]}" if section else key[1]
            if full == ".".join(loc) or (len(loc) > 2 and full == ".".join(loc[:2])):
                return number
    return 0

