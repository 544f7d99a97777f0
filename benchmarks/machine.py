"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
import subprocess


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


def gpu() -> str:
    """The first CUDA device, its memory, CUDA and driver in one line; empty where there is none."""
    import torch

    if not torch.cuda.is_available():
        return ""
    device = torch.cuda.get_device_properties(0)
    major, minor = device.major, device.minor
    return (
        f"{device.name}, {device.total_memory / 2**30:.0f} GiB, compute capability {major}.{minor}, "
        f"CUDA {torch.version.cuda}, driver {_driver()}"
    )


def _driver() -> str:
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader", "--id=0"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip() or "unknown"
