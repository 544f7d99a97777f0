"""The job table on PostgreSQL: one order of all changes, nothing twice, a server that is gone for a while."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.errors import StoreError
from core.home import home
from core.jobs import events, notices, table
from core.jobs.database import reading, transaction
from core.jobs.engines.contract import Slot
from core.presets import presets
from core.runs import run_folder

CONFIG = presets()["poisson2d-quick"].config


@pytest.fixture
def held(empty_database, monkeypatch):
    """Queued runs that nobody begins."""
    monkeypatch.setattr("core.jobs.actions.ensure", lambda: None)
    monkeypatch.setattr("core.jobs.engines.local.LocalEngine.ensure", lambda self: None)
    monkeypatch.setattr("core.jobs.sync.ensure_courier", lambda: None)

    def queue(count):
        for k in range(count):
            run_id = f"{k:032x}"
            run_folder(run_id).create(CONFIG)
            table.insert(run_id, CONFIG, "local")

    return queue


def test_the_table_of_a_fresh_database_is_made_by_one_of_many_who_come_at_once(empty_database):
    with ThreadPoolExecutor(6) as several:
        assert list(several.map(lambda _: table.find(), range(6))) == [[]] * 6
    assert not home().jobs_db.exists()


def test_each_waiting_run_is_claimed_once_by_workers_that_all_want_it(held):
    held(20)
    slot = Slot("cpu0", ("auto", "cpu"))

    def work(_):
        taken = []
        while (job := table.claim(slot)) is not None:
            taken.append(job.run_id)
        return taken

    with ThreadPoolExecutor(5) as several:
        taken = [run_id for some in several.map(work, range(5)) for run_id in some]
    assert sorted(taken) == [f"{k:032x}" for k in range(20)]
    with reading() as connection:
        assert [event.id for event in events.since(connection, 0)] == list(range(1, 41))


def test_a_change_that_fails_in_between_leaves_nothing(held):
    held(1)
    with pytest.raises(ZeroDivisionError), transaction() as connection:
        connection.execute("UPDATE jobs SET priority = 7")
        events.record(connection, f"{0:032x}", "moved", "1", "2")
        _ = 1 / 0
    assert table.get(f"{0:032x}").priority == 0
    assert table.newest_event() == 1


def test_a_board_is_one_moment_whatever_is_written_meanwhile(held):
    held(3)
    with reading() as connection:
        connection.execute("BEGIN")
        before = connection.execute("SELECT COUNT(*) FROM jobs").fetchone()[0]
        jobs_before = [row["run_id"] for row in connection.execute("SELECT run_id FROM jobs ORDER BY rowid")]
        writer = threading.Thread(target=table.insert, args=(f"{9:032x}", CONFIG, "local"))
        writer.start()
        writer.join()
        assert connection.execute("SELECT COUNT(*) FROM jobs").fetchone()[0] == before == len(jobs_before)
    assert len(table.find()) == before + 1


def test_rules_and_notices_are_kept_there(held):
    held(1)
    run_id = f"{0:032x}"
    with transaction() as connection:
        event = notices.fire(connection, run_id, 1, "r", "stalled", "no change", stop=True)
        assert notices.fire(connection, run_id, 1, "r", "stalled", "no change", stop=True) is None
        notices.add(connection, event, ["b", "a", "a"])
        assert notices.stops(connection) == [(run_id, 1)]
        notices.stop_asked(connection, run_id, 1)
        assert notices.stops(connection) == []
        due = notices.due(connection)
        assert [notice.channel for notice in due] == ["b", "a"]
        assert notices.claim(connection, due[0])
        assert not notices.claim(connection, due[0])
        notices.put_off(connection, due[1], "it refused")
        assert [(each.channel, each.count, each.why) for each in notices.refusing(connection)] == [
            ("a", 1, "it refused")
        ]
        notices.follow(connection, event)
        assert not notices.end_unfollowed(connection)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_is_gone_for_a_while_costs_a_line_and_nothing_else(postgres_server, held, how):
    held(2)
    assert len(table.find()) == 2
    postgres_server.stop(how)
    try:
        for ask in (table.find, lambda: table.claim(Slot("cpu0", ("cpu",)))):
            with pytest.raises(StoreError) as said:
                ask()
            assert "\n" not in str(said.value)
            assert "The lab's database postgresql://***@127.0.0.1" in str(said.value)
    finally:
        postgres_server.start()
    time.sleep(1.1)
    assert [job.state for job in table.find()] == ["queued", "queued"]
    assert table.claim(Slot("cpu0", ("auto", "cpu"))).run_id == f"{0:032x}"


def test_a_newer_table_is_refused_with_a_reason(held, monkeypatch):
    held(0)
    table.find()
    with transaction() as connection:
        connection.execute("UPDATE version SET number = 99")
    monkeypatch.setattr("core.jobs.database._made", set())
    with pytest.raises(StoreError, match="was made by a newer version of this program"):
        table.find()
