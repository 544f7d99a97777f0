"""The one door from jobs to the store: new runs are announced there, and it is told what runs and the job table know.

Nobody waits for the store but those who make a run: telling is done on a thread that is waited for a moment, and left
behind when the store does not answer. What it did not take is told again later, by whoever looks next. The store is
imported where it is told: MLflow takes two seconds, which a process that has not paid them leaves to the courier.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

from core.errors import ConfigError, LabError, RunNotFoundError, StoreError
from core.jobs import announced, table
from core.jobs.detached import ensure_courier
from core.jobs.job import RESTORING, Job
from core.runs import RunFolder, run_folder
from core.runs.folder import EVENTS

if TYPE_CHECKING:
    from core.config import RunConfig
    from core.datasets import Version

ANSWER_S = 60.0
"""Seconds that one who makes a run waits for the store; a file that is made anew on a slow machine takes twenty."""
MOMENT_S = 3.0
"""Seconds that a caller waits for a store that answered the last time."""
RETRY_S = 5.0
"""A store that refused is left alone for so long, twice that after the next refusal, and so on."""
MOST_DOUBLED = 2
FEW = 4
"""Runs of which a process that looks at jobs tells the store itself."""
FILES_S = 30.0
"""A run whose files were not taken is left alone for so long."""

Answer = TypeVar("Answer")

DELETED = "The run was deleted from the store; what it left is in its folder alone."

_refused_at = float("-inf")
"""When the store refused the last time; minus infinity when it took what it was told the last time."""
_refusals = 0
"""In a row."""
_resting: dict[str, float] = {}
"""Runs whose files were not taken, and when."""
_starting = threading.Lock()
_teller: threading.Thread | None = None
_began = 0.0
_gathered: ContextVar[set[str] | None] = ContextVar("gathered", default=None)
_elsewhere = False
"""The last run to be told was being told by another process."""


def announce(
    config: RunConfig, parent: str | None, tags: dict[str, str] | None, token: str, batch: str | None = None
) -> str:
    """A new run in the store; returns its id. Raises RunNotFoundError for a parent that is not there, StoreError.

    Args:
        config: the run.
        parent: run to file it under.
        tags: for the store.
        token: of `core.jobs.announced.announcing`.
        batch: name of the batch that it belongs to.
    """
    from core.tracking import store
    from core.tracking.tags import ANNOUNCED, BATCH

    tags = (tags or {}) | {ANNOUNCED: token} | ({BATCH: batch} if batch else {})
    return _answer(
        lambda: store.create_run(config, parent=parent, tags=tags),
        late=lambda run_id: tell_failed(run_id, "It was not waited for: the store took too long."),
    )


def tell_input(run_id: str, used: Version) -> None:
    """Note which version of a dataset a run uses. Raises StoreError."""
    from core.tracking import dataset_inputs

    _answer(lambda: dataset_inputs.log_input(run_id, used))


def tell_failed(run_id: str, reason: str) -> None:
    """Mark a run failed that never came into the job table, where the store takes it."""
    from core.tracking import store

    with suppress(StoreError):
        _answer(lambda: store.set_state(run_id, "failed", reason))


def settle_announced() -> None:
    """End the runs whose makers were killed before they were queued: in the store, and in the table where they can be.

    Waits for the store, so it is the courier's, on a thread of its own. Raises StoreError when it can't be asked.
    """
    from core.tracking import store
    from core.tracking.tags import ANNOUNCED, SWEEP

    for token in announced.left_behind():
        for run_id in _answer(lambda token=token: store.ids_tagged(ANNOUNCED, token)):
            if _job(run_id) is not None:
                continue
            _answer(lambda run_id=run_id: store.set_state(run_id, "failed", announced.KILLED))
            with suppress(ConfigError):  # half of one: the store's word remains
                if (reading := run_folder(run_id).config()) is not None:
                    ended = {"state": "failed", "reason": announced.KILLED, "ended": time.time()}
                    ended["sweep"] = run_folder(run_id).asked_tags().get(SWEEP)
                    table.insert(run_id, reading.config, "local", **ended)
        announced.forget(token)


def _answer(ask: Callable[[], Answer], late: Callable[[Answer], None] = lambda answer: None) -> Answer:
    """What the store answers. Raises StoreError when it takes longer than `ANSWER_S`.

    Each call to MLflow has a limit, but for a server that sends a byte now and then it never comes.

    Args:
        ask: asks it.
        late: takes an answer that came when nobody waited for it any more.
    """
    answer: Future[Answer] = Future()

    def fetch() -> None:
        try:
            found = ask()
        except BaseException as error:
            with suppress(InvalidStateError):
                answer.set_exception(error)
            return
        try:
            answer.set_result(found)
        except InvalidStateError:
            late(found)

    fetching = threading.Thread(target=fetch, name="store", daemon=True)
    fetching.start()
    try:
        wait([answer], ANSWER_S)
        if answer.cancel():
            raise StoreError(f"The MLflow store did not answer within {ANSWER_S:.0f} s.")
        return answer.result()
    except KeyboardInterrupt:
        if not answer.cancel() and answer.exception() is None:
            late(answer.result())
        fetching.join(MOMENT_S)
        raise


def tell_store(run_id: str, wait_s: float = MOMENT_S, *, leave: bool = True) -> None:
    """Have the store told what it does not know of a run: what waits in its outbox, its state and reason.

    A refusal is noted in the outbox and on stderr, and the job stays marked unsynced.

    Args:
        run_id: the run.
        wait_s: seconds to wait at most; a store that refused the last time is not waited for.
        leave: leave it to the courier where MLflow is not imported yet.
    """
    global _teller, _began
    if (gathered := _gathered.get()) is not None:
        gathered.add(run_id)
        return
    if leave and "mlflow" not in sys.modules:
        ensure_courier()
        return
    end = time.monotonic() + (wait_s if _refused_at == float("-inf") else 0.0)
    while True:
        with _starting:
            mine = not telling_for()
            if mine:
                if _rests(run_id):
                    return
                _teller = threading.Thread(target=_tell, args=(run_folder(run_id),), name="store", daemon=True)
                _began = time.monotonic()
                _teller.start()
            teller = _teller
        teller.join(max(0.0, end - time.monotonic()))
        if mine or time.monotonic() >= end:
            return


@contextmanager
def telling_together() -> Iterator[None]:
    """Within it nobody waits for the store: what there is to tell of many runs is left to the courier at the end."""
    token = _gathered.set(set())
    try:
        yield
    finally:
        gathered = _gathered.get()
        _gathered.reset(token)
        if gathered:
            ensure_courier()


def together() -> bool:
    """Whether this is inside of `telling_together`."""
    return _gathered.get() is not None


def tell_all(run_ids: Sequence[str]) -> None:
    """Have the store told of runs; of more than a few by the courier, so that no page waits for many."""
    if len(run_ids) > FEW:
        ensure_courier()
        return
    for run_id in run_ids:
        tell_store(run_id)


def told(run_id: str, wait_s: float) -> bool:
    """Whether the store knows all of an ended run, after waiting so many seconds at most.

    True in a process without MLflow, which waits for no store: the courier has it.
    """
    if "mlflow" not in sys.modules:
        return True
    if not table.get(run_id).synced:
        tell_store(run_id, wait_s)
    known = table.get(run_id).synced
    if not known:
        ensure_courier()  # this process may end now
    return known


def telling_for() -> float:
    """Seconds for which the store has been told something by this process and has not answered; 0 when it has."""
    return max(time.monotonic() - _began, 1e-9) if _teller is not None and _teller.is_alive() else 0.0


def told_elsewhere() -> bool:
    """Whether the last run that this process was to tell of was being told by another one."""
    return _elsewhere


def _rests(run_id: str) -> bool:
    now = time.monotonic()
    pause = RETRY_S * 2 ** min(max(0, _refusals - 1), MOST_DOUBLED)
    return now - _refused_at < pause or now - _resting.get(run_id, float("-inf")) < FILES_S


def _tell(folder: RunFolder) -> None:
    global _refused_at, _refusals, _elsewhere
    before, refused, left, alone = folder.outbox.trouble, "", "", True
    try:
        from core.tracking import store

        store.client()  # before the outbox is held: to import MLflow takes seconds, in which others may deliver
        with folder.outbox.delivering() as alone:
            _elsewhere = not alone
            left = _told(folder) if alone else ""
    except (LabError, OSError) as error:
        refused = str(error)
    except Exception as error:  # a thread's error reaches nobody: it is one more refusal
        refused = f"{type(error).__name__}: {error}"
    if refused:
        _refused_at, _refusals = time.monotonic(), _refusals + 1
    elif alone:
        _refused_at, _refusals = float("-inf"), 0
        _resting.pop(folder.run_id, None)
        if left:
            _resting[folder.run_id] = time.monotonic()
    if refused or alone:
        folder.outbox.note_trouble(refused or left)
    if (refused or left) not in ("", before):
        print(f"{folder.run_id}: not yet in the store: {refused or left}", file=sys.stderr, flush=True)
    if refused or left or not alone:
        ensure_courier()  # this process may never look again


def _told(folder: RunFolder) -> str:
    """Tell everything and mark the job so; why files could not be given, in one sentence. Raises StoreError."""
    from core.tracking import store

    run_id = folder.run_id
    back = folder.outbox.trouble == DELETED
    while True:
        job, length = _job(run_id), folder.events_length()
        try:
            if job is not None and job.bin_step == RESTORING:
                store.restore_run(run_id)
                table.update(run_id, only_if={"bin_step": RESTORING}, bin_step=None)
                continue
            over = job is not None and not (job.synced or job.active or (job.state == "queued" and not job.attempt))
            said: list[Job] = []

            def tell_state(job: Job | None = job, said: list[Job] = said) -> None:
                if job is not None and not job.synced and not said:  # people wait for it: it does not wait for files
                    store.set_state(run_id, job.state, job.reason, ended=job.ended)
                    said.append(job)

            left = store.deliver(folder, [(EVENTS, "")] if over else [], tell_state)
            if job is None or (job.synced and not back):
                return left
            if job.revision:
                left = store.tell_config(folder, job.revision) or left
            if not said:
                store.set_state(run_id, job.state, job.reason, ended=job.ended)
            if job.binned:
                store.delete_run(run_id)
        except RunNotFoundError:
            if job is None:
                return DELETED
            # there is nobody left to tell
            restoring = {"bin_step": None} if job.bin_step == RESTORING else {}
            table.update(run_id, only_if=_as_told(job), synced=1, **restoring)
            return "" if job.binned else DELETED
        if left and not job.binned:
            return left
        if table.update(run_id, only_if=_as_told(job), synced=1) and folder.events_length() == length:
            return left
        # The job was moved on meanwhile, and left more before that. Whoever did so may have told the newer state first
        # and marked it so: our older one then stands in the store, whatever the mark says.
        table.update(run_id, synced=0)


def _as_told(job: Job) -> dict[str, object]:
    return {name: getattr(job, name) for name in ("state", "reason", "attempt", "revision", "binned", "bin_step")}


def _job(run_id: str) -> Job | None:
    """The job; None where its row is lost, and what it left is delivered all the same."""
    try:
        return table.get(run_id)
    except RunNotFoundError:
        return None
