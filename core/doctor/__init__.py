"""What a lab needs of its machine, checked, and what to do about each thing that is amiss."""

from core.doctor.apart import examined_apart
from core.doctor.examination import examine
from core.doctor.finding import Finding

__all__ = ["Finding", "examine", "examined_apart"]
