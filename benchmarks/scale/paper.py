"""What an iteration of spread least squares would take on many GPUs, by the formula of docs/scaling.md.

Rates of one GPU are what docs/benchmarks.md measured on an H200: whole iterations at 8,000 × 4,000, so that they are
lower bounds. No two GPUs were ever there: what links carry is said by their makers and named as such.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.scale.case import Case, Figure

ROWS, COLUMNS = 2_000_000, 8_000
WIDE = 512
"""Columns of the blocks in which a triangle is packed (`core.optimizers.triangle.WIDE`)."""


@dataclass(frozen=True)
class Machine:
    """Rates in flop/s, and what a link between neighbours carries, bytes/s and seconds for a message."""

    multiply: float = (2 * 8000 * 4000**2 + 4000**3 / 3) * 61
    """H200, normal equations: 61 iterations a second."""
    factorise: float = (2 * 8000 * 4000**2 - 2 / 3 * 4000**3) * 11.2
    """H200, QR: 11.2 iterations a second."""
    inside: float = 450e9
    """NVLink 4, one direction, as NVIDIA says."""
    between: float = 50e9
    """One 400 Gb/s InfiniBand port a GPU, as NVIDIA says."""
    in_a_node: int = 8
    latency: float = 20e-6

    def link(self, gpus: int) -> float:
        """Bytes a second of the slowest link among so many."""
        return self.inside if gpus <= self.in_a_node else self.between


def packed_bytes(columns: int) -> int:
    """Of a triangle as it is sent: P²/2 numbers, and half a block of columns more."""
    return 8 * sum(min(WIDE, columns - start) * (columns - start) for start in range(0, columns, WIDE))


def reduced(gpus: int, columns: int, machine: Machine) -> tuple[int, float]:
    """Bytes that a GPU sends and seconds, for the sum of JᵀJ over a ring: 2 (N−1)/N of the triangle."""
    if gpus == 1:
        return 0, 0.0
    sent = 2 * (gpus - 1) / gpus * packed_bytes(columns)
    return round(sent), sent / machine.link(gpus) + 2 * (gpus - 1) * machine.latency


def combined(gpus: int, columns: int, machine: Machine) -> tuple[int, float, float]:
    """Bytes that a GPU receives at most, seconds on the way, and of flops: ⌈log₂ N⌉ times two triangles into one.

    Eliminating a triangle below another one takes ⅔P³.
    """
    levels, size = math.ceil(math.log2(gpus)), packed_bytes(columns) + 8 * columns
    within = min(levels, int(math.log2(machine.in_a_node)))
    travelled = within * size / machine.inside + (levels - within) * size / machine.between + levels * machine.latency
    return levels * size, travelled, levels * (2 / 3) * columns**3 / machine.factorise


def iteration(gpus: int, rows: int, columns: int, machine: Machine) -> dict[str, float]:
    """Seconds by normal equations and by QR; the making of J, which is the same for both, is not in it."""
    each = rows / gpus
    tall, wide = max(each, columns), min(each, columns)
    own = (2 * tall * wide**2 - 2 / 3 * wide**3) / machine.factorise
    _, travelled, merged = combined(gpus, columns, machine)
    damped = (2 / 3) * columns**3 / machine.factorise
    return {
        "normal equations": 2 * each * columns**2 / machine.multiply
        + reduced(gpus, columns, machine)[1]
        + columns**3 / 3 / machine.multiply,
        "TSQR": own + travelled + merged + damped,
    }


def measure() -> list[Figure]:
    """For 1, 8, 64 and 512 GPUs."""
    machine, figures = Machine(), []
    alone = iteration(1, ROWS, COLUMNS, machine)
    for gpus in (1, 8, 64, 512):
        found = iteration(gpus, ROWS, COLUMNS, machine)
        sent, summed = reduced(gpus, COLUMNS, machine)
        received, travelled, merged = combined(gpus, COLUMNS, machine)
        name = f"{gpus} GPUs, {ROWS:,} × {COLUMNS:,}"
        figures += [
            Figure(f"{name}: all_reduce, each sends", round(sent / 2**20), "MiB"),
            Figure(f"{name}: all_reduce", round(1e3 * summed, 2), "ms"),
            Figure(f"{name}: TSQR, one receives at most", round(received / 2**20), "MiB"),
            Figure(f"{name}: TSQR, on the way", round(1e3 * travelled, 2), "ms"),
            Figure(f"{name}: TSQR, triangles into one", round(1e3 * merged, 1), "ms"),
            *(Figure(f"{name}: a step by {way}", round(1e3 * value, 1), "ms") for way, value in found.items()),
            *(Figure(f"{name}: {way}, times as fast", round(alone[way] / value, 1)) for way, value in found.items()),
        ]
    return figures


CASES = (Case("paper", "all_reduce and TSQR on 8, 64 and 512 GPUs, by a formula from measured rates", measure),)
