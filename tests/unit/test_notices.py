"""Rules that fire, whom they tell, and that each is told once, whoever is killed meanwhile."""

import os
import threading
import time

import pytest

from core import jobs
from core.config import RunConfig
from core.doctor import run_checks
from core.home import home
from core.jobs import actions, events, notices, notifying, table, troubles
from core.jobs.database import reading, transaction
from core.jobs.notifying import Notifier
from core.jobs.watching import Watching
from core.rules import Diverged, Failed, Finished, Stalled
from core.runs import run_folder
from core.runs.history import MAIN, HistoryWriter
from core.settings import Settings, Webhook, save
from core.watchers.trying import NotTakenError

RUN = "a" * 32


def settle_lab(*rules, channels=("ops", "chat")):
    made = tuple(Webhook(name=name, url=f"http://127.0.0.1:9/{name}") for name in channels)
    save(Settings(watch=rules, channels=made))


@pytest.fixture(autouse=True)
def no_other_processes(monkeypatch):
    monkeypatch.setattr(actions, "ensure", lambda: None)
    monkeypatch.setattr(actions, "ensure_courier", lambda: None)
    monkeypatch.setattr("core.jobs.sync.ensure_courier", lambda: None)


def begin(run_id=RUN, **fields):
    """A run that is at work, and the writer of its history."""
    config = RunConfig(problem={"kind": "poisson2d"}, device="cpu", name="night", **fields)
    folder = run_folder(run_id)
    home().ensure()
    folder.create(config)
    table.insert(run_id, config, "local", state="running", attempt=1, started=time.time(), slot="cpu", pid=os.getpid())
    return HistoryWriter(folder.history, ("pde",))


def add(writer, *losses):
    for loss in losses:
        writer.append(iteration=writer.rows + len(writer._buffer) + 1, stage=0, phase=MAIN, wall_time_s=1.0, loss=loss)
    writer.flush()


def told():
    """(kind of event, channel) of every notice."""
    with reading() as connection:
        rows = connection.execute(
            "SELECT after, channel FROM notices JOIN events ON events.id = event ORDER BY notices.id"
        ).fetchall()
    return [tuple(row) for row in rows]


def watchers_events():
    return [event for event in table.events_since(0) if event.kind == "watcher"]


class Post:
    """Takes messages, or refuses them."""

    def __init__(self, refuse=()):
        self.refuse, self.taken, self.tried = set(refuse), [], []

    def __call__(self, channel, message, zone):
        self.tried.append(channel.name)
        if channel.name in self.refuse:
            raise NotTakenError("It answers HTTP 500.")
        self.taken.append((channel.name, message))
        return "HTTP 200"


def deliver(post, notifier=None):
    """One look of the notifier, until all that it began is over."""
    notifier = notifier or Notifier(post)
    notifier.look()
    for thread in notifier._busy.values():
        thread.join()
    return notifier


def test_a_rule_fires_once_and_tells_all_channels():
    settle_lab(Diverged())
    writer = begin()
    add(writer, 1.0, 2.0)
    watching = Watching()
    watching.look()
    assert told() == []
    add(writer, 3.24e4, 4e4)
    watching.look()
    watching.look()
    Watching().look()  # another courier begins anew
    assert told() == [("diverged", "ops"), ("diverged", "chat")]
    (event,) = watchers_events()
    assert event.why == "The loss 3.2e4 is 32,400 times its best 1.0e0 at iteration 3."
    assert event.who == "the watcher"
    assert [e.kind for e in events.of_run(run_folder(RUN))] == ["submitted", "watcher"]
    post = Post()
    deliver(post)
    deliver(post)
    assert sorted(name for name, _ in post.taken) == ["chat", "ops"]
    message = post.taken[0][1]
    assert message.title == "Diverged: night" and "32,400 times" in message.text and message.run["id"] == RUN
    assert len({message.id for _, message in post.taken}) == 2
    assert not table.notices_wait()


def test_a_rule_may_stop_the_run_and_the_events_say_who_did():
    settle_lab(Diverged(stop=True, tell=("chat",)))
    writer = begin()
    add(writer, 1.0, float("nan"))
    Watching().look()
    job = table.get(RUN)
    assert (job.state, job.wanted) == ("stopping", "stop")
    assert told() == [("diverged", "chat")]
    assert "is stopped, with a checkpoint" in watchers_events()[0].why
    assert [(e.after, e.who) for e in table.events_since(0) if e.after == "stopping"] == [("stopping", "the watcher")]


def test_a_stop_that_a_killed_courier_did_not_ask_for_is_asked_for_by_the_next():
    settle_lab(Diverged(stop=True))
    writer = begin()
    add(writer, float("nan"))
    watching = Watching()
    watching._stop = lambda: None  # killed here
    watching.look()
    assert table.get(RUN).state == "running" and table.notices_wait()
    Watching().look()
    assert table.get(RUN).state == "stopping"
    assert len(watchers_events()) == 1


def test_a_stop_comes_too_late_for_a_run_that_ended_or_went_on_in_another_attempt():
    settle_lab(Diverged(stop=True))
    writer = begin()
    add(writer, float("nan"))
    watching = Watching()
    watching._stop = lambda: None
    watching.look()
    table.update(RUN, attempt=2)
    writer.truncate(0)
    Watching().look()
    assert table.get(RUN).state == "running"
    with reading() as connection:
        assert notices.stops(connection) == []


def test_a_runs_own_rules_and_the_ends_they_ask_for():
    settle_lab(Failed(tell=("ops",)))
    begin(watch=(Finished(tell=("chat",)), Diverged(tell=("nobody",))))
    table.update(RUN, state="finished", ended=time.time())
    Watching().look()
    assert told() == [("finished", "chat")]
    begin("b" * 32)
    table.update("b" * 32, state="crashed", reason="Its process was ended by SIGKILL.")
    watching = Watching()
    watching.look()
    watching.look()
    assert told() == [("finished", "chat"), ("crashed", "ops")]
    post = Post()
    deliver(post)
    assert {message.title for _, message in post.taken} == {"Finished: night", "Crashed: night"}
    assert any("SIGKILL" in message.text for _, message in post.taken)


def test_nobody_is_told_of_what_no_rule_asks_for():
    settle_lab()
    begin()
    for state in ("pausing", "paused", "queued", "running", "stopping", "stopped"):
        table.update(RUN, state=state)
    table.update(RUN, state="failed")
    table.update(RUN, event=("binned", ""), binned=1.0)
    Watching().look()
    assert told() == [] and not table.notices_wait()


def test_the_last_rows_of_a_run_that_ended_meanwhile_are_looked_at():
    settle_lab(Diverged(), Failed())
    add(begin(), 1.0, float("nan"))
    table.update(RUN, state="failed", reason="The loss became NaN.", ended=time.time())
    assert table.notices_wait()
    Watching().look()
    assert sorted(set(kind for kind, _ in told())) == ["diverged", "failed"]
    Watching().look()
    assert len(watchers_events()) == 1 and not table.get(RUN).wanted


def refuse(times, post=None):
    """So many tries of all notices, each refused."""
    for _ in range(times):
        deliver(post or Post(refuse={"ops", "chat"}))
        with transaction() as connection:
            connection.execute("UPDATE notices SET due = 0")


def test_a_channel_that_takes_nothing_is_said_once_and_as_long_as_it_is_so():
    settle_lab(Finished(tell=("ops",)))
    for run_id in (RUN, "b" * 32):
        begin(run_id)
        table.update(run_id, state="finished", ended=time.time())
    Watching().look()
    refuse(2)
    assert [event for event in table.events_since(0) if event.kind == "notice"] == []
    refuse(3)
    (event,) = [event for event in table.events_since(0) if event.kind == "notice"]
    assert event.why == ("Channel ops has not taken a notice yet, and is tried again for a day. It answers HTTP 500.")
    (line,) = troubles()
    assert line.startswith("Channel ops has not taken 2 notices since ") and "HTTP 500" in line
    found = run_checks.channels()
    assert not found.ok and "HTTP 500" in found.detail and "`python -m core notify 'ops'`" in found.remedy
    refuse(1, Post())
    assert troubles() == [] and run_checks.channels().ok


def test_a_channel_that_was_taken_away_is_no_news_and_one_that_never_was_is():
    settle_lab(Finished())
    begin(watch=(Finished(tell=("nobody", "ops")),))
    table.update(RUN, state="finished", ended=time.time())
    Watching().look()
    refuse(1)
    settle_lab(channels=())
    deliver(Post())
    assert not table.notices_wait() and troubles() == []
    said = [event.why for event in table.events_since(0) if event.kind == "notice"]
    assert said == []
    begin("b" * 32, watch=(Finished(tell=("nobody",)),))
    table.update("b" * 32, state="finished", ended=time.time())
    Watching().look()
    deliver(Post())
    (event,) = [event for event in table.events_since(0) if event.kind == "notice"]
    assert "Channel nobody, which is not set up" in event.why


def test_each_attempt_of_a_run_fires_by_itself():
    settle_lab(Diverged(tell=("ops",)))
    writer = begin()
    add(writer, 1.0, float("nan"))
    watching = Watching()
    watching.look()
    writer.truncate(1)
    table.update(RUN, attempt=2)
    watching.look()
    assert len(watchers_events()) == 1
    add(writer, float("nan"))
    watching.look()
    Watching().look()
    assert len(watchers_events()) == 2


def test_rules_that_come_while_a_run_is_active_hold_for_it():
    settle_lab()
    add(begin(), 1.0, 2e3)
    watching = Watching()
    watching.look()
    settle_lab(Diverged())
    watching.look()
    assert len(watchers_events()) == 1


@pytest.mark.parametrize("spoil", ["history", "config", "rules", "folder"])
def test_a_run_that_cant_be_watched_holds_up_no_other(spoil, capsys):
    settle_lab(Diverged(tell=("ops",)))
    begin()
    folder = run_folder(RUN)
    if spoil == "history":
        folder.history.write_bytes(b"\0" * 1000)
    elif spoil == "config":
        folder.file("config.json").write_text("{")
    elif spoil == "rules":
        folder.file("config.json").write_text('{"watch": [{"kind": "no"}], "problem": {}, "stages": 7, "lambda": []}')
    else:
        for path in folder.path.iterdir():
            path.unlink()
        folder.path.rmdir()
    add(begin("b" * 32), float("nan"))
    watching = Watching()
    watching.look()
    watching.look()
    assert [event.run_id for event in watchers_events()] == ["b" * 32]
    assert len(capsys.readouterr().err.splitlines()) <= 12


def test_a_channel_that_refuses_is_tried_again_later_and_holds_up_no_other(monkeypatch):
    now = [time.time()]
    monkeypatch.setattr(notices.time, "time", lambda: now[0])
    settle_lab(Finished())
    begin()
    table.update(RUN, state="finished")
    Watching().look()
    post = Post(refuse=["ops"])
    notifier = deliver(post)
    assert [name for name, _ in post.taken] == ["chat"]
    deliver(post, notifier)
    assert post.tried.count("ops") == 1  # not due yet
    for _ in range(3):
        now[0] += notices.LONGEST_S + 1
        deliver(post, notifier)
    assert post.tried.count("ops") == 4
    post.refuse.clear()
    now[0] += notices.LONGEST_S + 1
    deliver(post, notifier)
    assert sorted(name for name, _ in post.taken) == ["chat", "ops"] and not table.notices_wait()


def test_after_a_day_a_notice_is_given_up_and_an_event_says_so(monkeypatch):
    now = [time.time()]
    monkeypatch.setattr(notices.time, "time", lambda: now[0])
    settle_lab(Finished(), channels=("ops",))
    begin()
    table.update(RUN, state="finished")
    Watching().look()
    now[0] += notices.DAY_S + 1
    deliver(Post(refuse=["ops"]))
    assert not table.notices_wait(ends=False)
    (event,) = [event for event in table.events_since(0) if event.kind == "notice"]
    assert event.why.startswith("Channel ops took no notice of this within a day. It answers HTTP 500")


def test_a_clock_that_was_set_back_keeps_nobody_waiting(monkeypatch):
    settle_lab(Finished(), channels=("ops",))
    begin()
    table.update(RUN, state="finished")
    Watching().look()
    now = time.time() - 86_400
    monkeypatch.setattr(notices.time, "time", lambda: now)
    post = Post()
    deliver(post)
    assert len(post.taken) == 1


def test_a_channel_that_is_gone_and_an_event_that_is_gone():
    settle_lab(Finished())
    begin()
    table.update(RUN, state="finished")
    Watching().look()
    settle_lab(Finished(), channels=("chat",))
    post = Post()
    deliver(post)
    assert [name for name, _ in post.taken] == ["chat"]
    assert any(event.kind == "notice" and "ops" in event.why for event in table.events_since(0))
    begin("b" * 32)
    table.update("b" * 32, state="finished")
    Watching().look()
    with transaction() as connection:
        connection.execute("DELETE FROM events WHERE run_id = ?", ("b" * 32,))
    deliver(post)
    assert len(post.taken) == 1 and not table.notices_wait()


def test_a_sender_that_was_killed_is_followed_by_one_that_sends_the_same_id(monkeypatch):
    settle_lab(Finished(), channels=("ops",))
    begin()
    table.update(RUN, state="finished")
    Watching().look()
    first, second = Post(), Post()
    with monkeypatch.context() as patch:
        patch.setattr(notifying, "_settle", lambda notice, said: None)  # killed here
        deliver(first)
    deliver(second)
    assert second.taken == []  # its lease holds
    now = time.time() + notices.LEASE_S + 1
    monkeypatch.setattr(notices.time, "time", lambda: now)
    deliver(second)
    assert [m.id for _, m in first.taken] == [m.id for _, m in second.taken]


def test_two_senders_send_once():
    settle_lab(Finished(), channels=("ops",))
    begin()
    table.update(RUN, state="finished")
    Watching().look()
    post = Post()
    with reading() as connection:
        waiting = notices.due(connection)
    senders = [threading.Thread(target=Notifier(post)._tell, args=(waiting,)) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert len(post.taken) == 1


def test_a_channel_that_hangs_holds_up_no_other():
    settle_lab(Finished())
    begin()
    table.update(RUN, state="finished")
    Watching().look()
    free, taken = threading.Event(), threading.Event()

    def hangs(channel, message, zone):
        if channel.name == "ops":
            assert free.wait(30)
        else:
            taken.set()
        return "yes"

    notifier = Notifier(hangs)
    notifier.look()
    assert taken.wait(30)
    notifier.look()
    free.set()
    for thread in notifier._busy.values():
        thread.join()
    assert not table.notices_wait()


def test_what_happened_while_nobody_followed_is_told_but_not_what_is_old():
    settle_lab(Finished(), channels=("ops",))
    for k, run_id in enumerate(("a" * 32, "b" * 32)):
        begin(run_id)
        table.update(run_id, state="finished")
        with transaction() as connection:
            connection.execute("UPDATE events SET time = time - ? WHERE run_id = ?", (90_000 * k, run_id))
    Watching().look()
    assert len(told()) == 1


def test_jobs_that_were_hardly_looked_at_need_no_courier():
    settle_lab(Stalled(), channels=())
    begin()
    table.update(RUN, state="finished")
    assert table.notices_wait() and not table.notices_wait(ends=False)
    assert jobs.queue()[0].state == "finished"
