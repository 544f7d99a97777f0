"""Tells channels what they are to be told, each on a thread of its own: one that hangs holds up no other."""

from __future__ import annotations

import hashlib
import sys
import threading
import time
from collections.abc import Callable

from core.errors import LabError, RunNotFoundError, StoreError, sentence
from core.home import home
from core.jobs import events, notices, table
from core.jobs.database import reading, transaction
from core.jobs.events import Event
from core.jobs.looking_thread import LookingThread
from core.jobs.notices import DAY_S, SWEEP, TITLES, Notice
from core.jobs.sweeping import first_trial
from core.plain_text import traceback_of
from core.settings import Channel, settings
from core.watchers.channels import send
from core.watchers.message import Message

LOOK_S = 0.5


class Notifier(LookingThread):
    """Looks twice a second for notices that are due.

    Args:
        send: as `core.watchers.channels.send`.
    """

    def __init__(self, send: Callable[[Channel, Message, str | None], str] = send):
        super().__init__("notices", LOOK_S)
        self._send = send
        self._busy: dict[str, threading.Thread] = {}

    def look(self) -> None:
        """Have each channel that is due told, where nobody is at it. Raises StoreError."""
        with reading() as connection:
            waiting = notices.due(connection)
        for channel in dict.fromkeys(notice.channel for notice in waiting):
            if channel not in self._busy or not self._busy[channel].is_alive():
                theirs = [notice for notice in waiting if notice.channel == channel]
                self._busy[channel] = threading.Thread(target=self._tell, args=(theirs,), name="notice", daemon=True)
                self._busy[channel].start()

    def _tell(self, waiting: list[Notice]) -> None:
        for notice in waiting:
            if self._ended.is_set():
                return
            try:
                self._try(notice)
            except StoreError as error:  # what was claimed is taken up again after its lease
                self.say(notice.channel, str(error))
                return
            except Exception as error:  # a thread's error reaches nobody
                self.say(notice.channel, traceback_of(error))

    def _try(self, notice: Notice) -> None:
        with transaction() as connection:
            event = notices.event(connection, notice.event)
            if not notices.claim(connection, notice):
                return
        lab = settings()
        channel = next((one for one in lab.channels if one.name == notice.channel), None)
        if event is None:
            _settle(notice, "The run was deleted.")
        elif channel is None and notice.tries:
            _settle(notice, "The channel was taken out of the settings.")
        elif channel is None:
            _give_up(notice, event, f"Channel {notice.channel}, which is not set up, could not be told of this")
        else:
            try:
                said = self._send(channel, message_of(event, notice.channel), lab.time_zone)
            except LabError as error:
                self._refused(notice, event, sentence(error))
            except Exception as error:  # its words may hold what is secret
                self._refused(notice, event, f"It can't be told ({type(error).__name__}).")
            else:
                self._said.pop(notice.channel, None)
                _settle(notice, said)

    def _refused(self, notice: Notice, event: Event, why: str) -> None:
        self.say(notice.channel, f"channel {notice.channel}: {why}")
        if time.time() - notice.made > DAY_S:
            _give_up(notice, event, f"Channel {notice.channel} took no notice of this within a day. {why}")
        else:
            with events.acting_as("the watcher"), transaction() as connection:
                notices.put_off(connection, notice, why)
                if notices.first_said(connection, notice):
                    said = f"Channel {notice.channel} has not taken a notice yet, and is tried again for a day. {why}"
                    events.record(connection, event.run_id, "notice", why=said)


def message_of(event: Event, channel: str) -> Message:
    """What a channel is told of an event."""
    trial = None
    try:
        job = table.get(event.run_id)
        name, problem = job.name or event.run_id[:8], job.problem
    except RunNotFoundError:  # a sweep, or its row is lost
        trial = first_trial(event.run_id)
        name = (trial and trial.batch) or event.run_id[:8]
        problem = trial.problem if trial else "unknown"
    kind = event.after or event.kind
    title = f"Sweep {kind}" if event.kind == SWEEP else TITLES.get(kind, kind.capitalize())
    what = "Sweep" if trial or event.kind == SWEEP else "Run"
    why = f": {event.why}" if event.why else "."
    key = f"{event.run_id}/{event.id}/{event.time!r}/{channel}"
    return Message(
        id=hashlib.sha256(key.encode()).hexdigest()[:32],
        kind=kind,
        title=f"{title}: {name}",
        text=f"{what} {event.run_id[:8]} of {problem} {'' if event.kind == 'watcher' else kind + ' '}".rstrip() + why,
        time=event.time,
        machine=event.machine,
        run={"id": event.run_id, "name": name, "problem": problem},
    )


def _settle(notice: Notice, said: str) -> None:
    """Note that a notice is done with, however long the table is locked: it would be sent again."""
    while home().root.is_dir():
        try:
            with transaction() as connection:
                return notices.settle(connection, notice, said)
        except StoreError as error:
            print(error, file=sys.stderr, flush=True)
            time.sleep(1.0)


def _give_up(notice: Notice, event: Event, why: str) -> None:
    with events.acting_as("the watcher"), transaction() as connection:
        notices.settle(connection, notice, why)
        events.record(connection, event.run_id, "notice", why=f"{why.removesuffix('.')}: {event.why or event.after}")
