"""Two homes that share a database and no disk: what one has of a run, the other gets."""

import time

import pytest

from core import exchange, postgres
from core.data_folder import kept_copy, read
from core.datasets import current
from core.errors import LabError, StoreError
from core.home import home
from core.jobs import table
from core.jobs.engines.contract import Slot
from core.jobs.engines.local import LocalEngine
from core.jobs.retrying import Verdict
from core.jobs.state import settle
from core.presets import presets
from core.runs import run_folder

RUN, PARENT = "a" * 32, "b" * 32
CONFIG = presets()["poisson2d-quick"].config


@pytest.fixture
def at(empty_database, tmp_path, monkeypatch):
    """Go to one of two machines by its name."""

    def go(name):
        monkeypatch.setenv("LAB_HOME", str(tmp_path / name))
        monkeypatch.setattr("platform.node", lambda: name)
        home().ensure()
        return run_folder(RUN)

    monkeypatch.setattr(exchange, "_pulled", {})
    go("desk")
    table.find()
    return go


def stored(query, *values):
    """What the database answers."""
    with postgres.connected(home().database) as connection:
        return connection.execute(query, values).fetchall()


def test_a_run_begins_on_another_machine_with_all_that_it_needs(at):
    folder = at("desk")
    parent = run_folder(PARENT)
    parent.create(CONFIG)
    parent.checkpoints.mkdir()
    parent.best.write_bytes(b"weights" * 1000)
    config = CONFIG.model_copy(update={"parent": PARENT, "parent_checkpoint": "best"})
    folder.create(config)
    exchange.publish(folder)
    there = at("node")
    assert not there.exists
    exchange.fetch_inputs(there, config.hash)
    assert there.config().config == config
    assert run_folder(PARENT).best.read_bytes() == b"weights" * 1000


def test_its_dataset_comes_along_by_its_version(at):
    folder = at("desk")
    data = home().data / "u.csv"
    data.write_text("x,y,u\n0.5,0.5,1.0\n")
    version = current("u.csv").git_blob
    inverse = presets()["typed-darcy-inverse"].config
    problem = inverse.problem.model_copy(update={"dataset": "u.csv", "dataset_version": version})
    folder.create(inverse.model_copy(update={"problem": problem}))
    exchange.publish(folder)
    there = at("node")
    (home().data / "u.csv").write_text("another file of the same name")
    exchange.fetch_inputs(there, "")
    assert kept_copy(version).is_file()
    assert read("u.csv", version)[0] == b"x,y,u\n0.5,0.5,1.0\n"


def test_what_grows_is_pushed_by_its_increments_and_pulled_byte_by_byte(at):
    folder = at("node")
    folder.create(CONFIG)
    push, written = exchange.Push(folder), b""
    for k in range(5):
        with folder.history.open("ab") as file:
            file.write(bytes([k]) * 1000)
        written += bytes([k]) * 1000
        push.step()
        there = at("desk")
        assert exchange.pull(there)
        assert there.history.read_bytes() == written
        assert not exchange.pull(there)
        folder = at("node")
    starts = [row[0] for row in stored("SELECT start FROM parts WHERE name = 'history.arrows' ORDER BY start")]
    assert starts == [0, 1000, 2000, 3000, 4000]


def test_a_pusher_that_was_killed_goes_on_where_it_was(at):
    folder = at("node")
    folder.create(CONFIG)
    folder.history.write_bytes(b"a" * 100)
    exchange.Push(folder).step()
    with folder.history.open("ab") as file:
        file.write(b"b" * 50)
    exchange.Push(folder).step()
    there = at("desk")
    exchange.pull(there)
    assert there.history.read_bytes() == b"a" * 100 + b"b" * 50


def test_a_run_that_begins_anew_replaces_what_was_pulled(at):
    folder = at("node")
    folder.create(CONFIG)
    push = exchange.Push(folder)
    folder.history.write_bytes(b"first attempt" * 10)
    push.step()
    there = at("desk")
    exchange.pull(there)
    folder = at("node")
    folder.history.write_bytes(b"second")
    push.step()
    with folder.history.open("ab") as file:
        file.write(b" attempt, which is longer than the first one was" * 10)
    push.step()
    exchange.pull(at("desk"))
    assert there.history.read_bytes() == folder.history.read_bytes()


def test_checkpoints_are_replaced_whole_and_leave_nothing_behind(at):
    folder = at("node")
    folder.create(CONFIG)
    folder.checkpoints.mkdir()
    push = exchange.Push(folder)
    for k in range(3):
        folder.last.write_bytes(bytes([k]) * (exchange.CHUNK + 5))
        push.step()
    there = at("desk")
    exchange.pull(there)
    assert there.last.read_bytes() == bytes([2]) * (exchange.CHUNK + 5)
    assert stored("SELECT COUNT(*) FROM blobs WHERE LENGTH(content) > 1000000")[0][0] == 1
    with postgres.connected(home().database) as connection:
        exchange.forget(connection, RUN)
    for name in ("files", "parts", "blobs"):
        assert stored(f"SELECT COUNT(*) FROM {name}")[0][0] == 0


def test_a_changed_config_is_waited_for_and_a_missing_one_is_said(at):
    folder = at("desk")
    with pytest.raises(LabError, match="was launched on another machine"):
        exchange.fetch_inputs(folder, "")
    folder.create(CONFIG)
    exchange.publish(folder)
    there = at("node")
    with pytest.raises(StoreError, match="was changed, and the change is not here yet"):
        exchange.fetch_inputs(there, "0" * 64)


def test_names_that_lead_out_of_the_folder_are_refused(at):
    folder = at("node")
    folder.create(CONFIG)
    with postgres.connected(home().database) as connection:
        exchange.put(connection, RUN, "../../settings.yaml", b"evil: true")
    there = at("desk")
    with pytest.raises(StoreError, match="would lead out of its folder"):
        exchange.pull(there)
    assert not home().settings_file.exists()


def test_bytes_that_are_not_what_was_put_are_refused(at):
    folder = at("node")
    folder.create(CONFIG)
    exchange.Push(folder).step()
    with postgres.connected(home().database) as connection:
        connection.execute("UPDATE blobs SET content = ?", (b"damaged",))
    with pytest.raises(StoreError, match="other bytes than were put there"):
        exchange.pull(at("desk"))


def test_who_looks_pulls_what_changed_elsewhere_and_nothing_of_its_own(at):
    folder = at("node")
    folder.create(CONFIG)
    push = exchange.Push(folder)
    push.step()
    here = exchange.Pulling()
    assert here.look() == []
    at("desk")
    there = exchange.Pulling()
    assert there.look() == [RUN]
    at("node")
    folder.write_progress({"iteration": 7})
    push.step()
    at("desk")
    assert there.look() == [RUN]
    assert (run_folder(RUN).progress_file).read_text() == '{"iteration": 7}'


def test_nothing_is_pushed_where_machines_share_a_disk(at, monkeypatch, tmp_path):
    at("desk")
    monkeypatch.setenv("LAB_SHARED", str(tmp_path / "shared"))
    assert home().runs == tmp_path / "shared" / "runs"
    assert home().data == tmp_path / "shared" / "data"
    assert home().slots == home().root / "slots"
    folder = run_folder(RUN)
    folder.create(CONFIG)
    exchange.publish(folder)
    with exchange.pushing(folder):
        pass
    assert stored("SELECT COUNT(*) FROM files")[0][0] == 0


def test_an_attempt_that_another_one_replaced_pushes_nothing_more(at):
    folder = at("node")
    folder.create(CONFIG)
    table.insert(RUN, CONFIG, "local", state="running", attempt=1)
    push = exchange.Push(folder, 1)
    folder.history.write_bytes(b"first")
    push.step()
    table.update(RUN, attempt=2)
    folder.history.write_bytes(b"first and more")
    push.step()
    assert stored("SELECT SUM(LENGTH(content)) FROM parts")[0][0] == 5


def test_a_run_on_another_machine_lives_while_it_is_heard_of_and_is_given_up_after(at, monkeypatch):
    folder = at("node")
    folder.create(CONFIG)
    monkeypatch.setattr("core.jobs.state.tell_store", lambda run_id: None)
    table.insert(RUN, CONFIG, "local")
    assert table.claim(Slot("cpu0", ("auto", "cpu"))).machine == exchange.this_machine()
    exchange.Push(folder, 1).step()
    at("desk")
    assert LocalEngine().poll(RUN) == "alive"
    with postgres.connected(home().database) as connection:
        connection.execute("UPDATE files SET changed = changed - 1000")
    assert LocalEngine().poll(RUN) == "gone"
    monkeypatch.setattr("core.jobs.state.verdict", lambda job, crash: Verdict(False, ""))
    settle(table.get(RUN))
    job = table.get(RUN)
    assert job.state == "crashed"
    assert job.reason.startswith("Nothing was heard of machine node:")


def test_a_server_that_is_gone_while_a_run_trains_costs_no_figure(at, postgres_server):
    folder = at("node")
    folder.create(CONFIG)
    with exchange.pushing(folder):
        folder.history.write_bytes(b"a" * 10)
        postgres_server.stop()
        try:
            with folder.history.open("ab") as file:
                file.write(b"b" * 10)
            time.sleep(1.0)
        finally:
            postgres_server.start()
    at("desk")
    exchange.pull(run_folder(RUN))
    assert run_folder(RUN).history.read_bytes() == b"a" * 10 + b"b" * 10
