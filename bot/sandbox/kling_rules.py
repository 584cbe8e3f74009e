"""What the fake Kling takes, to the type: every slip is refused as the real one does it."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Collection, Mapping
from typing import Any

from aiohttp import web
from PIL import Image

from bot.sandbox.answers import RefusedError, json_answer

RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
FILM_RATIOS = ("16:9", "9:16", "1:1")
MODELESS = ("kling-v2-master",)
"""Models without modes."""
TAILS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "kling-v1": (("std", "pro"), ("5",)),
    "kling-v1-5": (("pro",), ("5", "10")),
    "kling-v1-6": (("pro",), ("5", "10")),
    "kling-v2-1": (("pro",), ("5", "10")),
}
"""The modes and lengths in which a model takes a last picture."""
MOVES = ("down_back", "forward_up", "right_turn_forward", "left_turn_forward")
AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")


def no(code: int, message: str, status: int = 400) -> web.Response:
    """Kling's own way to refuse."""
    body = {"code": code, "message": message, "request_id": "sandbox"}
    return json_answer(body, status)


def _need(good: bool, message: str) -> None:
    if not good:
        raise RefusedError(no(1201, message))


def model_of(body: dict[str, Any], known: Collection[str]) -> str:
    """The model, which has to stand under both names."""
    model = body.get("model_name")
    _need(model == body.get("model"), "model_name and model differ")
    _need(isinstance(model, str) and model in known, f"model {model} is not supported")
    return str(model)


def words_of(body: dict[str, Any], *, required: bool = True) -> str:
    """The prompt."""
    prompt = body.get("prompt", "")
    _need(isinstance(prompt, str) and len(prompt) <= 2500, "prompt must be at most 2500 characters")
    _need(bool(prompt.strip()) or not required, "prompt is required")
    return str(prompt)


def picture_of(body: dict[str, Any], name: str, *, required: bool = True) -> bytes:
    """A picture as bare base64; a data URI is refused."""
    value = body.get(name)
    if name not in body and not required:
        return b""
    try:
        if not isinstance(value, str) or value.startswith("data:"):
            raise ValueError(name)
        data = base64.b64decode(value, validate=True)
        with Image.open(io.BytesIO(data)) as picture:
            kind, size = picture.format, picture.size
    except (ValueError, OSError, binascii.Error):
        raise RefusedError(no(1201, f"{name} must be base64 without a prefix")) from None
    _need(kind in ("JPEG", "PNG"), f"{name} must be jpg or png")
    _need(min(size) >= 300 and max(size) <= 2.5 * min(size), f"{name} has a wrong size")
    _need(len(data) <= 10_000_000, f"{name} is larger than 10 MB")
    return data


def check_drawing(body: dict[str, Any], *, from_picture: bool) -> None:
    """What a picture may be asked with."""
    count = body.get("n", 1)
    _need(type(count) is int and 1 <= count <= 9, "n must be an integer from 1 to 9")
    _need(body.get("aspect_ratio", "16:9") in RATIOS, "aspect_ratio is not supported")
    unwanted = body.get("negative_prompt")
    _need(not (from_picture and unwanted), "negative_prompt is not allowed with image")
    fidelity = body.get("image_fidelity", 0.5)
    _need(type(fidelity) in (int, float) and 0 <= fidelity <= 1, "image_fidelity is from 0 to 1")
    named = from_picture and body.get("model_name") == "kling-v1-5"
    reference = body.get("image_reference", None if named else "subject")
    _need(reference in ("subject", "face"), "image_reference is subject or face")


def check_film(body: dict[str, Any], model: str, *, from_picture: bool) -> None:
    """What a film may be asked with."""
    duration, mode = body.get("duration", "5"), body.get("mode", "std")
    _need(duration in ("5", "10"), "duration must be the string 5 or 10")
    _need(mode in ("std", "pro"), "mode must be std or pro")
    _need("mode" not in body or model not in MODELESS, f"{model} has no mode")
    if from_picture:
        _need("aspect_ratio" not in body, "aspect_ratio is not allowed with image")
    else:
        _need(body.get("aspect_ratio", "16:9") in FILM_RATIOS, "aspect_ratio is not supported")
        _need("image_tail" not in body, "image_tail needs image")
    if "image_tail" in body:
        modes, lengths = TAILS.get(model, ((), ()))
        _need(mode in modes and duration in lengths, f"image_tail with {model} {mode} {duration}")
        _need(not body.get("camera_control"), "image_tail excludes camera_control")
    if "camera_control" in body:
        _need(model == "kling-v1", f"{model} has no camera_control")
        _check_camera(body["camera_control"])


def _check_camera(camera: Any) -> None:
    _need(isinstance(camera, dict), "camera_control must be an object")
    if camera.get("type") in MOVES:
        _need("config" not in camera, "config is for simple only")
        return
    config = camera.get("config")
    _need(camera.get("type") == "simple" and isinstance(config, dict), "camera_control type")
    good = all(type(v) in (int, float) and -10 <= v <= 10 for v in config.values())
    _need(good and set(config) <= set(AXES), "camera config is from -10 to 10")
    moved = sum(1 for value in config.values() if value)
    _need(moved == 1, "exactly one camera value may differ from zero")
