"""`/live/…`: what it answers, what it refuses, and that nobody but its own pages is answered."""

import asyncio
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.config import RunConfig
from core.errors import StoreError
from core.jobs import live, notices, table
from core.jobs.database import transaction
from core.jobs.events import acting_as
from core.runs import run_folder
from core.runs.history import HistoryWriter
from pages.parts.live import list_state, run_state
from pages.parts.live.route import MOST_RUNS, Live
from pages.parts.live.shared_state import KEPT, SharedState
from pages.parts.origin_guard import OriginGuard

CONFIG = RunConfig(problem={"kind": "poisson2d"}, name="<i>")
RUN = f"{7:032x}"


class Server:
    """The middlewares as they stand in the server; each request has an event loop of its own."""

    def __init__(self):
        self.live, self.passed = None, []

    def get(self, path, query="", method="GET", **headers):
        async def app(scope, receive, send):
            self.passed.append(scope["path"])
            await send({"type": "http.response.start", "status": 418, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        sent = []

        async def send(message):
            sent.append(message)

        async def ask():
            self.live = self.live or Live(app)
            named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
            scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": named}
            await OriginGuard(self.live)(scope, None, send)

        if "host" not in headers:
            headers["host"] = "127.0.0.1:8501"
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, ask()).result()
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], {key.lower(): value for key, value in sent[0]["headers"]}, body

    def json(self, path, query=""):
        status, _, body = self.get(path, query)
        assert status == 200, body
        return json.loads(body)


@pytest.fixture
def server(lab_home, monkeypatch):
    """Over a lab with one paused run of ten points; states are built anew for each question."""
    monkeypatch.setattr(live, "refresh", lambda: None)
    monkeypatch.setattr(live.look, "__defaults__", (0.0,))
    monkeypatch.setattr(list_state, "EVERY_S", 0.0)
    monkeypatch.setattr(run_state, "QUIET_S", 0.0)
    monkeypatch.setattr("pages.parts.live.shared_state.SHARE", 0.0)
    folder = run_folder(RUN)
    folder.create(CONFIG)
    table.insert(RUN, CONFIG, "local", state="paused", attempt=1, started=1.0, synced=1)
    add_rows(1, 10)
    folder.file("log.txt").write_text("first line\nsecond line\n")
    return Server()


def add_rows(first, count):
    writer = HistoryWriter(run_folder(RUN).history, CONFIG.problem.row_names)
    for i in range(first, first + count):
        writer.append(
            iteration=i, stage=0, phase=1, wall_time_s=0.1 * i, loss=1 / i, max_residual=1 / i, rms_residual=1 / i
        )
    writer.close()


def test_only_what_is_new_is_told(server):
    path = f"/live/run/{RUN}"
    first = server.json(path)
    assert first["whole"]
    assert (first["state"], first["log"]["text"]) == ("paused", "first line\nsecond line\n")
    since = f"since={first['version']}&log={first['log']['end']}"
    status, headers, body = server.get(path, since)
    assert (status, body) == (204, b"")
    assert re.fullmatch(rb"\d+\.\d{3}", headers[b"lab-next"])
    add_rows(11, 1)
    with run_folder(RUN).open_log() as log:
        log.write("third λ".encode())
    news = server.json(path, since)
    assert news["version"] != first["version"]
    assert not news["whole"]
    assert news["charts"]["residual"]["traces"][0] == [10, [11], [1 / 11]]
    assert news["log"] == {"text": "third λ", "start": 23, "end": 31, "size": 31}
    assert server.json(path, f"since={first['version']}")["log"]["start"] == 0
    assert server.json(path, "axis=wall_time_s")["charts"]["residual"]["data"][0]["x"][:2] == [0.1, 0.2]


@pytest.mark.parametrize("since", ["", "x", "000000.0", "9" * 10_000, "-1", "\u0000", "%00.%2e"])
def test_who_names_no_version_of_this_server_gets_everything(server, since):
    known = server.json(f"/live/run/{RUN}")["version"]
    news = server.json(f"/live/run/{RUN}", f"since={since}")
    assert news["whole"]
    assert news["version"] == known
    assert server.json("/live/runs", f"since={since}")["active"] == []


def test_versions_that_are_long_gone_are_told_everything(server):
    first = server.json(f"/live/run/{RUN}")["version"]
    for k in range(KEPT):
        add_rows(11 + k, 1)
        last = server.json(f"/live/run/{RUN}", f"since={first}")
        assert last["whole"] == (k == KEPT - 1)


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/live/", "", 404),
        ("/live/run/", "", 404),
        ("/live/run/../../etc/passwd", "", 404),
        (f"/live/run/{RUN.upper()}x", "", 404),
        (f"/live/run/{RUN}/log.txt/..", "", 404),
        (f"/live/run/{'0' * 32}", "", 404),
        (f"/live/run/{'0' * 32}/log.txt", "", 404),
        (f"/live/run/{'0' * 32}/log", "find=a", 404),
        (f"/live/run/{RUN}", "axis=loss", 400),
        (f"/live/run/{RUN}", "log=-1", 400),
        (f"/live/run/{RUN}", "log=1e9", 400),
        (f"/live/run/{RUN}", "log=" + "9" * 40, 400),
        (f"/live/run/{RUN}", "&".join("a=b" for _ in range(100)), 400),
        (f"/live/run/{RUN}/log", "", 400),
        (f"/live/run/{RUN}/log", "find=" + "a" * 201, 400),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_a_sentence(server, path, query, status):
    found, headers, body = server.get(path, query)
    assert found == status
    assert headers[b"content-type"] == b"application/json"
    assert json.loads(body)["error"].endswith((".", "runs."))
    assert b"Traceback" not in body
    assert not server.passed
    assert not server.live._runs or status == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_only_get_is_answered(server, method):
    assert server.get(f"/live/run/{RUN}", method=method)[0] == 405


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"origin": "http://127.0.0.1:9999"}, {"sec_fetch_site": "cross-site"}]
)
def test_pages_of_others_are_refused(server, headers):
    for path in ("/live/runs", f"/live/run/{RUN}", f"/live/run/{RUN}/log.txt"):
        status, _, body = server.get(path, **headers)
        assert (status, RUN.encode() in body) == (403, False)
    assert server.live._runs == {}


def test_what_fails_is_a_sentence_and_is_tried_again(server, monkeypatch, capfd):
    def locked():
        raise StoreError("The job table is locked.")

    with monkeypatch.context() as patch:
        patch.setattr(live, "look", locked)
        assert server.get("/live/runs")[::2] == (503, b'{"error": "The job table is locked."}')
        patch.setattr(live, "look", lambda: 1 / 0)
        status, _, body = server.get("/live/runs")
        assert (status, b"ZeroDivision" in body) == (500, False)
        assert "ZeroDivisionError" in capfd.readouterr().err
    assert server.get("/live/runs")[0] == 200


def test_a_solution_is_sampled_ahead_of_its_page(server, monkeypatch):
    asked, done = [], threading.Event()

    def sample(folder, wish):
        asked.append((folder.run_id, wish))
        done.set()

    monkeypatch.setattr("pages.parts.live.ahead.sample_ahead", sample)
    status, _, body = server.get(f"/live/run/{RUN}/ahead", "view=w%2C+z&n-profile=64")
    assert (status, body) == (204, b"") and done.wait(10)
    assert asked == [(RUN, {"view": "w, z", "n-profile": "64"})]
    assert server.get(f"/live/run/{8:032x}/ahead")[0] == 404


def test_all_else_goes_on(server):
    assert server.get("/watch")[0] == 418
    assert server.get("/_stcore/health")[0] == 418


def test_names_are_texts(server):
    table.update(RUN, state="queued", held=1)
    table.insert(f"{8:032x}", CONFIG, "local", state="running")
    table.update(f"{8:032x}", name="a\u202eb")  # as older programs took it
    found = server.json("/live/runs")
    assert [run["name"] for run in found["active"]] == [r"a\u202eb"]
    assert found["waiting"] == [RUN]


def test_runs_that_nobody_asks_for_are_forgotten(server):
    for number in range(100, 100 + MOST_RUNS + 5):
        run_id = f"{number:032x}"
        run_folder(run_id).create(CONFIG)
        table.insert(run_id, CONFIG, "local", state="paused", attempt=1, synced=1)
        server.json(f"/live/run/{run_id}")
    assert len(server.live._runs) == MOST_RUNS


def test_a_state_is_built_once_for_all_who_ask(server):
    built, answers = [], []

    async def ask():
        shared = SharedState(lambda: built.append(1) or len(built), lambda a, b: a != b, lambda state: 60.0)
        assert await asyncio.gather(*(shared.now() for _ in range(30))) == [1] * 30
        body = [await shared.answer((shared.version,), lambda: answers.append(1) or {"n": 1}) for _ in range(30)]
        assert set(body) == {b'{"n":1}'}

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, ask()).result()
    assert (len(built), len(answers)) == (1, 1)


def test_what_takes_much_work_again_and_again_is_built_less_often_but_not_after_a_single_time(monkeypatch):
    work = iter([0.01, 3.0, 0.01, 3.0, 3.0])
    shared = SharedState(dict, lambda a, b: a != b, lambda state: 1.0)
    monkeypatch.setattr(shared, "_built", lambda: ({}, next(work)))

    async def rests():
        found = []
        for _ in range(5):
            await shared.now(fresh=True)
            found.append(shared.next_s > 2.0)
        return found

    with ThreadPoolExecutor(1) as thread:  # where no other test's loop runs
        assert thread.submit(asyncio.run, rests()).result() == [False, False, False, False, True]


def test_the_whole_log_is_a_file(server):
    run_folder(RUN).file("log.txt").write_bytes(whole := b"<script>\xff\x00\n" * 100_000)
    status, headers, body = server.get(f"/live/run/{RUN}/log.txt")
    assert (status, body) == (200, whole)
    assert headers[b"content-type"].startswith(b"text/plain")
    assert headers[b"content-disposition"].startswith(b"attachment")
    assert headers[b"x-content-type-options"] == b"nosniff"
    run_folder(RUN).file("log.txt").unlink()
    assert server.get(f"/live/run/{RUN}/log.txt")[::2] == (200, b"")


def test_notices_are_what_people_should_know_the_newest_first():
    server = Server()
    assert server.json("/live/notices")["notices"] == []
    table.insert(RUN, CONFIG, "local", state="running", attempt=1)
    table.update(RUN, state="crashed", reason="Its process was ended by SIGKILL.")
    table.update(RUN, state="queued")
    table.update(RUN, state="running")
    with acting_as("the watcher"), transaction() as connection:
        notices.fire(connection, RUN, 2, "x", "diverged", "The loss became NaN.", stop=False)
    table.update(RUN, state="finished")
    table.update(RUN, event=("binned", ""), binned=1.0)
    found = Server().json("/live/notices")
    shown = [(each["title"], each["why"], each["urgent"]) for each in found["notices"]]
    assert shown == [
        ("Finished: <i>", "", False),
        ("Diverged: <i>", "The loss became NaN.", True),
        ("Crashed: <i>", "Its process was ended by SIGKILL.", True),
    ]
    again = Server()
    version = again.json("/live/notices")["version"]
    assert again.get("/live/notices", f"since={version}")[0] == 204
    assert again.get("/live/notices", "since=other")[0] == 200
