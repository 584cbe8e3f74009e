"""How the pretend Discord says no: JSON error codes, and the tree of faults of a bad form body.

Knows no HTTP framework and nothing of the world.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a request body.

    Args:
        path: Where, e.g. `("components", 0, "components", 2, "label")`.
        code: Discord's name of the fault, e.g. `BASE_TYPE_MAX_LENGTH`.
        message: A sentence.
    """

    path: Path
    code: str
    message: str


@dataclass(eq=False)
class ApiError(Exception):
    """An answer that is no success.

    Args:
        status: The HTTP status.
        code: Discord's JSON error code, 0 where it has none.
        message: Its sentence.
        problems: Faults of the body, for code 50035.
        extra: Further members of the answer.
    """

    status: int
    code: int
    message: str
    problems: tuple[Problem, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.code} {self.message} {list(self.problems) or ''}".rstrip()

    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        answer: dict[str, Any] = {"message": self.message, "code": self.code, **self.extra}
        if self.problems:
            answer["errors"] = _tree(self.problems)
        return answer


def _tree(problems: Iterable[Problem]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for problem in problems:
        here = root
        for step in problem.path:
            here = here.setdefault(str(step), {})
        here.setdefault("_errors", []).append({"code": problem.code, "message": problem.message})
    return root


def invalid(problems: Iterable[Problem]) -> ApiError:
    """The answer to a body with faults."""
    return ApiError(400, 50035, "Invalid Form Body", tuple(problems))


def refuse(problems: Iterable[Problem]) -> None:
    """Raises the answer to a bad body if there is anything wrong with it."""
    if found := tuple(problems):
        raise invalid(found)


def unauthorized() -> ApiError:
    return ApiError(401, 0, "401: Unauthorized")


def not_found() -> ApiError:
    return ApiError(404, 0, "404: Not Found")


def unknown_channel() -> ApiError:
    return ApiError(404, 10003, "Unknown Channel")


def unknown_guild() -> ApiError:
    return ApiError(404, 10004, "Unknown Guild")


def unknown_message() -> ApiError:
    return ApiError(404, 10008, "Unknown Message")


def unknown_user() -> ApiError:
    return ApiError(404, 10013, "Unknown User")


def unknown_webhook() -> ApiError:
    return ApiError(404, 10015, "Unknown Webhook")


def unknown_interaction() -> ApiError:
    return ApiError(404, 10062, "Unknown interaction")


def unknown_command() -> ApiError:
    return ApiError(404, 10063, "Unknown application command")


def too_large() -> ApiError:
    return ApiError(413, 40005, "Request entity too large")


def already_acknowledged() -> ApiError:
    return ApiError(400, 40060, "Interaction has already been acknowledged.")


def too_many_followups() -> ApiError:
    return ApiError(
        400, 40094, "This interaction has reached the maximum number of follow-up messages"
    )


def missing_access() -> ApiError:
    return ApiError(403, 50001, "Missing Access")


def someone_elses_message() -> ApiError:
    return ApiError(403, 50005, "Cannot edit a message authored by another user")


def empty_message() -> ApiError:
    return ApiError(400, 50006, "Cannot send an empty message")


def closed_dms() -> ApiError:
    return ApiError(403, 50007, "Cannot send messages to this user")


def missing_permissions() -> ApiError:
    return ApiError(403, 50013, "Missing Permissions")


def invalid_webhook_token() -> ApiError:
    return ApiError(401, 50027, "Invalid Webhook Token")
