"""Runs of the store that have a config, found by what a person types; thousands cost no more than a screenful."""

from __future__ import annotations

import re

from core.errors import LabError, RunNotFoundError
from core.home import RUN_ID
from core.tracking import store
from core.tracking.store import RunRecord

PREFIX = re.compile(r"[0-9a-f]{8,31}")
"""The first characters of an id that stand for it."""

_HAS_CONFIG = "tags.`lab.config_hash` != ''"


def find_runs(text: str = "", limit: int = 100) -> list[RunRecord]:
    """The newest `limit` runs with a config whose name, problem, state, or beginning of the id or config hash fits.

    Several words must all fit. Runs submitted from other machines are found as well.
    """
    found: list[RunRecord] | None = None
    words = text.split()
    if not words:
        return store.search(_HAS_CONFIG, limit)
    for word in words[:5]:
        fits = {record.run_id: record for condition in _conditions(word) for record in store.search(condition, limit)}
        found = list(fits.values()) if found is None else [record for record in found if record.run_id in fits]
    return sorted(found, key=lambda record: record.started, reverse=True)[:limit]


def find_id(text: str) -> str:
    """The id of the one run that `text` stands for: a whole id, or its first 8 characters or more.

    Raises RunNotFoundError, or LabError for what is no id and for a beginning that fits several runs.
    """
    text = text.strip().lower()
    if RUN_ID.fullmatch(text):
        store.stored_config(text)
        return text
    if not PREFIX.fullmatch(text):
        raise LabError(
            f"{text[:60]!r} is no run id: that is 32 digits from 0-9 and a-f, of which the first 8 are enough."
        )
    found = store.search(f"attributes.run_id LIKE '{text}%'", 2)
    if not found:
        raise RunNotFoundError(text)
    if len(found) > 1:
        raise LabError(f"{text!r} fits more than one run; write more of the id.")
    return found[0].run_id


def reruns(source: RunRecord, limit: int = 100) -> list[RunRecord]:
    """Runs that repeat `source`, newest first: those started as its rerun, and others of the same config."""
    conditions = [f"tags.`lab.replay_of` = '{source.run_id}'"]
    if source.config_hash.isalnum():
        conditions.append(f"tags.`lab.config_hash` = '{source.config_hash}'")
    found = {record.run_id: record for condition in conditions for record in store.search(condition, limit)}
    found.pop(source.run_id, None)
    return sorted(found.values(), key=lambda record: record.started, reverse=True)


def _conditions(word: str) -> list[str]:
    """One search of the store each; it has no OR."""
    quote = '"' if "'" in word else "'"
    word = word.replace("\\", "").replace('"', "_" if quote == '"' else '"').replace("`", "_")
    conditions = [
        f"{field} ILIKE {quote}%{word}%{quote} AND {_HAS_CONFIG}"
        for field in ("attributes.run_name", "tags.`lab.problem`", "tags.`lab.state`")
    ]
    if re.fullmatch(r"[0-9a-f]{4,64}", word.lower()):
        conditions += [f"tags.`lab.config_hash` LIKE '{word.lower()}%'"]
        conditions += [f"attributes.run_id LIKE '{word.lower()}%' AND {_HAS_CONFIG}"]
    return conditions
