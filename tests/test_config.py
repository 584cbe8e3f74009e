"""Settings: what an owner may write, and what is said about what they may not."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import BaseModel, SecretStr

from bot.config import ConfigError, FixedSettings, Settings, load
from bot.sandbox import Sandbox
from core.providers import ModelSettings
from tests.house import running

ROOT = Path(__file__).parent.parent
EXAMPLE = (ROOT / "config.example.toml").read_text("utf-8")
DEFAULTS = re.sub(r"(?m)^#(?=\w+ = )", "", EXAMPLE)
"""The example with every default spelled out."""
EVERYTHING = re.sub(r'(?m)^# (?=\[models\.|"/mj"|\w+ = )', "", DEFAULTS)
"""The same with the tables that have no defaults."""
NEW = '[models.a]\ntitle = "A"\nkind = "image"\n'
"""A model of the owner's own, not yet whole."""

Write = Callable[[str], Path]


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("ATELIER_"):
            monkeypatch.delenv(name)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, "utf-8")
        return path

    return written


def problems(path: Path | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return str(caught.value).splitlines()


def plain(value: Any) -> Any:
    """Settings as plain values, secrets shown."""
    match value:
        case BaseModel():
            return {name: plain(getattr(value, name)) for name in type(value).model_fields}
        case dict():
            return {k: plain(v) for k, v in value.items()}
        case SecretStr():
            return value.get_secret_value()
        case _:
            return value


# -- the example -------------------------------------------------------------------------------


def test_the_example_as_it_is_changes_nothing(write: Write) -> None:
    assert plain(load(write(EXAMPLE))) == plain(Settings())


def test_every_default_in_the_example_is_the_default(write: Write) -> None:
    assert plain(load(write(DEFAULTS))) == plain(Settings())


def test_every_setting_stands_in_the_example() -> None:
    shown = tomllib.loads(EVERYTHING)
    assert list(shown) == [name for name in shown if name in Settings.model_fields]
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            assert set(shown[name]) == set(field.annotation.model_fields), name
    assert {key for one in shown["models"].values() for key in one} == set(
        ModelSettings.model_fields
    )


def test_every_line_of_the_example_can_be_used(write: Write) -> None:
    settings = load(write(EVERYTHING))
    assert settings.gateway.keys["midjourney"].get_secret_value() == "sk-..."
    assert settings.gateway.paths == {"/mj": "/fast/mj"}
    assert settings.models["mj_imagine"].deadline == 4200


def test_every_setting_of_the_example_has_words_beside_it() -> None:
    """A default stands below a line of prose, or below another that does."""
    before = ""
    for line in EXAMPLE.splitlines():
        if re.match(r"#\w+ = ", line):
            assert before.startswith("#"), line
        before = line


# -- mistakes in the file ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('[gateway]\napi_kye = "x"', 2, "unknown key gateway.api_kye; did you mean api_key?"),
        ("[gatway]\n", 1, "unknown key gatway; did you mean gateway?"),
        ('[discord]\nlisten = "x"', 2, "unknown key discord.listen; listen belongs under [web]"),
        ('token = "x"', 1, "unknown key token; token belongs under [discord] or [telegram]"),
        ("[log]\nqqq = 1", 2, "unknown key log.qqq; there is format, level"),
        ('[gateway]\n\nbase_url = "api.example"', 3, "gateway.base_url: begins with https://"),
        ('gateway.base_url = "api.example"', 1, "gateway.base_url: begins with https://"),
        ('gateway = "x"', 1, "gateway is a section: write [gateway] on a line of its own"),
        ("[jobs]\nparallel = 0", 2, "jobs.parallel: Input should be greater than or equal to 1"),
        ('[log]\n"level" = "loud"', 2, "log.level: Input should be 'debug', 'info'"),
        ('[web]\nlisten = "8080"', 2, 'web.listen: write "host:port"'),
        ('[web]\nlisten = "0.0.0.0:99999"', 2, 'web.listen: write "host:port"'),
        ('[store]\nurl = "mysql://x"', 2, "store.url: write "),
        ("[security]\ntrusted_hosts = [1]", 2, 'security.trusted_hosts.0: write it in "quotes"'),
        ("[web]\nlisten = 8080", 2, 'web.listen: write it in "quotes"'),
        ("[archive]\ndir = 5", 2, 'archive.dir: write it in "quotes"'),
        ('[telegram]\ntoken = "Use this token: 1:a"', 2, "telegram.token: has a blank"),
        ('[discord]\ntoken = "a\\nb"', 2, "discord.token: has a blank"),
        ('[gateway]\napi_key = "sk-ключ"', 2, "gateway.api_key: has a blank or a letter"),
        ('[gateway.keys]\nmidjourney = "a b"', 2, "gateway.keys.midjourney: has a blank"),
        ('[discord]\napi_url = "http://x"', 1, "set both api_url and gateway_url, or neither"),
        ('[telegram]\nmode = "webhook"', 1, 'mode = "webhook" needs webhook_url'),
        ("[models.mj_imagin]\nprice = 1", 1, "there is no such model; did you mean mj_imagine?"),
        ("[models.mj_imagine]\nprise = 1", 2, "unknown key models.mj_imagine.prise; did you mean"),
        ("[models]\nmj_imagine.price = -1", 2, "models.mj_imagine.price: Input should be greater"),
        (f"{NEW}price = 1", 1, "models.a: a new model needs its family; there is audio, chat"),
        (
            f'{NEW}price = 1\nfamily = "picture"',
            5,
            "there is no such family; did you mean pictures?",
        ),
        (
            f'{NEW}price = 1\nfamily = "suno"',
            3,
            "suno makes song, lyrics; give one of them as kind",
        ),
        (f'{NEW}family = "pictures"', 1, "models.a: a new model needs its price, in USD a call"),
        ('[models.mj_imagine]\nkind = "video"', 2, "mj_imagine is of kind image; a new model"),
        (
            "[models.dall-e-3]\ntakes = { arr = [] }",
            2,
            "has no option arr for this; did you mean ar",
        ),
        ("[models.gpt-4o]\nprice_in = 1", 2, "give both price_in and price_out, in USD a million"),
        ("[models.gpt-4o]\nprice_in = -1\nprice_out = 1", 2, "price_in: Input should be greater"),
        (
            "[models.flux-dev]\nprice_in = 1\nprice_out = 1",
            2,
            "tells no tokens of this; give price",
        ),
        (
            '[models.a]\nfamily = "chat"\nkind = "chat"',
            1,
            "needs its price, in USD a call, or price_in and price_out, in USD a million tokens",
        ),
        ("[models.dall-e-3]\nmedia = [2, 1]", 2, "write the least number first: [0, 1]"),
        ('[models.a]\nkind = "film"', 2, "models.a.kind: Input should be 'image', 'blend'"),
        ('[gateway.keys]\nmidjorney = "x"', 2, "there is no such family; did you mean midjourney?"),
        ('[gateway]\nkeys = { midjorney = "x" }', 2, "there is no such family"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_fix(
    text: str, line: int, says: str, write: Write
) -> None:
    path = write(text)
    (problem,) = problems(path)
    assert problem.startswith(f"{path}, line {line}: "), problem
    assert says in problem


def test_all_mistakes_are_named_at_once(write: Write) -> None:
    found = problems(write("[jobs]\nparallel = 0\nlease = 1\n[web]\nlisen = 1\n"))
    assert sorted(re.findall(r"line (\d+)", "\n".join(found))) == ["2", "3", "5"]


def test_no_mistake_shows_the_value(write: Write) -> None:
    found = problems(write('[gateway]\napi_kye = "sk-secret1"\napi_key = ["sk-secret2"]\n'))
    assert len(found) == 2
    assert "secret" not in "".join(found)


def test_text_that_is_no_toml_is_named_with_its_line(write: Write) -> None:
    (problem,) = problems(write("[gateway]\napi_key = sk-abc\n"))
    assert "not valid TOML" in problem
    assert "line 2" in problem
    assert 'text stands in "quotes"' in problem


def test_a_file_written_on_windows_can_be_read(write: Write) -> None:
    path = write("")
    path.write_bytes(b'\xef\xbb\xbf[web]\r\nlisten = "127.0.0.1:1"\r\n')
    assert load(path).web.listen == "127.0.0.1:1"


def test_a_file_that_is_missing_or_unreadable_is_said_so(tmp_path: Path, write: Write) -> None:
    assert "Copy config.example.toml" in problems(tmp_path / "none.toml")[0]
    assert "cannot be read" in problems(tmp_path)[0]
    path = write("")
    path.write_bytes(b"[web]\nlisten = '\xff'")
    assert "save it as UTF-8" in problems(path)[0]


# -- the environment ---------------------------------------------------------------------------


def test_the_environment_goes_over_the_file_key_by_key(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write('[gateway]\napi_key = "file"\ntimeout = 50\n[models.mj_imagine]\nprice = 1\n')
    for name, value in {
        "GATEWAY__API_KEY": "environment",
        "GATEWAY__KEYS__MIDJOURNEY": "own",
        "JOBS__PARALLEL": "2",
        "DISCORD__USER_INSTALL": "false",
        "SECURITY__TRUSTED_HOSTS": "files.local, 10.0.0.5:9000",
        "MODELS__MJ_BLEND__PRICE": "0.25",
    }.items():
        monkeypatch.setenv(f"ATELIER_{name}", value)
    settings = load(path)
    assert settings.gateway.api_key.get_secret_value() == "environment"
    assert settings.gateway.keys["midjourney"].get_secret_value() == "own"
    assert settings.gateway.timeout == 50
    assert settings.jobs.parallel == 2
    assert settings.discord.user_install is False
    assert settings.security.trusted_hosts == ["files.local", "10.0.0.5:9000"]
    assert settings.models["mj_blend"].price == 0.25
    assert settings.models["mj_imagine"].price == 1


def test_without_a_file_the_environment_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_STORE__URL", "postgres://a:b@c/d")
    monkeypatch.setenv("ATELIER_SECURITY__TRUSTED_HOSTS", '["a", "b"]')
    assert load().store.url == "postgresql://a:b@c/d"
    assert load().security.trusted_hosts == ["a", "b"]


def test_the_environment_has_no_say_in_settings_of_the_programs_own_making(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`atelier try` beside a real key must not pay."""
    monkeypatch.setenv("ATELIER_GATEWAY__BASE_URL", "https://real.example")
    monkeypatch.setenv("ATELIER_TELEGRAM__TOKEN", "1:real")
    settings = FixedSettings.model_validate({"gateway": {"base_url": "http://127.0.0.1:9"}})
    assert settings.gateway.base_url == "http://127.0.0.1:9"
    assert settings.telegram.token.get_secret_value() == ""


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ATELIER_GATWAY__API_KEY", "x", "names no section; did you mean gateway?"),
        ("ATELIER_GATEWAY__API_KYE", "x", "unknown key gateway.api_kye; did you mean api_key?"),
        ("atelier_gateway__api_kye", "x", "unknown key gateway.api_kye; did you mean api_key?"),
        ("ATELIER_JOBS__PARALLEL", "many", "jobs.parallel: Input should be a valid integer"),
        ("ATELIER_MODELS__MJ_IMAGIN__PRICE", "1", "there is no such model; did you mean"),
        ("ATELIER_GATEWAY", "x", "names no key"),
        ("ATELIER_GATEWAY__KEYS", "sk-x", "cannot be read; write ATELIER_<SECTION>__<KEY>"),
    ],
)
def test_a_variable_that_is_wrong_is_named(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    found = "\n".join(problems())
    assert name in found
    assert says in found


def test_a_wrong_variable_is_blamed_rather_than_the_file(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATELIER_JOBS__PARALLEL", "0")
    (problem,) = problems(write("[jobs]\nparallel = 3\n"))
    assert problem.startswith("the environment, ATELIER_JOBS__PARALLEL: ")


# -- values ------------------------------------------------------------------------------------


def test_what_people_copy_along_with_a_secret_is_taken_off(write: Write) -> None:
    settings = load(
        write(
            '[gateway]\napi_key = " sk-1 "\nkeys.midjourney = "sk-2\\n"\nbase_url = "https://x/v1/"\n'
            '[discord]\ntoken = "Bot abc "\n[telegram]\ntoken = " 1:a "\n'
        )
    )
    assert settings.secrets() == ["1:a", "abc", "sk-1", "sk-2"]
    assert settings.gateway.base_url == "https://x"


def test_every_secret_is_known_to_the_log(write: Write) -> None:
    settings = load(
        write('[web]\npassword = "p1"\n[store]\nurl = "postgresql://me:p%402@host/name"\n')
    )
    assert settings.secrets() == ["p%402", "p1", "p@2"]
    assert not [s for s in ("p1",) if s in repr(settings.web)]


async def test_a_missing_token_turns_a_platform_off_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    sandbox = Sandbox(pace=0.03, image_size=64)
    base = await sandbox.start()
    try:
        async with (
            running(tmp_path, base, telegram={"token": "  "}) as app,
            aiohttp.ClientSession() as session,
            session.get(f"{app.address}/healthz") as response,
        ):
            answer = await response.json()
    finally:
        await sandbox.stop()
    assert set(answer["parts"]) == {"engine", "web"}
    assert "Discord is off: [discord] token is not set" in caplog.text
    assert "Telegram is off: [telegram] token is not set" in caplog.text
