"""A store of thousands of runs in seconds, to time the dashboard: `python -m benchmarks.bulk_store N`.

MLflow makes the database; the rows are then inserted directly, since creating ten thousand runs through its client
takes a quarter of an hour. The figures are invented; nothing here is a result. One run in ten each is failed, crashed,
of another program or has NaN as its last residual; a few are running.
"""

from __future__ import annotations

import sqlite3
import sys
import time
import uuid

import numpy as np

from core.config import override
from core.home import home
from core.presets import presets
from core.runs import run_folder
from core.runs.history import HistoryWriter
from core.tracking import store
from core.tracking.tags import CHECKPOINT_STEP, CONFIG_HASH, PROBLEM, PROVENANCE, STATE

STATES = ("finished", "finished", "finished", "failed", "finished", "crashed", "finished", "nan", "foreign", "stopped")
FIRST = (
    *("poisson2d-quick", "typed-darcy-noisy", "gp-vortex", "gp-vortex-polynomials", "burgers-profile", "helmholtz"),
    *("typed-lshape", "gclm", "typed-darcy-inverse", "typed-holes", "wave", "poisson2d", "taylor-green"),
)
"""Presets of the first runs, of all kinds: what is in a small store depends on no preset's figures."""
METRICS = ("max_residual", "rms_residual", "loss", "wall_time_s", "dense_max_residual")
FOREIGN_METRICS = ("train_loss", "val_loss", "accuracy", "lr", "epoch_time")

COLUMNS = {
    "runs": (
        *("run_uuid", "name", "source_type", "source_name", "entry_point_name", "user_id", "status", "start_time"),
        *("end_time", "source_version", "lifecycle_stage", "artifact_uri", "experiment_id", "deleted_time"),
    ),
    "params": ("key", "value", "run_uuid"),
    "tags": ("key", "value", "run_uuid"),
    "metrics": ("key", "value", "timestamp", "run_uuid", "step", "is_nan"),
    "latest_metrics": ("key", "value", "timestamp", "step", "is_nan", "run_uuid"),
}
"""Of MLflow's tables, in the order of the rows made here."""


def bulk(runs: int, points: int = 12, running: int = 3, seed: int = 0, *, folders: bool = True) -> list[str]:
    """Insert `runs` runs with five metrics of `points` values and thirty params each; returns their ids.

    Without folders, all of them were trained on other machines.
    """
    rng = np.random.default_rng(seed)
    client = store.client()
    own = client.get_experiment_by_name(store.EXPERIMENT).experiment_id
    found = client.get_experiment_by_name("another-program")
    other = found.experiment_id if found else client.create_experiment("another-program")
    kinds = [presets()[name] for name in (*FIRST, *sorted(presets().keys() - set(FIRST)))]
    now = int(time.time() * 1000)
    rows: dict[str, list[tuple]] = {"runs": [], "params": [], "tags": [], "metrics": [], "latest_metrics": []}
    ids = []
    for k in range(runs):
        run_id = uuid.UUID(bytes=rng.bytes(16), version=4).hex
        ids.append(run_id)
        kind = STATES[k % len(STATES)]
        foreign = kind == "foreign"
        state = "running" if k >= runs - running else {"nan": "finished", "foreign": "finished"}.get(kind, kind)
        config = override(kinds[k % len(kinds)].config, [f"seed={k}", f"name=sample-{k:05d}"])
        begun = now - 60_000 * (runs - k)
        rows["runs"].append(
            (
                run_id,
                config.name,
                "LOCAL",
                "singularity-lab",
                "",
                "lab",
                store.STATUS[state],
                begun,
                None if state == "running" else begun + 30_000,
                "",
                "active",
                f"{home().artifacts.as_uri()}/{run_id}/artifacts",
                int(other if foreign else own),
                None,
            )
        )
        if foreign:
            params = {f"hyper_{i}": str(round(float(rng.random()), 4)) for i in range(30)}
            tags = {"mlflow.user": "someone"}
        else:
            params = dict(list(store.params_of(config).items())[:30])
            params |= {f"note_{i}": str(i) for i in range(30 - len(params))}
            tags = {
                STATE: state,
                PROBLEM: config.problem.kind,
                CONFIG_HASH: config.hash,
                CHECKPOINT_STEP: str(10 * points),
                **{PROVENANCE + name: "sample" for name in ("torch", "numpy", "python", "threads", "device")},
            }
            if folders and state != "running":  # those run on another machine
                folder = run_folder(run_id)
                folder.create(config)
        tags |= {"mlflow.runName": config.name}
        rows["params"] += [(key, value, run_id) for key, value in params.items()]
        rows["tags"] += [(key, value, run_id) for key, value in tags.items()]
        rate = rng.uniform(3, 20)
        for j, name in enumerate(FOREIGN_METRICS if foreign else METRICS):
            values = np.exp(-rate * np.linspace(0, 1, points)) * rng.uniform(0.8, 1.2, points) * 10.0**-j
            for i, value in enumerate(values):
                nan = kind == "nan" and i == points - 1 and j < 3
                row = (name, 0.0 if nan else float(value), begun + 1000 * i, run_id, 10 * (i + 1), int(nan))
                rows["metrics"].append(row)
            rows["latest_metrics"].append((name, row[1], row[2], row[4], row[5], run_id))
    _insert(rows)
    return ids


def _insert(rows: dict[str, list[tuple]]) -> None:
    if uri := home().database:
        import psycopg

        with psycopg.connect(uri) as server, server.cursor() as cursor:
            for table, values in rows.items():
                flag = COLUMNS[table].index("is_nan") if "is_nan" in COLUMNS[table] else None
                with cursor.copy(f"COPY public.{table} ({', '.join(COLUMNS[table])}) FROM STDIN") as copy:
                    for row in values:
                        copy.write_row([bool(item) if k == flag else item for k, item in enumerate(row)])
            cursor.execute("ANALYZE")
        return
    with sqlite3.connect(home().mlflow_db) as database:
        for table, values in rows.items():
            names, marks = ", ".join(COLUMNS[table]), ", ".join("?" * len(COLUMNS[table]))
            database.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
    database.close()


def long_history(run_id: str, points: int, seed: int = 0) -> None:
    """Give a run a history of `points` iterations."""
    folder = run_folder(run_id)
    folder.path.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    writer = HistoryWriter(folder.history, ("pde",))
    residual = 10 ** (-9 * np.linspace(0, 1, points) + rng.normal(0, 0.15, points) - rng.uniform(0, 3))
    residual[points // 3] = np.nan
    residual[points // 2] = 10.0  # a spike that thinning must not lose
    whole = np.arange(points)
    writer.extend(
        {
            "iteration": whole + 1,
            "stage": (whole > points * 0.6).astype(np.int64),
            "phase": np.ones(points, dtype=np.int64),
            "wall_time_s": whole * 0.01,
            "loss": residual**2,
            "max_residual": 3 * residual,
            "rms_residual": residual,
            "rms_pde": residual,
            "damping": np.full(points, 1e-3 * (1 + seed)),
        }
    )
    writer.close()


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    bulk(count)
    print(f"{count} runs in {home().root}")
