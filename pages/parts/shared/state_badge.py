"""A run's state as a badge."""

from core.runs.states import known_state
from pages.parts.shared.text import Markdown

BADGES = {
    "queued": ("gray", "schedule"),
    "running": ("green", "play_arrow"),
    "pausing": ("orange", "pause"),
    "paused": ("orange", "pause"),
    "stopping": ("orange", "stop"),
    "finished": ("blue", "check"),
    "stopped": ("gray", "stop"),
    "failed": ("red", "error"),
    "crashed": ("red", "warning"),
    "unknown": ("gray", "question_mark"),
}


def state_badge(state: str) -> Markdown:
    """The state as a coloured badge in Markdown."""
    word = known_state(state)
    color, icon = BADGES[word]
    return f":{color}-badge[:material/{icon}: {word}]"
