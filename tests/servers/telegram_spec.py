"""Checks calls to the Bot API, and what the pretend server says back, against the published API.

Owns reading the machine-readable Bot API description that may lie beside the repository, and the
walk over values with it. Knows nothing of the server: it takes plain values and returns sentences.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

SPEC_FILE = Path(__file__).resolve().parents[3] / "shared" / "specs" / "telegram-bot-api.json"
"""Where the description is looked for. Without it nothing is checked and nothing fails."""

_ATTACHED = "attach://"
_PLAIN: dict[str, tuple[type, ...]] = {
    "Integer": (int,),
    "Float": (int, float),
    "Boolean": (bool,),
    "String": (str,),
    "InputFile": (str,),
}


class Spec:
    """The Bot API's methods and types, as data.

    Args:
        document: The parsed description: `methods` and `types`, each a mapping of a name to its
            `fields` (`name`, `types`, `required`), methods with `returns`, unions with `subtypes`.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._methods = {name.lower(): body for name, body in document["methods"].items()}
        self._types: Mapping[str, Any] = document["types"]

    def check_call(
        self, method: str, values: Mapping[str, Any], files: Collection[str] = ()
    ) -> list[str]:
        """Says everything that is wrong with one call's parameters.

        Args:
            method: The method's name in any case.
            values: Parameters as sent; JSON objects may still be strings, as in form bodies.
            files: Names of the uploaded parts of a multipart body.

        Returns:
            Sentences, each starting with the place of the fault; empty for a good call.
        """
        declared = self._methods.get(method.lower())
        if declared is None:
            return [f"{method}: no such method"]
        fields = {field["name"]: field for field in declared.get("fields", [])}
        found: list[str] = []
        decoded: dict[str, Any] = {}
        for name, value in values.items():
            if name not in fields:
                found.append(f"{method}.{name}: unknown parameter")
                continue
            decoded[name] = _decoded(value, fields[name]["types"])
            found += self.check(decoded[name], fields[name]["types"], f"{method}.{name}")
        for name, field in fields.items():
            if field["required"] and name not in values and name not in files:
                found.append(f"{method}.{name}: missing")
        uploads = {name for name, field in fields.items() if "InputFile" in field["types"]}
        return found + _attachment_faults(method, decoded, files, uploads)

    def check_result(self, method: str, value: object) -> list[str]:
        """Says what is wrong with a method's result, so that the server can be held to it too."""
        return self.check(value, self._methods[method.lower()]["returns"], f"{method}()")

    def check(self, value: object, types: Sequence[str], path: str) -> list[str]:
        """Says what is wrong with a value that should be of one of the types.

        Args:
            value: A decoded JSON value.
            types: Type names as in the description, `Array of X` included.
            path: How to name the value in sentences.

        Returns:
            The complaints of the type that comes closest; empty when one fits.
        """
        arrays = [name.removeprefix("Array of ") for name in types if name.startswith("Array of ")]
        if isinstance(value, list) and arrays:
            faults: list[str] = []
            for position, item in enumerate(value):
                faults += self.check(item, arrays, f"{path}[{position}]")
            return faults
        attempts = [self._check_one(value, name, path) for name in types]
        return min(attempts, key=len) if attempts else []

    def _check_one(self, value: object, name: str, path: str) -> list[str]:
        if name in _PLAIN:
            wrong = not isinstance(value, _PLAIN[name])
            if isinstance(value, bool) and name != "Boolean":
                wrong = True
            return [f"{path}: {_kind(value)} where {name} is due"] if wrong else []
        if name.startswith("Array of "):
            return [f"{path}: {_kind(value)} where a list is due"]
        declared = self._types[name]
        if subtypes := declared.get("subtypes"):
            return self.check(value, subtypes, path)
        return self._check_object(value, name, path)

    def _check_object(self, value: object, name: str, path: str) -> list[str]:
        if not isinstance(value, dict):
            # Two sentences, so that a union prefers the member whose shape is at least right.
            return [
                f"{path}: {_kind(value)} where {name} is due",
                f"{path}: not an object",
            ]
        fields = {field["name"]: field for field in self._types[name].get("fields", [])}
        found = [f"{path}.{key}: unknown field of {name}" for key in value if key not in fields]
        for key, field in fields.items():
            if key in value:
                found += self.check(value[key], field["types"], f"{path}.{key}")
                found += _wrong_tag(value[key], field, f"{path}.{key}")
            elif field["required"]:
                found.append(f"{path}.{key}: missing in {name}")
        return found


def _wrong_tag(value: object, field: Mapping[str, Any], path: str) -> list[str]:
    """Compares a discriminator (`type`, `status`, `source`) with the one value it may have."""
    said = re.search(r"(?:must be|always) [“\"]?([a-z_]+)[”\"]?", field["description"])
    if field["name"] not in ("type", "status", "source") or not said:
        return []
    return [] if value == said[1] else [f"{path}: {value!r} where {said[1]!r} is due"] * 2


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _decoded(value: object, types: Sequence[str]) -> object:
    """Undoes the stringifying of form bodies, for types that are no strings."""
    if not isinstance(value, str) or {"String", "InputFile"} & set(types):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _attachment_faults(
    method: str,
    values: Mapping[str, Any],
    files: Collection[str],
    uploads: Collection[str],
) -> list[str]:
    used = {
        text.removeprefix(_ATTACHED)
        for text in _strings(dict(values))
        if text.startswith(_ATTACHED)
    }
    missing = [f"{method}: attach://{name} names no part" for name in used - set(files)]
    unused = set(files) - used - set(uploads)
    return missing + [f"{method}: the part {name!r} is never used" for name in unused]


@lru_cache(maxsize=1)
def load_spec() -> Spec | None:
    """Reads the description once.

    Returns:
        The spec, or None where the file is absent: then there is nothing to check against.
    """
    if not SPEC_FILE.is_file():
        return None
    return Spec(json.loads(SPEC_FILE.read_text(encoding="utf-8")))
