"""Checks HTTP bodies against a published OpenAPI description lying beside the repository.

Owns finding the machine-readable descriptions and judging one body by one route of them. Knows
nothing of any server. Without the files nothing is checked and nothing fails: `available` says so.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from jsonschema import validators
from referencing import Registry
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "specs"
"""Where descriptions are looked for: beside the repository, never in it."""

_BASE = "urn:spec"


def find(name: str) -> Path | None:
    """Finds one description by its file name, or None where there is none."""
    path = FOLDER / name
    return path if path.is_file() else None


available: bool = find("discord-openapi.json") is not None


Schema = Mapping[str, Any]
Keyword = Callable[[Any, Any, object, Schema], Iterator[Any]]


def _simpler(schema: Any) -> Any:
    """Rewrites enumerations into their cheap form.

    Descriptions spell an enumeration as `oneOf` of constants, and repeat it in an `allOf` beside
    the `enum` that already narrows it; both cost most of the time a check takes.
    """
    if isinstance(schema, list):
        return [_simpler(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {key: _simpler(value) for key, value in schema.items()}
    choices = schema.get("oneOf")
    if isinstance(choices, list) and choices and all("const" in choice for choice in choices):
        del rest["oneOf"]
        rest["enum"] = [choice["const"] for choice in choices]
    if isinstance(schema.get("enum"), list):
        rest.pop("allOf", None)
    return rest


def _validator_class(document: Mapping[str, Any]) -> Any:
    """Makes a validator that judges an object in a union only by the branch of its `type`.

    It is what makes a message of 25 buttons cheap to check, and its complaints readable.
    """

    @cache
    def tags(reference: str) -> frozenset[object] | None:
        branch: Any = document
        for step in reference.removeprefix("#/").split("/"):
            branch = branch[step]
        declared = branch.get("properties", {}).get("type", {}).get("enum")
        return None if declared is None else frozenset(declared)

    def may_fit(branch: Schema, instance: object) -> bool:
        if branch.get("type") == "null":
            return instance is None
        if not isinstance(instance, dict) or "type" not in instance or "$ref" not in branch:
            return instance is not None
        declared = tags(branch["$ref"])
        return declared is None or instance["type"] in declared

    def union(plain: Keyword) -> Keyword:
        def check(
            validator: Any, branches: Sequence[Schema], instance: object, schema: Schema
        ) -> Iterator[Any]:
            fitting = [branch for branch in branches if may_fit(branch, instance)]
            if len(fitting) == 1:
                yield from validator.descend(instance, fitting[0])
            else:
                yield from plain(validator, fitting or branches, instance, schema)

        return check

    plain = jsonschema.Draft202012Validator
    wrapped = {name: union(plain.VALIDATORS[name]) for name in ("oneOf", "anyOf")}
    return validators.extend(plain, wrapped)


class OpenApi:
    """One OpenAPI 3.1 description.

    Args:
        document: The parsed description. `SnowflakeType`, if it has one, is widened to numbers:
            Discord takes them wherever it asks for ids, and its client libraries send them.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        snowflake = document.get("components", {}).get("schemas", {}).get("SnowflakeType")
        if snowflake is not None:
            snowflake["type"] = ["string", "integer"]
        self._document = document = _simpler(document)
        self._class = _validator_class(document)
        self._registry: Any = Registry().with_resource(_BASE, DRAFT202012.create_resource(document))
        self._validators: dict[str, Any] = {}

    def knows(self, method: str, path: str) -> bool:
        """Whether a path template, e.g. `/users/@me`, has such a method."""
        return method.lower() in self._document["paths"].get(path, {})

    def body_faults(self, method: str, path: str, body: object) -> list[str]:
        """Says what is wrong with a request's body.

        Args:
            method: The HTTP method in any case.
            path: The path template as in the description.
            body: The decoded JSON (of multipart bodies: of the part `payload_json`).

        Returns:
            Sentences; empty for a good body and for a route that describes none.
        """
        where = ("paths", path, method.lower(), "requestBody")
        return self._faults((*where, "content", "application/json", "schema"), body)

    def answer_faults(self, method: str, path: str, status: int, body: object) -> list[str]:
        """Says what is wrong with an answer: servers of ours can be held to the description too."""
        where = ("paths", path, method.lower(), "responses", str(status))
        return self._faults((*where, "content", "application/json", "schema"), body)

    def _faults(self, pointer: tuple[str, ...], body: object) -> list[str]:
        if not self._has(pointer):
            return []
        checker = self._validator(pointer)
        return [f"{error.json_path}: {_short(error)}" for error in checker.iter_errors(body)]

    def _has(self, pointer: tuple[str, ...]) -> bool:
        here: Any = self._document
        for step in pointer:
            if step not in here:
                return False
            here = here[step]
        return True

    def _validator(self, pointer: tuple[str, ...]) -> Any:
        escaped = "/".join(step.replace("~", "~0").replace("/", "~1") for step in pointer)
        reference = f"{_BASE}#/{escaped}"
        if reference not in self._validators:
            self._validators[reference] = self._class({"$ref": reference}, registry=self._registry)
        return self._validators[reference]


def _short(error: Any) -> str:
    """A complaint in one line; of a failed union, that of the branch that came closest."""
    best = jsonschema.exceptions.best_match([error])
    return str(best.message)[:300]


@cache
def discord() -> OpenApi | None:
    """Reads the description of Discord's HTTP API once; None where it is absent."""
    path = find("discord-openapi.json")
    return None if path is None else OpenApi(json.loads(path.read_text(encoding="utf-8")))
