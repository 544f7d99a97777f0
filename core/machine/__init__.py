"""The machine as it is now: load, memory, disk and GPUs, of a whole machine or of the part that a control group has."""

from core.machine.gpu import NO_GPU, GpuReading, Gpus
from core.machine.meter import Meter, Reading
from core.machine.recent import Recent

__all__ = ["NO_GPU", "GpuReading", "Gpus", "Meter", "Reading", "Recent"]
