"""What a figure was measured on."""

from __future__ import annotations

import os
import platform


def machine() -> str:
    """Processor, cores, Python and torch in one line."""
    import torch

    model = "unknown processor"
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:  # noqa: PTH123
            model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), model)
    except OSError:
        model = platform.processor() or model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"
