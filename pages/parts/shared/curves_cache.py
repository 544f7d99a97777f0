"""One cursor a run, shared by all visitors and pages: what was read is never read again."""

from __future__ import annotations

import streamlit as st

from core.jobs import Job
from core.runs import RunFolder
from core.runs.curves import Curves, RunCurves
from core.runs.machine_readings import MachineReadings
from core.tracking.curves import run_curves


@st.cache_resource(max_entries=64, show_spinner=False)
def _curves_of(folder: RunFolder) -> Curves:
    return run_curves(folder)


def curves_of(folder: RunFolder) -> Curves:
    """The curves of a run as they are now."""
    curves = _curves_of(folder)
    if curves.source == "MLflow" and folder.history.exists():  # it had none when it was looked at last
        _curves_of.clear(folder)
        curves = _curves_of(folder)
    curves.update()
    return curves


def curves_of_job(job: Job) -> Curves:
    """The curves of a run of this machine, which are in its own folder while it has not ended, or not there yet."""
    folder = job.folder
    return curves_of(folder) if folder.history.exists() or job.ended_for_good else RunCurves(folder.history)


@st.cache_resource(max_entries=64, show_spinner=False)
def _readings_of(folder: RunFolder) -> MachineReadings:
    return MachineReadings(folder.machine)


def readings_of(folder: RunFolder) -> MachineReadings:
    """What the machine did while a run was active, as far as it is known now."""
    readings = _readings_of(folder)
    readings.update()
    return readings
