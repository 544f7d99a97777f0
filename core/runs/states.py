"""The words for where a run stands. A run is in one of these states, in the job table and in the store alike."""

ACTIVE = ("running", "pausing", "stopping")
"""A process is at work on the run."""

ENDED = ("finished", "stopped", "failed", "crashed")
"""Nothing more happens unless somebody asks."""

REPEATABLE = ("paused", "stopped", "failed", "crashed")
"""The run can be queued again."""

STATES = ("queued", *ACTIVE, "paused", *ENDED)
"""All of them."""

UNKNOWN = "unknown"
"""For a state in the store that is none of ours: anyone can set a tag."""


def known_state(word: str) -> str:
    """The word where it is one of the states, else `UNKNOWN`."""
    return word if word in STATES else UNKNOWN
