"""What state a run is in once its process is gone, and bringing the table up to date with it."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.jobs import events, table
from core.jobs.death import evidence, evidence_away
from core.jobs.detached import ensure_courier
from core.jobs.engines.contract import Engine
from core.jobs.job import Job
from core.jobs.process import boot_id, sweep
from core.jobs.retrying import Crash, begun, cause_of, verdict
from core.jobs.sync import tell_all, tell_store
from core.runs.states import ACTIVE

ASKED = {"stop": "stopped", "pause": "paused"}
"""What was wanted → the state it leads to."""

BY_REQUEST = (None, -signal.SIGTERM, -signal.SIGKILL)
"""Return codes of a process that ended because it was told to; None when nobody saw it end."""


@dataclass(frozen=True)
class Away:
    """What is known of an attempt's end on another machine."""

    why: str = ""
    """What its engine says, in sentences."""
    lost: bool = False
    """It ended through no fault of its own: its node is gone, its engine has lost it."""


def outcome(
    job: Job, record: dict[str, Any] | None, boot: str, returncode: int | None = None, evidence: str = ""
) -> tuple[str, str]:
    """(state, reason) of an attempt whose process is gone. The one place where this is decided.

    Args:
        job: its row while it was at work.
        record: what the run said itself (`exit.json` of this attempt); it counts before everything else.
        boot: the machine's present boot.
        returncode: as of `subprocess`, where somebody saw the process end.
        evidence: what is known of the death of a process that said nothing (`core.jobs.death.evidence`).
    """
    if record is not None:
        return record["state"], record["reason"]
    if job.elsewhere:
        return "crashed", (
            f"Nothing was heard of machine {job.machine} for ten minutes. Resume continues from its last checkpoint."
        )
    rebooted = _rebooted(job, boot)
    if job.wanted and returncode in BY_REQUEST:
        if job.killed:
            reason = "It did not answer in time and was killed; the last checkpoint it had written is kept."
        elif rebooted:
            reason = "The machine was restarted before it could answer; the last checkpoint it had written is kept."
        else:
            reason = "It ended before it could write another checkpoint."
        return ASKED[job.wanted], reason
    if rebooted:
        return "crashed", "The machine was restarted while it ran. Resume continues from its last checkpoint."
    if returncode is not None and returncode < 0:
        reason = f"Its process was ended by {_signal_name(-returncode)}."
    elif returncode is not None:
        reason = f"Its process ended with exit code {returncode} and no word; its log may tell why."
    else:
        reason = "Its process is gone." if evidence else "Its process vanished without a word."
    return "crashed", f"{reason} {evidence}".rstrip()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"  # real-time signals have no names


def settle(job: Job, returncode: int | None = None, away: Away | None = None) -> None:
    """Write down how an attempt ended whose process is gone, end what it left behind, and tell the store.

    One that crashed is queued again where it may try again by itself (`core.jobs.retrying`).

    Args:
        job: its row while it was at work.
        returncode: as of `subprocess`, where somebody saw the process end.
        away: what its engine says, where it was on another machine, which ends what is left there.
    """
    folder = job.folder
    if away is None:
        sweep(folder.path, job.attempt)  # before the job can be queued again
    now = table.get(job.run_id)
    word = folder.exit(job.attempt)
    if away is None:
        signs = "" if word else evidence(now, returncode)
    else:
        signs = " ".join(filter(None, (away.why, "" if word else evidence_away(now))))
    state, reason = outcome(now, word, boot_id(), returncode, signs)
    if state == "crashed":
        lost = away is not None and away.lost
        cause = cause_of(returncode, signs, rebooted=_rebooted(now, boot_id()), lost=lost)
        changed = _crashed(now, reason, cause)
        if not changed and table.get(job.run_id).wanted != now.wanted:
            settle(job, returncode, away)  # somebody asked for its end meanwhile
            return
    else:
        changed = conclude(job.run_id, job.attempt, state, reason)
    if changed:
        tell_store(job.run_id)


def _crashed(job: Job, reason: str, cause: str) -> bool:
    """Note the crash of an attempt, and queue it again where it tries by itself; one of all who see it does so."""
    crash = Crash.of(job, cause)
    found = verdict(job, crash)
    reason = f"{reason} {found.why}".rstrip()
    only_if = {"attempt": job.attempt, "state": ACTIVE, "wanted": job.wanted}
    fields = {"reason": reason, "wanted": None, "engine_word": "", "crash": crash.written(), "synced": 0}
    if not found.again:
        return table.update(job.run_id, only_if=only_if, state="crashed", ended=time.time(), **fields)
    queued = table.update(
        job.run_id,
        only_if=only_if,
        event=("retry", reason),
        state="queued",
        queued=time.time(),
        due=found.due,
        retries=job.retries + 1,
        fresh=int(not begun(job)),
        engine="local",
        requested=None,
        terminated=None,
        killed=None,
        **fields,
    )
    if queued:
        ensure_courier()  # somebody must start it then, whoever looks
    return queued


def _rebooted(job: Job, boot: str) -> bool:
    return job.boot is not None and job.boot != boot


def conclude(run_id: str, attempt: int, state: str, reason: str) -> bool:
    """End an attempt in the table; False when it had ended already."""
    return table.update(
        run_id,
        only_if={"attempt": attempt, "state": ACTIVE},
        state=state,
        reason=reason,
        ended=time.time(),
        wanted=None,
        engine_word="",
        synced=0,
    )


def requeue(job: Job) -> None:
    """Put back a job that was claimed and never began; one that was to stop or pause is where it was to go."""
    state = ASKED.get(job.wanted or "", "queued")
    ended = None if state == "queued" else time.time()
    table.update(
        job.run_id,
        only_if={"attempt": job.attempt, "state": job.state, "wanted": job.wanted, "pid": None},
        state=state,
        ended=ended,
        wanted=None,
        slot=None,
        synced=0,
    )


def reconcile(engines: Mapping[str, Engine]) -> None:
    """Settle every job that should have a process and has none; tell the store what it does not know.

    What is found here nobody did: its events are put down to the part of the program that looked, never to a visitor.
    """
    with events.acting_as(events.process_name()):
        _reconcile(engines)


def _reconcile(engines: Mapping[str, Engine]) -> None:
    for job in table.unsettled():
        if job.active:
            engine = engines.get(job.engine)
            if engine is None:
                continue  # a cluster has it: the courier looks after those (`core.jobs.engines.tending`)
            seen = engine.poll(job.run_id)
            if seen == "gone":
                settle(job)
            elif seen == "unstarted":
                requeue(job)
            elif job.wanted:
                engine.stop(job.run_id, job.grace)
    tell_all([job.run_id for job in table.unsettled() if not job.synced])
