"""A run's state as a badge."""

from core.jobs import Job
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


PENDING = ("gray", "hourglass_empty")
"""Of a run that an engine has and that has not begun there."""


def state_badge(state: str, pending: bool = False) -> Markdown:
    """The state as a coloured badge in Markdown; `pending` for a run that its engine has not begun."""
    word = known_state(state)
    color, icon = BADGES[word]
    if pending and word == "running":
        word, (color, icon) = "pending", PENDING
    return f":{color}-badge[:material/{icon}: {word}]"


def state_badge_of(job: Job) -> Markdown:
    """The state of a job; one that its engine has and has not begun is pending."""
    return state_badge(job.state, bool(job.engine_word))
