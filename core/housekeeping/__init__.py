"""What fills the disk of a lab, and a clean-up that says what it would delete before it does."""

from core.housekeeping.carrying_out import Outcome, carry_out
from core.housekeeping.plan import KINDS, Item, Kind, plan
from core.housekeeping.survey import Survey, survey

__all__ = ["KINDS", "Item", "Kind", "Outcome", "Survey", "carry_out", "plan", "survey"]
