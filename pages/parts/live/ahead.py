"""A solution that somebody is about to look at, sampled while the browser still loads the page."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from core.errors import LabError
from core.runs import RunFolder
from core.singularity.views import is_given, on_cells, takes_wanted, usual_resolution, views
from core.solution import children
from core.solution.grid import check_resolution
from core.solution.wanted import Wanted
from core.tracking.store import run_config

_at_work = threading.Lock()
"""One at a time: who comes meanwhile waits for the page, which samples in any case."""


def sample_ahead(folder: RunFolder, asked: Mapping[str, str]) -> None:
    """Sample what Solution 3D shows first of a run, in the child that does it for the page.

    Args:
        folder: the run's.
        asked: the page's parameters `view` and `n-…`, which stand for what it usually begins with.
    """
    if not _at_work.acquire(blocking=False):
        return
    try:
        problem = run_config(folder).problem
        offered = views(problem)
        view = asked.get("view", "")
        view = view if view in offered else next(iter(offered))
        chosen = asked.get(f"n-{view.replace(' ', '-')}", "")
        resolution = usual_resolution(problem, view)
        if chosen.isascii() and chosen.isdecimal() and len(chosen) < 7 and not on_cells(view):
            resolution = resolution if is_given(problem, view) else int(chosen)
        check_resolution(problem, resolution)
        wanted = {"wanted": Wanted(residuals=False)} if takes_wanted(view, problem) else {}
        children.sample(offered[view], folder, resolution, **wanted)
    except LabError:
        return  # the page says it
    finally:
        _at_work.release()
