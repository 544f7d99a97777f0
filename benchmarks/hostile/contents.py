"""A store whose every text is hostile, and each page of it opened in a browser with traps set."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote, urlsplit

from playwright.sync_api import Page, Route, sync_playwright

from benchmarks.browser import FLAGS, READY, chromium, free_port, start_dashboard
from benchmarks.hostile.material import MARKUP, SCRIPTS, SHAPES
from benchmarks.hostile.tried import Fault, Input
from core.config import override
from core.datasets import add
from core.jobs import table
from core.presets import resolve
from core.runs import run_folder
from core.runs.history import HistoryWriter
from core.tracking import store
from core.tracking.tags import CHECKPOINT_STEP, CONFIG_HASH, NOTE, PARENT, PROBLEM, PROVENANCE, REASON, STATE

SUITE = "contents"
PAGES = ("watch?run={id}", "compare?runs={short}.0", "compare?runs={short}.0&view=Configs", "best?run={id}",
         "replay?run={id}", "singularities?run={id}", "solution?run={id}", "?parent={id}", "datasets")  # fmt: skip
ECHOES = ("watch?run={text}", "compare?q={text}", "compare?runs={text}", "datasets?dataset={text}", "replay?run={text}",
          "singularities?equation={text}", "?preset={text}")  # fmt: skip
"""Addresses with a text that a page may repeat."""


def inputs() -> Iterator[Input]:
    """All inputs of this suite; the first ones fill the store, then one browser looks at all."""
    worst = (*SCRIPTS, *MARKUP, *(text for text in SHAPES[::3] if "\0" not in text))
    runs = {text: hostile_run(text) for text in worst}
    foreign = {text: foreign_run(text) for text in worst[::3]}
    add("fine.csv", b"x,t,u\n0,0,0\n0.5,0.5,1\n")
    look = _browser()
    for text, run_id in runs.items():
        for page in PAGES[:-1]:
            address = page.format(id=run_id, short=run_id[:12])
            yield Input(SUITE, f"{page.split('?')[0]}: {text[:40]!r} everywhere", _looked(look, address), seconds=90)
    for text, run_id in foreign.items():
        for page in PAGES[:5]:
            address = page.format(id=run_id, short=run_id[:12])
            yield Input(SUITE, f"{page.split('?')[0]}: another program's {text[:40]!r}", _looked(look, address), 90)
    for text in worst[::2]:
        for page in ECHOES:
            address = page.format(text=quote(text, safe=""))
            yield Input(SUITE, f"{page.split('=')[0]}={text[:40]!r}", _looked(look, address), seconds=90)
    yield Input(SUITE, "datasets", _looked(look, PAGES[-1]), seconds=90)


def hostile_run(text: str) -> str:
    """A run of this program whose record somebody else wrote over; its id."""
    from mlflow.entities import Metric, Param, RunTag

    config = override(resolve("burgers-profile"), ["name=fine"])
    run_id = store.create_run(config)
    folder = run_folder(run_id)
    folder.create(config)
    writer = HistoryWriter(folder.history, config.problem.row_names)
    for k in range(20):
        writer.append(iteration=k + 1, stage=0, phase=1, wall_time_s=0.1 * k, loss=10.0**-k, max_residual=10.0**-k,
                      rms_residual=10.0**-k)  # fmt: skip
    writer.close()
    names = (STATE, REASON, PROBLEM, CONFIG_HASH, CHECKPOINT_STEP, PARENT, NOTE, f"{PROVENANCE}commit",
             "lab.certificate", "lab.replay_of", "lab.threads", "lab.in_force", "mlflow.runName", "mlflow.user",
             "mlflow.source.name", "mlflow.source.type", "people")  # fmt: skip
    tags = [RunTag(name, text) for name in names]
    metrics = [Metric("max_residual", 1e-9, int(1000 * time.time()), 20), Metric("dense_max_residual", 1e-9, 0, 0)]
    client = store.client()
    client.log_batch(run_id, metrics, [Param("free", text)], tags)
    table.insert(run_id, config, "local", state="failed", attempt=1, reason=text, started=1.0, ended=2.0)
    for key in (text, f"lab.{text}"):
        _as_key(client, run_id, key, text)
    return run_id


def foreign_run(text: str) -> str:
    """A run of another program in an experiment of its own; its id."""
    client = store.client()
    name = text if text.strip() and client.get_experiment_by_name(text) is None else f"experiment {time.time()}"
    run = client.create_run(client.create_experiment(name), run_name=text or None)
    for step, value in enumerate((1.0, 0.0, float("nan"), float("inf"), -1.0)):
        client.log_metric(run.info.run_id, "loss", value, step=0 if "x" in text else step)
    client.log_param(run.info.run_id, "lr", text[:500])
    _as_key(client, run.info.run_id, text, text)
    client.set_terminated(run.info.run_id)
    return run.info.run_id


def _as_key(client: object, run_id: str, key: str, text: str) -> None:
    """The text as a key too, where MLflow takes it as one."""
    from mlflow.exceptions import MlflowException

    for write, value in ((client.log_metric, 1.0), (client.set_tag, text), (client.log_param, text[:500])):  # type: ignore[attr-defined]
        try:
            write(run_id, key, value)
        except MlflowException:
            continue  # no key of MLflow's: no store can hold it


def _browser() -> Callable[[str], Fault]:
    """A server and a Chromium that live as long as this process; what looks at an address with traps set."""
    port = free_port()
    server, _ = start_dashboard(port)
    atexit.register(server.kill)
    playwright = sync_playwright().start()
    browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    host = f"127.0.0.1:{port}"
    sent: list[str] = []

    def routed(route: Route) -> None:
        if urlsplit(route.request.url).netloc in (host, ""):
            route.continue_()
        else:
            sent.append(route.request.url)
            route.abort()

    context.route("**/*", routed)
    dialogs: list[str] = []

    def look(address: str) -> Fault:
        page = context.new_page()
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        sent.clear()
        dialogs.clear()
        try:
            page.goto(f"http://{host}/{address}")
            page.wait_for_selector(READY, timeout=60_000)
            page.wait_for_timeout(300)
            page.wait_for_selector(READY, timeout=60_000)
            return _caught(page, sent, dialogs)
        finally:
            page.close()

    return look


def _caught(page: Page, sent: list[str], dialogs: list[str]) -> Fault:
    if dialogs or page.evaluate("() => window.hostile !== undefined"):
        return "script: it ran"
    if sent:
        return f"request: {sent[0]}"
    if outside := page.evaluate(
        "() => [...document.querySelectorAll('a[href]')].map((a) => a.href).find((h) => h.includes('://hostile') || h.includes('://www.hostile'))"
    ):
        return f"request: a link to {outside}"
    if page.locator('[data-testid="stException"]').count():
        return f"traceback: {page.locator('[data-testid=stException]').first.inner_text()[:200]}"
    wide, room = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return f"layout: {wide} px wide in {room}" if wide > room + 1 else None


def _looked(look: Callable[[str], Fault], address: str) -> Callable[[], Fault]:
    return lambda: look(address)
