"""A real run under a real courier: a rule stops it with a checkpoint, and its webhook is told once."""

import http.server
import json
import threading
import time

import pytest

from core import jobs
from core.config import RunConfig
from core.jobs import events, table
from core.rules import Diverged, Finished
from core.runs import run_folder
from core.settings import Settings, Webhook, save

WILD = RunConfig(
    name="wild",
    problem={"kind": "poisson2d"},
    network={"hidden": [8]},
    stages=[{"optimizer": {"kind": "adam", "learning_rate": 1.0}, "iterations": 10_000_000,
             "collocation": {"points": 50}}],
    device="cpu",
    watch=(Diverged(factor=1.5, stop=True),),
)  # fmt: skip


@pytest.fixture
def hook():
    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.server.seen.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.seen = []
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()


def until(condition, seconds=120.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.2)


def test_a_rule_stops_a_run_and_its_channel_is_told_once(hook, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    channel = Webhook(name="ops", url=f"http://127.0.0.1:{hook.server_port}/")
    save(Settings(channels=(channel,), watch=(Finished(),)))
    run_id = jobs.submit(WILD)
    until(lambda: jobs.status(run_id).ended_for_good)
    job = jobs.status(run_id)
    assert job.state == "stopped" and job.has_checkpoint
    until(lambda: not table.notices_wait())
    assert [message["kind"] for message in hook.seen] == ["diverged"]
    assert hook.seen[0]["run"]["id"] == run_id and "times its best" in hook.seen[0]["text"]
    by_the_watcher = [event for event in events.of_run(run_folder(run_id)) if event.who == "the watcher"]
    assert [(event.kind, event.after) for event in by_the_watcher] == [("watcher", "diverged"), ("state", "stopping")]
