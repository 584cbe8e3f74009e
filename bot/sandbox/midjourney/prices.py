"""What Midjourney calls cost by default, and how long they take.

Owns those numbers.
"""

from collections.abc import Mapping

PRICES: Mapping[str, float] = {
    "mj_imagine": 0.1,
    "mj_variation": 0.1,
    "mj_reroll": 0.1,
    "mj_blend": 0.1,
    "mj_modal": 0.1,
    "mj_zoom": 0.1,
    "mj_shorten": 0.1,
    "mj_high_variation": 0.1,
    "mj_low_variation": 0.1,
    "mj_pan": 0.1,
    "mj_describe": 0.05,
    "mj_upscale": 0.05,
    "mj_inpaint": 0.0,
    "mj_custom_zoom": 0.0,
    "mj_video": 0.8,
}
"""USD per call, by the model name; inpaint and custom zoom are paid through their window."""

QUEUE_SECONDS = 1.5

SECONDS: Mapping[str, float] = {
    "IMAGINE": 12,
    "BLEND": 12,
    "DESCRIBE": 4,
    "SHORTEN": 4,
    "UPSCALE": 4,
    "VIDEO": 6,
}
"""From submit to finish at pace 1, by action."""

OTHER_SECONDS = 10.0
WINDOW_SECONDS = 300.0
"""How long a window waits for its answer."""


def price_of(action: str) -> float:
    """USD for one call of this action."""
    return PRICES[f"mj_{action.lower()}"]
