"""Finding runs: plain words, MLflow's own filter syntax, or words followed by a filter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace

from core.errors import LabError, RunNotFoundError
from core.home import RUN_ID
from core.runs import run_folder
from core.tracking import store
from core.tracking.store import RunRecord
from core.tracking.store.importing import import_mlflow
from core.tracking.tags import NOTE, REPLAY_TAG, people_tags

FILTER_BEGINS = re.compile(
    r"""(?ix) (?<![\w."'`])
    (?: (?:metrics?|params?|parameters?|tags?|attributes?|attr|run|datasets?) \s* \. \s* [\w"'`]
      | [\w"'`]+ \s* (?: [<>=!]=? | \b(?:i?like|in|is)\b ) )
    """
)
PREFIX = re.compile(r"[0-9a-f]{8,31}")
"""The first characters of an id that stand for it."""


@dataclass(frozen=True)
class Filters:
    """What the filters beside the search box ask for; empty means any."""

    experiments: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """key=value of people's own tags."""
    started_from: float = 0.0
    """Unix time in seconds."""
    started_until: float = float("inf")

    def match(self, record: RunRecord) -> bool:
        """Whether a run passes."""
        return (
            (not self.experiments or record.experiment in self.experiments)
            and (not self.problems or record.problem in self.problems)
            and (not self.states or record.state in self.states)
            and all(tag in people_tags(record.tags) for tag in self.tags)
            and self.started_from <= record.started <= self.started_until
        )


def split(text: str) -> tuple[list[str], str]:
    """Plain words, in lower case, and the filter that follows them."""
    return next(_readings(text))


def _readings(text: str) -> Iterator[tuple[list[str], str]]:
    """What a text may mean, the likeliest first: words before a filter that begins where one can, then words alone."""
    for begins in FILTER_BEGINS.finditer(text):
        yield text[: begins.start()].lower().split(), text[begins.start() :].strip()
    yield text.lower().split(), ""


def search(records: Iterable[RunRecord], text: str) -> list[RunRecord]:
    """The runs that contain every plain word and match the filter, in the order given.

    Words are looked for in name, id, config hash, problem, experiment, state, people's tags and the note. The filter is
    MLflow's (`metrics.loss < 1e-6 and params.seed = '3'`), parsed and matched by MLflow itself; NaN matches nothing.
    What looks like a filter and is none, as in a run's name `nu=0.01, lr=1e-3`, is words where some run has them.

    Raises:
        LabError: MLflow refuses the filter, and no run has its words; the message is MLflow's own.
    """
    records, refused = list(records), None
    for words, clause in _readings(text):
        found = [record for record in records if _has_words(record, words)]
        if refused and not found:
            continue
        try:
            return _matching(found, clause) if clause else found
        except LabError as error:
            refused = refused or error
    if refused:
        raise refused
    return []


def _has_words(record: RunRecord, words: list[str]) -> bool:
    text = " ".join(
        [
            record.name,
            record.run_id,
            record.config_hash,
            record.problem,
            record.experiment,
            record.state,
            record.tags.get(NOTE, ""),
            *people_tags(record.tags),
        ]
    ).lower()
    return all(word in text for word in words)


def _matching(records: list[RunRecord], clause: str) -> list[RunRecord]:
    import_mlflow()
    from mlflow.exceptions import MlflowException
    from mlflow.utils.search_utils import SearchUtils

    try:
        parsed = SearchUtils.parse_search_filter(clause)
        if any(item["type"] == "dataset" for item in parsed):  # a record does not carry its datasets
            ids = store.search_ids(clause)
            return [record for record in records if record.run_id in ids]
        kept = SearchUtils.filter([_as_mlflow_run(record) for record in records], clause)
    except (MlflowException, ValueError) as error:
        raise LabError(f"This filter can't be read: {_readable(str(error).splitlines()[0])}") from error
    ids = {run.info.run_id for run in kept}
    return [record for record in records if record.run_id in ids]


def _readable(message: str) -> str:
    """MLflow's message, and what to write where it knows only attributes."""
    before, brace, _ = message.partition(" Valid keys are '{")
    if brace and before.startswith("Invalid attribute key"):
        return f"{before} A metric is written metrics.loss, a config field params.`stages.0.iterations`, a tag tags.x."
    return message


def _as_mlflow_run(record: RunRecord) -> SimpleNamespace:
    """What MLflow's matcher looks at, without a thousand of its entities."""
    return SimpleNamespace(
        info=SimpleNamespace(
            run_id=record.run_id,
            run_name=record.name,
            status=record.status,
            user_id=record.user,
            artifact_uri=record.artifact_uri,
            experiment_id=record.experiment_id,
            lifecycle_stage="active",
            start_time=int(record.started * 1000),
            end_time=None if record.ended is None else int(record.ended * 1000),
        ),
        data=record,
    )


def find_runs(text: str = "", limit: int = 100) -> list[RunRecord]:
    """The newest `limit` runs with a config that contain every word; those submitted elsewhere are among them."""
    words = text.lower().split()
    return [record for record in store.runs() if record.config_hash and _has_words(record, words)][:limit]


def find_id(text: str) -> str:
    """The id of the one run that `text` stands for: a whole id, or its first 8 characters or more.

    Raises RunNotFoundError, or LabError for what is no id and for a beginning that fits several runs.
    """
    text = text.strip().lower()
    if RUN_ID.fullmatch(text):
        store.stored_config(run_folder(text))
        return text
    if not PREFIX.fullmatch(text):
        raise LabError(
            f"{text[:60]!r} is no run id: that is 32 digits from 0-9 and a-f, of which the first 8 are enough."
        )
    found = [head.run_id for head in store.heads() if head.run_id.startswith(text)]
    if not found:
        raise RunNotFoundError(text)
    if len(found) > 1:
        raise LabError(f"{text!r} fits more than one run; write more of the id.")
    return found[0]


def reruns(source: RunRecord, limit: int = 100) -> list[RunRecord]:
    """Runs that repeat `source`, newest first: those started as its rerun, and others of the same config."""
    return [
        record
        for record in store.runs()
        if record.run_id != source.run_id
        and (
            record.tags.get(REPLAY_TAG) == source.run_id
            or (source.config_hash and record.config_hash == source.config_hash)
        )
    ][:limit]
