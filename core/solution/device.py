"""Where a solution is evaluated: on the GPU that training would take where it has room, else on the processor."""

from __future__ import annotations

import torch

LEAST_FREE = 2 * 2**30
"""Bytes that must be free on a GPU: a run that trains there needs what it has."""


def device_for(asked: str) -> torch.device:
    """The device for a run whose config asks for `auto`, `cpu`, `cuda` or `cuda:1`.

    One that was trained on a GPU is looked at without one, too, or beside another process that has all of it.
    """
    if asked == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    device = torch.device("cuda" if asked == "auto" else asked)
    if device.index is not None and device.index >= torch.cuda.device_count():
        device = torch.device("cuda")
    try:
        free, _ = torch.cuda.mem_get_info(device)
    except RuntimeError:  # it takes no further process
        return torch.device("cpu")
    return device if free >= LEAST_FREE else torch.device("cpu")
