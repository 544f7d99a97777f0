"""What a device has left, and what the matrices of nonlocal terms take of it."""

from __future__ import annotations

import numpy as np
import torch

from core.problems import Problem
from core.resources import memory

SHARE = 0.8
"""Part of the free memory that training may take at once."""


def free_memory(device: torch.device) -> int:
    """Bytes that a device has left; of a CPU, what the machine and its control groups leave to this process."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else memory().free


def nonlocal_bytes(problem: Problem, points: dict[str, np.ndarray]) -> int:
    """Bytes that the matrices of a problem's nonlocal terms take while they are made; 0 for a local problem.

    Args:
        problem: whose `integrals` make them.
        points: point set → (n, d).
    """
    if not problem.integral_names:
        return 0
    pairs = sum(problem.asked(block) * len(block) for block in points.values())
    return 8 * 2 * len(problem.integral_names) * pairs  # what the transform gives, and what is made of it
