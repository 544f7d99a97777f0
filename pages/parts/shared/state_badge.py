"""A run's state as a badge."""

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
}


def state_badge(state: str) -> str:
    """The state as a coloured badge in Markdown."""
    color, icon = BADGES[state]
    return f":{color}-badge[:material/{icon}: {state}]"
