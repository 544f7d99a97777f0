"""The datasets that presets learn from, each made anew from what is known of its problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.presets import resolve
from core.problems.burgers_inverse import SAMPLE, sample_csv
from core.problems.exact_samples import exact_samples

SAMPLES: Mapping[str, Callable[[], bytes]] = {
    SAMPLE: sample_csv,
    "darcy-samples.csv": lambda: exact_samples(resolve("typed-darcy-inverse").problem, 1000),
    "darcy-noisy-samples.csv": lambda: exact_samples(resolve("typed-darcy-noisy").problem, 1000, noise=0.01),
}
"""Dataset → what makes its file."""
