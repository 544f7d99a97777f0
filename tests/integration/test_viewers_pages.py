"""What viewers are offered: every page for them draws, and nothing on it leads to where they may not go."""

import pytest
from streamlit.util import calc_hash

from benchmarks.sample_store import fill
from core import people
from core.jobs import actions, waiting
from core.people import ADMIN, ROLES, RUNNER, VIEWER, NotAllowedError, Person
from core.tracking import store
from core.tracking.annotations import add_tag, bring_back
from pages.parts.people import rooms
from tests.integration.test_pages import PAGES, opened, texts

CLOSED = {calc_hash(address): address for address in rooms.FILES}
"""Streamlit's name of a page → its address."""
LAUNCHING = ("Launch", "Fill the Launch form", "Use in a run", "Restore", "Hold", "Edit", "Link")
"""How buttons begin that a viewer may not press."""
FOR_ALL = sorted({*PAGES, "pages/lab_system.py"} - {"pages/launch_runs.py"})


@pytest.fixture
def somebody(monkeypatch):
    """Sign somebody in with a role; the WebSocket that says who it is has no counterpart here."""

    def signed_in(role):
        who = Person("a1", "ada@lab.example", role)
        people.visitors_are(lambda: who)
        monkeypatch.setattr(rooms, "visitor", lambda: who)

    monkeypatch.setattr(actions, "refresh", waiting.settle)  # no courier
    yield signed_in
    people.visitors_are(None)


def links(app):
    """Addresses of the pages that take a role and that links on a page lead to."""
    return {CLOSED.get(item.proto.page_script_hash) for item in app.get("page_link")} - {None}


def offered(app):
    """Labels of the buttons that can be pressed."""
    return [item.label for item in app.button if not item.disabled]


@pytest.mark.parametrize("runs", [0, 3])
@pytest.mark.parametrize("path", FOR_ALL)
def test_nothing_on_a_viewers_page_leads_where_they_may_not_go(somebody, path, runs):
    fill(runs, points=20)
    run = {"run": store.runs()[0].run_id} if runs else {}
    somebody(VIEWER)
    app = opened(path, **run)
    assert not app.exception, app.exception
    assert links(app) == set()
    assert [label for label in offered(app) if label.startswith(LAUNCHING)] == []


@pytest.mark.parametrize("path", ["pages/watch_runs.py", "pages/compare_runs.py", "pages/sweep_runs.py",
                                  "pages/best_run.py", "pages/replay_run.py", "pages/data_sets.py",
                                  "pages/find_singularities.py", "pages/solution_3d.py"])  # fmt: skip
def test_a_runner_is_led_to_launch_from_every_empty_page(somebody, path):
    fill(0)
    somebody(RUNNER)
    assert "launch" in links(opened(path))


def test_system_leads_admins_alone_to_settings(somebody):
    found = {}
    for role in ROLES:
        somebody(role)
        found[role] = links(opened("pages/lab_system.py"))
    assert found == {VIEWER: set(), RUNNER: set(), ADMIN: {"settings"}}


def test_a_viewer_restores_nothing_that_was_deleted_in_mlflow(somebody):
    fill(1, points=20)
    (made_here,) = (record.run_id for record in store.runs())
    elsewhere = store.client().create_run(store.experiment_id()).info.run_id
    for run_id in (made_here, elsewhere):
        store.delete_run(run_id)
    somebody(VIEWER)
    for run_id in (made_here, elsewhere):
        app = opened("pages/watch_runs.py", run=run_id)
        assert "deleted in MLflow" in texts(app) and "Restore" not in offered(app)
    with pytest.raises(NotAllowedError, match="takes the role runner"):
        bring_back(elsewhere)
    somebody(RUNNER)
    app = opened("pages/watch_runs.py", run=elsewhere)
    next(item for item in app.button if item.label == "Restore").click().run()
    assert not app.exception and [record.run_id for record in store.runs()] == [elsewhere]


def test_tags_are_read_by_a_viewer_and_removed_by_a_runner(somebody):
    fill(1, points=20)
    (run_id,) = (record.run_id for record in store.runs())
    add_tag([run_id], "campaign", "n=1")
    for role, label in ((VIEWER, "Tags"), (RUNNER, "Tags, click one to remove it")):
        somebody(role)
        app = opened("pages/compare_runs.py", runs=f"{run_id[:12]}.0")
        next(item for item in app.button if item.label == "Notes and tags").click().run()
        tags = next(item for item in app.pills if item.label.startswith("Tags"))
        assert (tags.label, tags.disabled) == (label, role == VIEWER)
        assert "campaign" in tags.options[0]
