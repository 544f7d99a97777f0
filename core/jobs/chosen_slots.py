"""What the lab's settings say of slots, for processes that must start at once."""

from __future__ import annotations

from typing import NamedTuple

from core.home import home


class ChosenSlots(NamedTuple):
    """What `core.settings.Slots` says, and its defaults."""

    cpu: int = 1
    threads: int | None = None
    per_gpu: int = 1
    gpu_memory_gb: float = 4.0
    warm: bool = True


def chosen_slots() -> ChosenSlots:
    """The settings in force; without a settings file they are not imported, which takes a third of a second."""
    if not home().has_settings():
        return ChosenSlots()
    from core.settings import settings

    return ChosenSlots(**settings().slots.model_dump())
