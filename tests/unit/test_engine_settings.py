"""Clusters in the lab's settings: what is refused field by field, saving while runs are on one, trying one."""

import http.server
import threading
import time

import pytest
from pydantic import ValidationError

from core import jobs, people
from core.config import override
from core.errors import ConfigError, LabError
from core.home import home
from core.jobs import actions, table, waiting
from core.jobs.engines.saving import save_settings
from core.jobs.engines.trying import begin_trial
from core.people import ADMIN, RUNNER, NotAllowedError, Person
from core.presets import resolve
from core.settings import Settings, faults, save, settings, text
from tests.clusters.slurm import free_port

DESKS = {"kind": "ray", "name": "desks", "address": "http://10.0.0.5:8265"}
HALL = {"kind": "slurm", "name": "hall"}


def answer(data):
    """(what was found, why it could not be asked) of a trial."""
    trial = begin_trial(data)
    while (known := trial.ask()).busy:
        time.sleep(0.005)
    return known.value, known.error


@pytest.fixture
def at_desks(lab_home, monkeypatch):
    """A lab whose only run is on a cluster."""
    monkeypatch.setattr(actions, "refresh", waiting.settle)  # no courier
    home().ensure()
    save(Settings(engines=(DESKS, HALL)))
    run_id = jobs.submit(override(resolve("poisson2d-quick"), []), engine="desks")
    table.claim_for("desks", lambda device, asked: asked)
    return run_id


# -- fields -------------------------------------------------------------------------------------------------------

WRONG = [
    ({"engines": [DESKS | {"name": "Desks!"}]}, ("engines", 0, "name"), "small letters"),
    ({"engines": [DESKS, HALL | {"name": "desks"}]}, ("engines", 1, "name"), "'desks' stands twice"),
    ({"engines": [HALL | {"name": "local"}]}, ("engines", 0, "name"), "means something already"),
    ({"engines": [HALL | {"name": "inline"}]}, ("engines", 0, "name"), "means something already"),
    ({"engines": [HALL], "engine": "desks"}, ("engine",), "there is no engine 'desks'"),
    ({"engines": [HALL | {"hours": 0}]}, ("engines", 0, "hours"), "greater than 0"),
    ({"engines": [HALL | {"conf": "slurm.conf"}]}, ("engines", 0, "conf"), "a path from the root on"),
    ({"engines": [HALL | {"address": "http://x"}]}, ("engines", 0, "address"), "no such field"),
    ({"engines": [DESKS | {"gpus_per_run": 0}]}, ("engines", 0, "gpus_per_run"), "greater than or equal to 1"),
    ({"engines": [DESKS | {"labels": ["a=1", "b"]}]}, ("engines", 0, "labels", 1), "a label such as"),
    ({"watch": [{"kind": "diverged", "tell": ["ops"]}]}, ("watch", 0, "tell"), "there is no channel 'ops'"),
    *(
        ({"engines": [DESKS | {"address": address}]}, ("engines", 0, "address"), "and a host")
        for address in ("", "head:8265", "http://head:99999", "http://head:x", "http://[::1", "http:///x",
                        "http://me:secret@head:8265", "http://head:8265?x=1", "http://head:8265#x")
    ),
]  # fmt: skip


@pytest.mark.parametrize("data, path, words", WRONG)
def test_what_is_wrong_is_said_of_its_field(data, path, words):
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(data)
    said = dict(faults(refused.value))
    assert list(said) == [path]
    assert words in said[path] and "\n" not in said[path] and "secret" not in said[path]


def test_all_that_names_say_wrong_is_said_at_once():
    data = {"engines": [HALL, HALL], "engine": "nowhere", "watch": [{"kind": "diverged", "tell": ["ops"]}]}
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(data)
    assert {path for path, _ in faults(refused.value)} == {("engines", 1, "name"), ("engine",), ("watch", 0, "tell")}


@pytest.mark.parametrize("address", ["http://head:8265", "https://ray.lab.example/desks", "http://[fd00::5]:8265"])
def test_addresses_that_are_some_are_taken(address):
    assert Settings.model_validate({"engines": [DESKS | {"address": address}]}).engines[0].address == address


# -- saving -------------------------------------------------------------------------------------------------------


def test_no_cluster_goes_while_it_has_runs_and_another_may(at_desks):
    before = text()
    for chosen in (
        Settings(engines=(HALL,)),
        Settings(engines=(DESKS | {"name": "benches"}, HALL)),
        Settings(engines=({"kind": "slurm", "name": "desks"}, HALL)),
    ):
        with pytest.raises(LabError, match="Not saved: desks has 1 run, and nobody would look after them") as refused:
            save_settings(chosen, before)
        assert "\n" not in str(refused.value)
    assert text() == before
    save_settings(Settings(engines=(DESKS | {"address": "http://10.0.0.6:8265", "most": 3},)), before)
    assert [(each.name, each.most) for each in settings().engines] == [("desks", 3)]
    table.update(at_desks, state="stopped", ended=time.time())
    save_settings(Settings(), text())
    assert settings() == Settings()


def test_saving_and_trying_take_an_admin(lab_home):
    home().ensure()
    people.visitors_are(lambda: Person("r1", "rosa@lab.example", RUNNER))
    try:
        for deed in (lambda: save_settings(Settings(engines=(HALL,))), lambda: begin_trial(HALL)):
            with pytest.raises(NotAllowedError, match="takes the role admin"):
                deed()
    finally:
        people.visitors_are(None)
    assert settings() == Settings()
    assert {save_settings.needs, begin_trial.needs} == {ADMIN}


# -- trying -------------------------------------------------------------------------------------------------------


def test_a_cluster_that_is_not_there_is_said_in_one_line_and_nothing_is_kept(lab_home):
    home().ensure()
    found, why = answer(DESKS | {"address": f"http://127.0.0.1:{free_port()}"})
    assert found is None and "does not answer: Connection refused" in why and "\n" not in why
    found, why = answer(DESKS | {"token_file": str(lab_home / "token")})
    assert found is None and "can't be read: No such file" in why
    found, why = answer(HALL | {"conf": str(lab_home / "slurm.conf")})
    assert found is None and ("There is no file" in why or "not on this machine's PATH" in why)
    assert not home().engines.exists() and not home().settings_file.exists()


def test_what_does_not_validate_is_not_asked():
    with pytest.raises(ConfigError, match=r"engines\.0\.address"):
        begin_trial(DESKS | {"address": "head"})


@pytest.mark.parametrize("body", [b"[]", b"<html>", b"{}", b'{"ray_version": null}', b"5"])
def test_something_else_that_answers_is_no_ray(body):
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found, why = answer(DESKS | {"address": f"http://127.0.0.1:{server.server_port}"})
        server.shutdown()
    assert (found, why) == (None, f"What answers at http://127.0.0.1:{server.server_port} is no Ray dashboard.")
