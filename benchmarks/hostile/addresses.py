"""Addresses that people share, edit and invent: each page with values in its query that it never wrote itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from streamlit.testing.v1 import AppTest

from benchmarks.browser import ROOT
from benchmarks.hostile.material import TEXTS
from benchmarks.hostile.tried import Fault, Input
from benchmarks.sample_store import fill

SUITE = "addresses"
QUERIES = {
    "launch_runs": ("parent", "replay", "next_order", "next_a", "to_boussinesq", "preset", "run"),
    "watch_runs": ("run",),
    "compare_runs": (
        *(
            "runs",
            "view",
            "x",
            "y",
            "curves",
            "curve",
            "all",
            "group",
            "gm",
            "columns",
            "sort",
            "order",
            "from",
            "until",
        ),
        *("axes", "sx", "sy", "q", "states", "problems", "baseline"),
    ),
    "best_run": ("run", "metric", "best", "value", "of", "tie", "eligible"),
    "replay_run": ("run", "rerun"),
    "data_sets": ("dataset",),
    "find_singularities": ("run", "equation"),
    "solution_3d": ("run", "view"),
    "present_run": ("run",),
}
"""Pages and the keys of their addresses."""
IDS = ("run", "runs", "dataset", "parent", "replay", "rerun")
"""Keys whose values are ids or names."""


def inputs() -> Iterator[Input]:
    """All inputs of this suite."""
    ids = fill(4, points=30)
    own = (*ids[:2], ids[0][:12], f"{ids[0][:12]}.0", f"{ids[0][:12]}.0,{ids[1][:12]}.1", f"{ids[0]}.99999999999",
           f"{ids[0]}.-1", f"{ids[0]}.x,,,.", ",".join(ids * 50), ids[0].upper(),
           "0" * 32, "f" * 31, "%00", "%")  # fmt: skip
    for page, keys in QUERIES.items():
        for k, key in enumerate(keys):
            texts = TEXTS[k % 8 :: 8] + (own if key in IDS else ())
            for text in texts:
                yield Input(SUITE, f"{page}?{key}={text[:40]!r}", _opened(page, {key: text}), seconds=60, megabytes=800)
        everything = dict.fromkeys(keys, TEXTS[0])
        yield Input(SUITE, f"{page} with all keys", _opened(page, everything), seconds=60)
        yield Input(SUITE, f"{page} with keys of its own", _opened(page, {text or "x": text for text in TEXTS}), 60)


def _opened(page: str, query: dict[str, str]) -> Callable[[], Fault]:
    def try_it() -> Fault:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        app.run()
        app.switch_page(str(ROOT / f"pages/{page}.py")).run()
        if app.exception:
            return f"traceback: {app.exception[0].message[:200]}"
        said = " ".join(str(item.value) for kind in ("error", "warning", "info") for item in app.get(kind))
        if "Traceback" in said:
            return f"traceback: {said[:200]}"
        return f"message: {len(said):,} characters" if len(said) > 5000 else None

    return try_it
