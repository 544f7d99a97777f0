"""Clusters on the Settings page: added, changed, tried, removed; what is wrong stands beside its field."""

import socket
import time

import pytest

from core import jobs
from core.background import Background
from core.cluster_settings import RayEngine, SlurmEngine
from core.config import override
from core.jobs import actions, table, waiting
from core.jobs.engines import kept_view
from core.jobs.engines.contract import Node, View
from core.jobs.engines.states import look_at
from core.presets import resolve
from core.settings import Settings, save, settings, text
from pages.parts.shared import engine_state
from tests.clusters.slurm import free_port
from tests.integration.test_pages import texts
from tests.integration.test_settings_page import button, field, page
from tests.stand_in import until

COMMON = ["Name", "GPUs of each run", "Cores of each run", "Memory of each run (GB)", "Most runs at a time",
          "Lab home there", "Program there", "Python there"]  # fmt: skip
OWN = {
    "slurm": ["Partition", "Account", "Constraint", "Time limit (hours)", "slurm.conf"],
    "ray": ["Address", "Token file", "Labels of nodes"],
}
WIDGETS = ("text_input", "number_input", "text_area")


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """Who asks the clusters of the settings on a thread; no test's thread writes into the next one's lab home."""
    looks = Background(lambda say: look_at())
    monkeypatch.setattr(engine_state, "_looks", looks)
    monkeypatch.setattr(actions, "refresh", waiting.settle)  # no courier
    yield looks
    until(lambda: not looks.ask().busy)


@pytest.fixture
def silent():
    """A port that takes connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def desks(port=None):
    return RayEngine(name="desks", address=f"http://127.0.0.1:{port or free_port()}")


def add(app, kind):
    next(item for item in app.pills if item.label == "Add a cluster").set_value(kind).run()


def tried(app):
    """The page once a trial has its answer."""
    end = time.monotonic() + 60
    while "It is being asked" in texts(app) and time.monotonic() < end:
        time.sleep(0.1)
        app.run()
    assert not app.exception, app.exception
    return " ".join(item.value for kind in ("success", "warning", "error") for item in app.get(kind))


@pytest.mark.parametrize("kind", OWN)
def test_every_field_of_a_cluster_is_there_with_what_it_is_about(kind):
    app = page()
    add(app, kind)
    for label in COMMON + OWN[kind]:
        found = next(item for kind in WIDGETS for item in app.get(kind) if item.label == label)
        assert found.help, label
    model = {"slurm": SlurmEngine, "ray": RayEngine}[kind]
    assert len(COMMON + OWN[kind]) == len(model.model_fields) - 1  # its kind is what was added


def test_a_cluster_is_added_changed_and_removed():
    app = page()
    add(app, "ray")
    assert button(app, "Save").disabled and button(app, "Try").disabled
    assert "engines.0.address" in texts(app)
    field(app, "text_input", "Name").set_value("desks").run()
    field(app, "text_input", "Address").set_value("http://10.0.0.5:8265").run()
    field(app, "text_input", "Memory of each run (GB)").set_value("16").run()
    field(app, "text_area", "Labels of nodes").set_value("lab.io/site=a,b\nlab.io/rack=3").run()
    field(app, "selectbox", "Where runs go").set_value("desks").run()
    button(app, "Save").click().run()
    assert not app.exception and not app.error
    (saved,) = settings().engines
    assert saved == RayEngine(
        name="desks", address="http://10.0.0.5:8265", memory_gb=16, labels=("lab.io/site=a,b", "lab.io/rack=3")
    )
    assert settings().engine == "desks"
    again = page()
    field(again, "number_input", "Cores of each run").set_value(4).run()
    button(again, "Save").click().run()
    assert settings().engines == (saved.model_copy(update={"cpus_per_run": 4}),)
    button(again, "Remove desks").click().run()
    assert "there is no engine 'desks'" in texts(again) and button(again, "Save").disabled
    field(again, "selectbox", "Where runs go").set_value("local").run()
    button(again, "Save").click().run()
    assert settings() == Settings()


def test_what_is_wrong_stands_beside_its_field_and_the_rest_is_kept():
    save(Settings(engines=(desks(),), slots={"cpu": 2}))
    app = page()
    field(app, "number_input", "Runs at a time on the CPU").set_value(3).run()
    field(app, "text_input", "Memory of each run (GB)").set_value("much").run()
    field(app, "text_area", "Labels of nodes").set_value("lab.io/site=a\nsite").run()
    shown = texts(app).replace("\\", "")
    assert shown.count("engines.0.memory_gb: 'much' is not allowed") == 2  # beside it, and beside Save
    assert shown.count("engines.0.labels.1: it should be a label such as") == 1
    assert button(app, "Save").disabled and button(app, "Try").disabled
    assert field(app, "text_input", "Memory of each run (GB)").value == "much"
    assert field(app, "number_input", "Runs at a time on the CPU").value == 3
    add(app, "slurm")
    field(app, "text_input", "Memory of each run (GB)").set_value("16").run()
    field(app, "text_area", "Labels of nodes").set_value("lab.io/site=a").run()
    assert not button(app, "Save").disabled
    [item for item in app.text_input if item.label == "Name"][1].set_value("desks").run()
    assert "'desks' stands twice" in texts(app) and button(app, "Save").disabled


def test_a_second_cluster_leaves_the_first_as_it_was_and_one_is_removed_from_between():
    engines = (desks(), SlurmEngine(name="hall", partition="gpu"), SlurmEngine(name="night", hours=8))
    save(Settings(engines=engines))
    app = page()
    button(app, "Remove hall").click().run()
    button(app, "Save").click().run()
    assert settings().engines == (engines[0], engines[2])


def test_how_a_cluster_was_seen_last_is_shown_while_it_is_asked(asked, silent):
    save(Settings(engines=(desks(silent), SlurmEngine(name="hall"))))
    kept_view.keep("desks", View((Node("n1", True, 4, 1, 16.0, "idle"),), {}, "2.60.0"))
    kept_view.keep("hall", None, "SLURM's sinfo gave no answer within 30 s.")
    app = page()
    assert asked.ask().busy  # no page waits for an answer
    assert "1 node, 1 GPU, 4 slots" in texts(app)
    assert any("gave no answer" in item.value for item in app.error)


def test_no_cluster_is_removed_while_runs_of_the_lab_are_on_it():
    save(Settings(engines=(desks(),)))
    waits = jobs.submit(override(resolve("poisson2d-quick"), []), engine="desks")
    app = page()
    assert "Runs that wait for it: 1" in texts(app) and not button(app, "Remove desks").disabled
    table.claim_for("desks", lambda device, asked: asked)
    app = page()
    assert "It has 1 run" in texts(app) and button(app, "Remove desks").disabled
    field(app, "text_input", "Name").set_value("benches").run()
    before = text()
    button(app, "Save").click().run()
    assert any("desks has 1 run" in item.value for item in app.warning)
    assert text() == before
    assert field(app, "text_input", "Name").value == "benches"
    assert table.get(waits).engine == "desks"


def test_a_cluster_that_does_not_answer_is_tried_without_being_saved():
    app = page()
    add(app, "ray")
    field(app, "text_input", "Address").set_value(f"http://127.0.0.1:{free_port()}").run()
    button(app, "Try").click().run()
    assert "does not answer" in tried(app)
    assert not settings().engines and kept_view.kept_view("ray") is None
    field(app, "text_input", "Address").set_value("http://127.0.0.1:1").run()
    assert "does not answer" not in texts(app)  # that was said of another address


def test_nobody_waits_for_a_trial(silent):
    app = page()
    add(app, "ray")
    field(app, "text_input", "Address").set_value(f"http://127.0.0.1:{silent}").run()
    button(app, "Try").click().run()
    assert "It is being asked" in texts(app) and button(app, "Try").disabled
    field(app, "number_input", "Cores of each run").set_value(2).run()
    assert "It is being asked" not in texts(app) and not button(app, "Try").disabled


@pytest.mark.clusters
def test_a_real_cluster_is_tried(slurm_cluster):
    slurm_cluster.mend()
    app = page()
    add(app, "slurm")
    field(app, "text_input", "slurm.conf").set_value(str(slurm_cluster.conf)).run()
    button(app, "Try").click().run()
    assert "2 nodes, 0 GPUs, 4 slots" in tried(app)
    field(app, "text_input", "Partition").set_value("nowhere").run()
    button(app, "Try").click().run()
    assert "Is there a partition nowhere?" in tried(app)
