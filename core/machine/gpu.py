"""GPUs' load, memory, temperature and power by NVML, and what happens when one is gone."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"))
"""One of them is there where a driver is, the second on WSL2. Elsewhere NVML is never imported."""
AGAIN_S = 10.0
"""After an error NVML is opened anew, at most so often: a driver that was loaded again is another one."""

Nvml = Any
"""The module `pynvml`, or what has its functions."""


@dataclass(frozen=True)
class GpuReading:
    """What one GPU does. NaN for what it does not tell: a MIG slice has no load of its own."""

    name: str
    load: float
    """Percent of the time in which a kernel ran."""
    memory_used: float
    """Bytes, like the next."""
    memory_total: float
    temperature: float
    """Degrees Celsius."""
    power: float
    """Watts."""


NO_GPU = GpuReading("", *[math.nan] * 5)


def nvml() -> Nvml | None:
    """NVML, ready to be asked; None where there is no driver. Raises what NVML raises."""
    if not any(path.exists() for path in DRIVERS):
        return None
    import pynvml

    pynvml.nvmlInit()
    return pynvml


class Gpus:
    """The machine's GPUs, asked by NVML; what can't be read is NaN, and `trouble` says why.

    Args:
        connect: gives NVML, or None where there is no driver.
    """

    def __init__(self, connect: Callable[[], Nvml | None] = nvml):
        self._connect = connect
        self._nvml: Nvml | None = None
        self._tried = float("-inf")
        self.trouble = ""
        """Why the last reading failed, in one sentence; empty where it did not."""

    def all(self) -> list[GpuReading]:
        """Every GPU of the machine, in NVML's order; none where there is no driver or it does not answer."""
        return self._asked(
            lambda lib: [_read(lib, lib.nvmlDeviceGetHandleByIndex(k)) for k in range(lib.nvmlDeviceGetCount())], []
        )

    def read(self, visible: str) -> GpuReading:
        """The GPU that a process sees.

        Args:
            visible: its CUDA_VISIBLE_DEVICES: a UUID of a GPU or of a MIG slice, or an index; empty for none.
        """
        first = visible.split(",")[0].strip()
        return self._asked(lambda lib: _read(lib, _handle(lib, first)), NO_GPU) if first else NO_GPU

    def of_process(self, pid: int) -> str:
        """The UUID of the GPU that a process computes on; empty where none is known."""

        def look(lib: Nvml) -> str:
            for k in range(lib.nvmlDeviceGetCount()):
                handle = lib.nvmlDeviceGetHandleByIndex(k)
                if any(process.pid == pid for process in lib.nvmlDeviceGetComputeRunningProcesses(handle)):
                    return _text(lib.nvmlDeviceGetUUID(handle))
            return ""

        return self._asked(look, "")

    def driver(self) -> str:
        """Version of the driver; empty without one."""
        return self._asked(lambda lib: _text(lib.nvmlSystemGetDriverVersion()), "")

    def _asked(self, ask: Callable[[Nvml], Any], otherwise: Any) -> Any:
        if self._nvml is None:
            now = time.monotonic()
            if now - self._tried < AGAIN_S:
                return otherwise
            self._tried = now
            try:
                self._nvml = self._connect()
            except Exception as error:  # NVML's own, a library that is not there, or one of another version
                self.trouble = _sentence(error)
                return otherwise
            if self._nvml is None:
                return otherwise
        try:
            answer = ask(self._nvml)
        except self._nvml.NVMLError as error:
            self.trouble = _sentence(error)
            with contextlib.suppress(self._nvml.NVMLError):
                self._nvml.nvmlShutdown()
            self._nvml, self._tried = None, time.monotonic()
            return otherwise
        self.trouble = ""
        return answer


def _sentence(error: Exception) -> str:
    return f"The GPU's driver says: {error}."


def _handle(lib: Nvml, first: str) -> Any:
    return lib.nvmlDeviceGetHandleByIndex(int(first)) if first.isdigit() else lib.nvmlDeviceGetHandleByUUID(first)


def _read(lib: Nvml, handle: Any) -> GpuReading:
    """Raises NVMLError where the GPU itself does not answer."""
    whole = handle  # a slice has no sensors: those of its GPU
    if _known(lib, lambda: lib.nvmlDeviceIsMigDeviceHandle(handle)):
        whole = lib.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle)
    memory = _known(lib, lambda: lib.nvmlDeviceGetMemoryInfo(handle))
    load = _known(lib, lambda: lib.nvmlDeviceGetUtilizationRates(handle))
    temperature = _known(lib, lambda: lib.nvmlDeviceGetTemperature(whole, lib.NVML_TEMPERATURE_GPU))
    power = _known(lib, lambda: lib.nvmlDeviceGetPowerUsage(whole))
    return GpuReading(
        _text(_known(lib, lambda: lib.nvmlDeviceGetName(whole)) or "GPU"),
        math.nan if load is None else float(load.gpu),
        math.nan if memory is None else float(memory.used),
        math.nan if memory is None else float(memory.total),
        math.nan if temperature is None else float(temperature),
        math.nan if power is None else power / 1000,
    )


def _known(lib: Nvml, ask: Callable[[], Any]) -> Any:
    """What this GPU says; None for what its kind does not tell. Raises NVMLError for any other reason."""
    try:
        return ask()
    except (lib.NVMLError_NotSupported, lib.NVMLError_NoPermission):
        return None


def _text(value: str | bytes) -> str:
    return os.fsdecode(value) if isinstance(value, bytes) else value
