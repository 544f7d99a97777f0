"""All checks, in the order in which they are told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

from core.doctor import home_checks, run_checks, server_checks, store_checks
from core.doctor.finding import Finding
from core.errors import LabError
from core.plain_text import fit_to_show

Found = TypeVar("Found", Finding, Finding | None)


def examine(server: bool = False) -> list[Finding]:
    """Look at Python, home, job table, processes, slots, store, torch, devices and the renderers of the 3D page.

    Args:
        server: also at what a lab needs that others reach.
    """
    return list(findings(server))


def findings(server: bool = False) -> Iterator[Finding]:
    """The same, one after another; what takes seconds comes last."""
    modern = sys.version_info >= (3, 11)
    yield Finding(
        "python", modern, sys.version.split()[0], "" if modern else "`PYTHON=python3.11 make setup` makes .venv anew."
    )
    found = home_checks.home_finding()
    yield found
    if not found.ok:
        return  # all that follows stands in it
    yield _checked(home_checks.privacy)
    yield _checked(home_checks.disk)
    yield _checked(home_checks.local_disk)
    yield _checked(home_checks.settings_finding)
    yield _checked(home_checks.clock)
    yield _checked(home_checks.time_zone)
    found = _checked(run_checks.job_table)
    yield found
    if found.ok:
        yield _checked(run_checks.damaged_runs)
        yield _checked(run_checks.courier)
        yield _checked(run_checks.channels)
        yield _checked(run_checks.stray_processes)
        yield _checked(run_checks.slots)
    if server:
        yield from _server()
    yield _checked(store_checks.store_finding)
    yield _checked(store_checks.delivery)
    if found.ok:
        yield _checked(store_checks.orphans)
    yield _checked(_torch)
    yield _checked(_devices)
    yield _checked(_renderers)


def _checked(check: Callable[[], Found]) -> Found | Finding:
    """What a check found; that it could not look is a finding, too, and no reason to skip the others."""
    try:
        return check()
    except LabError as error:
        return Finding(
            _name(check), False, str(error), "See to what it names, then look again: `python -m core doctor`."
        )
    except Exception as error:
        what = fit_to_show(f"{type(error).__name__}: {error}")
        remedy = (
            "Look again with `python -m core doctor`; if it stays, it is a defect of the program: report this line."
        )
        return Finding(_name(check), False, f"could not be looked at: {what}", remedy)


def _server() -> Iterator[Finding]:
    """What a lab needs that others reach; the checks follow from each other, so the first that breaks is the last."""
    checks = server_checks.server_findings()

    def server() -> Finding | None:
        return next(checks, None)

    while (found := _checked(server)) is not None:
        yield found


def _name(check: Callable[[], Finding]) -> str:
    return check.__name__.strip("_").removesuffix("_finding").replace("_", " ")


def _torch() -> Finding:
    try:
        import torch
    except Exception as error:  # a broken installation fails in any way
        what = fit_to_show(f"{type(error).__name__}: {error}")
        return Finding("torch", False, what, f"`{sys.executable} -m pip install --force-reinstall torch`")
    return Finding("torch", True, f"{torch.__version__}, {torch.get_num_threads()} threads")


def _devices() -> Finding:
    import torch

    from core.jobs.gpus import gpus

    seen = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    whole = {name.partition(".")[0] for name in gpus()}
    if whole and not seen:
        return Finding(
            "devices",
            False,
            f"the machine has {len(whole)} GPUs and torch sees none",
            "`nvidia-smi` must work, and torch must be built for its driver: `pip install torch` from the index that "
            "pytorch.org names for it. Until then set device to cpu.",
        )
    return Finding("devices", True, ", ".join(seen) or "CPU only")


def _renderers() -> Finding:
    from core.solution import children

    missing = children.vtk_unavailable()
    if missing is None:
        return Finding("renderers", True, "quick view, VTK view")
    remedy = f"`{sys.executable} -m pip install -r requirements.txt` brings VTK's packages, `apt-get install libgl1 "
    remedy += "libxrender1`, as root, what they need of the system. The quick view needs neither."
    return Finding("renderers", False, f"the quick view alone: {missing}", remedy)
