"""Colours of curves, those of reports."""

from core.reports.palette import GREY, PALETTE

__all__ = ["GREY", "PALETTE"]
