"""Whether a run's small files hold what this program writes: types and ranges, before anybody counts on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from core.runs.states import ENDED

Check = Callable[[Any], bool]


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return type(value) is int


def _finite(value: Any) -> bool:
    return _number(value) and math.isfinite(value)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _numbers(value: Any) -> bool:
    return isinstance(value, dict) and all(_text(name) and _number(each) for name, each in value.items())


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


PROGRESS: dict[str, Check] = {
    "phase": _or_none(_text),
    "stage": _finite,
    "stages": _finite,
    "done": _finite,
    "of": _finite,
    "unit": _text,
    "fraction": lambda value: _finite(value) and value >= 0,
    "share": _finite,
    "eta_s": _or_none(_number),
    "wall_time_s": _finite,
    "time": _finite,
    "total_iterations": _finite,
    "max_residual": _or_none(_number),
    "rms_residual": _or_none(_number),
    "lambda": _or_none(_number),
    "unknowns": lambda value: isinstance(value, dict) and all(map(_number, value.values())),
}
SAID_WITH_A_PHASE = ("stage", "stages", "done", "of", "unit", "eta_s")


def is_progress(data: dict[str, Any]) -> bool:
    """Whether an object says how far a run is; older programs said no phase."""
    needed = ("fraction", *(SAID_WITH_A_PHASE if data.get("phase") is not None else ()))
    return all(name in data for name in needed) and all(
        check(data[name]) for name, check in PROGRESS.items() if name in data
    )


def is_last_word(data: dict[str, Any]) -> bool:
    """Whether an object says how an attempt ended."""
    known = data.get("state") in (*ENDED, "paused")
    return known and _text(data.get("reason")) and type(data.get("attempt")) is int


def is_heartbeat(data: dict[str, Any]) -> bool:
    """Whether an object is what a run's process says while it lives."""
    numbers = ("attempt", "pid", "pid_started", "time", "rss", "memory_free", "memory_total", "disk_free")
    kills = data.get("memory_kills")
    return (
        all(_finite(data.get(name)) for name in numbers)
        and isinstance(kills, dict)
        and all(map(_finite, kills.values()))
    )


def is_config(data: dict[str, Any]) -> bool:
    """Whether an object looks like a run's config; what its fields hold is `core.config`'s to judge."""
    return isinstance(data.get("problem"), dict) and isinstance(data.get("stages"), list)


def is_certificate(data: dict[str, Any]) -> bool:
    """Whether an object looks like a certificate; what its figures are is `core.singularity.certificate`'s to judge."""
    return isinstance(data.get("regions"), list) and _number(data.get("tolerance"))


def is_funnel_point(data: Any) -> bool:
    """Whether data are one λ of a funnel and what it left."""
    return (
        isinstance(data, dict)
        and data.keys() == {"lambda_", "r_hat", "max_residual", "rms_residual"}
        and all(_number(value) for value in data.values())
    )


def is_path_step(data: Any) -> bool:
    """Whether data are one step of a continuation."""
    texts, numbers = ("path", "fault"), ("begins", "value", "rms_residual", "iterations", "total")
    return (
        isinstance(data, dict)
        and data.keys() == {*texts, *numbers, "lambda_"}
        and all(_text(data[name]) for name in texts)
        and all(_number(data[name]) for name in numbers)
        and (data["lambda_"] is None or _number(data["lambda_"]))
    )


def is_window_step(data: Any) -> bool:
    """Whether data are one window of time that was trained."""
    numbers = ("begin", "end", "iterations", "total", "seconds", "max_residual", "rms_residual")
    return (
        isinstance(data, dict)
        and {*numbers, "halved", "ended"} <= data.keys() <= {*numbers, "halved", "ended", "unknowns", "errors"}
        and all(_number(data[name]) for name in numbers)
        and isinstance(data["halved"], bool)
        and _text(data["ended"])
        and all(_numbers(data.get(name, {})) for name in ("unknowns", "errors"))
    )


def is_stage(data: Any) -> bool:
    """Whether data are what one stage did."""
    texts, numbers = ("optimizer", "precision", "ended"), ("number", "parameters", "epsilon")
    perhaps = ("max_residual", "rms_residual")
    if not isinstance(data, dict) or data.keys() != {*texts, *numbers, *perhaps, "sigma"}:
        return False
    sigma = data["sigma"] if isinstance(data["sigma"], list) else [data["sigma"]]
    return (
        all(_text(data[name]) for name in texts)
        and all(_number(data[name]) for name in numbers)
        and all(value is None or _number(value) for value in (*sigma, *(data[name] for name in perhaps)))
    )


def is_entry(data: dict[str, Any]) -> bool:
    """Whether an object is something for the store, as an outbox keeps it."""
    metrics, artifacts = data.get("metrics"), data.get("artifacts")
    return (
        isinstance(metrics, list)
        and all(isinstance(point, list) and len(point) == 4 for point in metrics)
        and all(_text(name) and _number(value) and _whole(at) and _whole(step) for name, value, at, step in metrics)
        and are_facts(data.get("tags"))
        and isinstance(artifacts, list)
        and all(isinstance(file, list) and len(file) == 2 and all(map(_text, file)) for file in artifacts)
        and not any(".." in name.split("/") or name.startswith("/") for file in artifacts for name in file)
    )


def is_refusal(data: Any) -> bool:
    """Whether data say what a store refused, and why."""
    return isinstance(data, dict) and "refused" in data and _text(data.get("reason"))


def are_facts(data: Any) -> bool:
    """Whether data are a run's provenance: text by name."""
    return isinstance(data, dict) and all(_text(value) for value in data.values())
