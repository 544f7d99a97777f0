"""What is to be done about a run while nobody looks: rules that watch its curve, and how often it tries again.

Both stand in a run's config, where they don't count towards its hash, or in the lab's settings, for all runs.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from core.frozen import Frozen, shaped

MOST_RULES = 30
"""For one run; a curve is looked at once a second with each of them."""

ChannelName = Annotated[
    str,
    shaped(
        r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}", "1 to 40 letters, digits, spaces, dots or dashes, no space or dot first"
    ),
]
"""How a channel is called: what a rule names, and what events say."""


class Rule(Frozen):
    """What all rules have: whether the run is stopped, and who is told besides the pages."""

    stop: bool = Field(False, description="Stop the run too; it leaves a checkpoint.")
    tell: tuple[ChannelName, ...] = Field(
        (), max_length=20, description="Names of the lab's channels. Empty: all of them."
    )


class Diverged(Rule):
    """The loss is NaN or infinite, or far above its best."""

    kind: Literal["diverged"] = "diverged"
    factor: float = Field(1e3, gt=1, le=1e300, description="The loss over its best so far in this stage.")


class Stalled(Rule):
    """The loss falls too slowly."""

    kind: Literal["stalled"] = "stalled"
    factor: float = Field(2.0, gt=1, le=1e300, description="What the best loss should have fallen by,")
    minutes: float = Field(30.0, gt=0, le=100_000, description="in so many minutes of training.")


class Drifting(Rule):
    """λ is on its way to a known other order."""

    kind: Literal["drifting"] = "drifting"
    tolerance: float = Field(1e-3, gt=0, lt=1, description="How near λ comes to the other order's.")


class MemoryLow(Rule):
    """Little memory is left, of the machine, its control group or the run's GPU."""

    kind: Literal["memory"] = "memory"
    free: float = Field(0.05, gt=0, lt=1, title="Part that is free", description="Fraction that is still free.")


class DiskLow(Rule):
    """Little room is left on the disk of the lab home."""

    kind: Literal["disk"] = "disk"
    free_mb: float = Field(1000.0, gt=0, le=1e9, title="Free space (MB)", description="MB that are still free.")


class Finished(Rule):
    """The run has finished."""

    kind: Literal["finished"] = "finished"


class Failed(Rule):
    """The run failed, or its process was lost."""

    kind: Literal["failed"] = "failed"


RULES = (Diverged, Stalled, Drifting, MemoryLow, DiskLow, Finished, Failed)
"""All kinds, in the order in which pages list them."""

AnyRule = Annotated[
    Diverged | Stalled | Drifting | MemoryLow | DiskLow | Finished | Failed, Field(discriminator="kind")
]


class Retry(Frozen):
    """How a crashed run goes on by itself, from its last checkpoint.

    What would repeat is not tried again: a run that failed with a word, and one that crashed twice without writing a
    checkpoint in between.
    """

    most: int = Field(0, ge=0, le=100, title="Most tries", description="Tries by itself; 0: none.")
    delay_s: float = Field(
        30.0, ge=0, le=86_400, title="First delay (s)", description="Seconds before the first of them."
    )
    growth: float = Field(
        2.0, ge=1, le=100, title="Growth of the delay", description="Each delay is so many times the one before."
    )
    longest_s: float = Field(
        3600.0, ge=0, le=604_800, title="Longest delay (s)", description="The longest delay, in seconds."
    )

    def delay(self, tries: int) -> float:
        """Seconds to wait before the next try, after so many."""
        return min(self.longest_s, self.delay_s * min(self.growth**tries, 1e9))
