"""Clusters on System, Launch and in commands, with an engine whose server is gone: nobody waits for it."""

import time

import pytest
import yaml

from core import jobs
from core.config import override
from core.errors import LabError
from core.home import home
from core.jobs import actions, table, waiting
from core.jobs.death import heartbeat
from core.jobs.engines import kept_view
from core.jobs.engines.contract import Node, View
from core.presets import resolve
from tests.clusters.slurm import free_port
from tests.integration.test_pages import opened, texts

NODES = (Node("n1", True, 4, 1, 16.0, "idle", "a100"), Node("n2", False, 4, 0, 16.0, "down*"))


@pytest.fixture
def clustered(monkeypatch):
    """A lab with a Ray cluster that was seen once and does not answer now."""
    monkeypatch.setattr(actions, "refresh", waiting.settle)  # no courier
    home().ensure()
    engine = {"kind": "ray", "name": "desks", "address": f"http://127.0.0.1:{free_port()}"}
    home().settings_file.write_text(yaml.safe_dump({"engines": [engine]}))
    kept_view.keep("desks", View(NODES, {}, "2.60.0"))


def submit(**options):
    return jobs.submit(override(resolve("poisson2d-quick"), []), **options)


def test_slots_are_those_of_the_nodes_that_are_up(clustered):
    there = [slot for slot in jobs.capacity() if slot.engine == "desks"]
    assert [slot.name for slot in there] == ["desks/n1/gpu0", "desks/n1/cpu0", "desks/n1/cpu1", "desks/n1/cpu2"]
    assert there[0].serves("auto") and there[0].serves("cuda") and not there[0].serves("cuda:0")
    assert there[1].serves("cpu") and not there[1].serves("auto")


def test_a_run_waits_for_its_own_engine_and_no_slot_of_this_machine_takes_it(clustered):
    run_id = submit(engine="desks")
    job = table.get(run_id)
    local = next(slot for slot in jobs.capacity() if slot.engine == "local")
    assert (job.asked_engine, table.claim(local)) == ("desks", None)
    assert table.ready_devices() == []
    assert jobs.waits_because(job, jobs.capacity()) == "for a free slot of desks"
    kept_view.keep("desks", None, "Ray does not answer: Connection refused.")
    assert "Connection refused" in jobs.waits_because(job, jobs.capacity())
    anywhere = submit(engine="auto")
    assert table.claim(local).run_id == anywhere
    with pytest.raises(LabError, match="There is no engine 'cloud'; there are local, auto, desks"):
        submit(engine="cloud")
    assert table.claim_for("desks", lambda device, asked: asked).run_id == run_id
    assert table.get(run_id).engine == "desks"


def test_launch_asks_where_and_says_when_it_starts(clustered):
    app = opened("pages/launch_runs.py")
    where = next(item for item in app.selectbox if item.label == "Where")
    assert where.options == ["this machine", "desks", "the first that is free"]
    where.set_value("desks").run()
    assert "A slot is free" in texts(app)
    kept_view.keep("desks", None, "Ray at http://10.0.0.5:8265 does not answer: Connection refused.")
    app.run()
    assert "once desks can be asked" in texts(app)
    next(item for item in app.button if item.label == "Launch").click().run()
    assert [job.asked_engine for job in table.find(("queued",))] == ["desks"]


def test_system_shows_engines_their_nodes_and_their_own_state(clustered):
    run_id = submit(engine="desks")
    table.claim_for("desks", lambda device, asked: True)
    table.update(run_id, engine_word="pending: Resources")
    app = opened("pages/lab_system.py")
    assert not app.exception, app.exception
    shown = texts(app)
    assert "desks" in shown and "pending\\: Resources" in shown
    assert any(list(item.value.get("Node", ())) == ["n1", "n2"] for item in app.dataframe)


def test_commands_say_how_engines_are_and_take_one(clustered, command_line):
    done = command_line("engines")
    assert done.returncode == 2
    assert "does not answer" in done.stderr and "Traceback" not in done.stderr
    assert "does not answer" in command_line("status").stderr
    run_id = command_line("submit", "poisson2d-quick", "--engine", "desks").stdout.strip()
    assert table.get(run_id).asked_engine == "desks"
    refused = command_line("submit", "poisson2d-quick", "--engine", "nothing")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert command_line("engines", "nothing").returncode == 2


def test_an_engine_that_is_taken_out_of_the_settings_leaves_no_run_unseen(clustered):
    submit(engine="desks")
    table.claim_for("desks", lambda device, asked: True)
    home().settings_file.write_text("{}\n")
    home().kept_settings.unlink(missing_ok=True)
    assert any("desks has 1 run and is in the settings no more" in line for line in jobs.troubles())
    actions.ensure()
    assert table.find(("running",))[0].engine == "desks"


def test_a_run_that_is_silent_while_its_engine_can_not_be_asked_is_said(clustered):
    runs = [submit(engine="desks") for _ in range(2)]
    for run_id in runs:
        table.claim_for("desks", lambda device, asked: True)
        table.update(run_id, started=time.time(), engine_word="")
    kept_view.keep("desks", None, "Ray does not answer: Connection refused.")
    assert any(line.endswith("Connection refused. Its runs go on; others wait.") for line in jobs.troubles())
    job = table.get(runs[0])
    beat = heartbeat(job.attempt, job.folder.path)
    job.folder.beat(beat | {"time": time.time() - 60})
    assert any("1 of its 2 runs gave no sign of life for the last 30 s" in line for line in jobs.troubles())
    job.folder.beat(beat | {"time": time.time()})
    assert not any("no sign of life" in line for line in jobs.troubles())


def test_a_waiting_run_is_sent_elsewhere(clustered, command_line):
    run_id = submit(engine="desks")
    assert command_line("send", run_id, "local").returncode == 0
    assert table.get(run_id).asked_engine == "local"
    assert "There is no engine 'cloud'" in command_line("send", run_id, "cloud").stderr
    local = next(slot for slot in jobs.capacity() if slot.engine == "local")
    assert table.claim(local).run_id == run_id
    assert "does not wait" in command_line("send", run_id, "desks").stderr
