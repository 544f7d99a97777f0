"""Hostile text in everything that people can write, and every page open on it: no script, no request, no broken page.

One server over a store in which names, tags, params, metrics, experiments, notes, problems, fields, datasets, job
reasons and what addresses say are markup of all kinds.
"""

import os
import sqlite3
import subprocess
import sys
from urllib.parse import quote

import pytest

from benchmarks.browser import ROOT
from benchmarks.bulk_store import bulk, long_history
from core.home import home
from core.singularity import certificate
from core.tracking import tags
from pages.parts.shared.text import LONGEST, visible
from tests.e2e.conftest import Server, settled

pytestmark = pytest.mark.e2e

TRAP = "window.trapped=(window.trapped||0)+1"
NAMES = (
    f'finished"><img src=x onerror="{TRAP}"><svg onload="{TRAP}">',
    "![x](http://evil.example/i.png) [l](http://evil.example) <http://evil.example>",
    "http://evil.example/x www.evil.example someone@evil.example",
    ":red[r] :red-badge[b] :material/bolt: :smile: $\\frac12$ -> -- >=",
    "u*v*w __b__ ~~s~~ `c` | # h &amp; <b>b</b>",
    "- one\n# two\n\n![x](http://evil.example/i.png)",
    f"</text><script>{TRAP}</script><a href='http://evil.example'>a</a><br>%{{y}}",
    "w" * 3000,
    f"[x](javascript:{TRAP})",
    "‮gnp.exe​",
)
ALL = " ".join(name for name in NAMES if len(name) < 1000)
ONE_LINE = "".join(character for character in ALL if character.isprintable())
"""What may be the name of something in a problem or a config."""
PROBLEM = """
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from core.problems.base import Form, Problem, laplacian

TEXT = {text!r}


class Hostile(Problem):
    __doc__ = TEXT

    kind: Literal["hostile"] = "hostile"
    strength: float = Field(1.0, title=TEXT, description=TEXT)

    title: ClassVar[str] = TEXT
    equation: ClassVar[str] = r"u'' = 0"
    coordinates: ClassVar[tuple[str, ...]] = ("x",)
    fields: ClassVar[tuple[str, ...]] = (TEXT,)
    residual_names: ClassVar[tuple[str, ...]] = (TEXT,)
    forms: ClassVar[dict[str, Form]] = {{"laplacian": laplacian(1)}}

    def domain(self):
        return ((0.0, 1.0),)

    def ansatz(self, raw, x, lam):
        return {{TEXT: x[0] * (1 - x[0]) * raw[0]}}

    def residuals(self, points, u, x, lam):
        return {{TEXT: u[TEXT].second("laplacian") + 1}}

    def exact(self, x):
        return {{TEXT: x[:, 0] * (1 - x[:, 0]) / 2}}

    def caution(self):
        return TEXT
"""
BROKEN = """() => {
  const main = document.querySelector('[data-testid="stApp"]');
  const strange = [...main.querySelectorAll('[data-testid="stMarkdownContainer"] :is(a, img, script, iframe, .katex)')]
    .filter((e) => !e.closest('.katex-display') && !e.getAttribute('href')?.startsWith('#'));
  return {
    trapped: window.trapped ?? 0,
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    wideMain: main.scrollWidth - main.clientWidth,
    exceptions: main.querySelectorAll('[data-testid="stException"]').length,
    markup: strange.map((e) => e.outerHTML.slice(0, 200)),
    links: [...main.querySelectorAll('a')].map((a) => a.href?.baseVal ?? a.href)
      .filter((href) => !href.startsWith(location.origin)),
    scripts: main.querySelectorAll('script').length,
  };
}"""

DRAWN = """(least) => {
  const charts = [...document.querySelectorAll('.chart, .lab-chart, .lab-scene')];
  return charts.length >= least
    && charts.every((chart) => chart.classList.contains('js-plotly-plot') || chart.dataset.drawn);
}"""


def hostile_store(ids):
    """Write into MLflow's database what its client would refuse, and what it would not."""
    known = {value for value in vars(tags).values() if isinstance(value, str) and value.startswith(("lab.", "mlflow."))}
    known |= {value for name, value in vars(certificate).items() if name.endswith("TAG")} - {tags.PARENT}
    known -= {tags.PROVENANCE, tags.STATE, tags.PROBLEM, tags.CONFIG_HASH}
    with sqlite3.connect(home().mlflow_db) as database:
        run = database.execute
        run("UPDATE experiments SET name = ? WHERE name = 'another-program'", (ALL,))
        for k, run_id in enumerate(ids):
            name = NAMES[k % len(NAMES)]
            run("UPDATE runs SET name = ?, user_id = ? WHERE run_uuid = ?", (name, name, run_id))
            run("DELETE FROM tags WHERE run_uuid = ? AND key LIKE 'provenance.%'", (run_id,))
            kept = {tags.STATE, tags.PROBLEM, tags.CONFIG_HASH} if k % 3 else set()
            for key in known | ({tags.STATE, tags.PROBLEM, tags.CONFIG_HASH} - kept):
                run("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", (key, name, run_id))
            for key in (f"provenance.{name}", name):
                run("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", (key, ALL, run_id))
            run("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", (tags.NOTE, ALL, run_id))
            parent = ids[k - 1] if k else ALL
            run("INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", (tags.PARENT, parent, run_id))
            for key in (ALL, NAMES[(k + 1) % len(NAMES)]):
                run("INSERT OR REPLACE INTO params VALUES (?, ?, ?)", (key, name, run_id))
                for step in (1, 2, 3):
                    run("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, 0)", (key, 0.5**step, step, run_id, step))
                run("INSERT OR REPLACE INTO latest_metrics VALUES (?, 0.125, 3, 3, 0, ?)", (key, run_id))
    database.close()
    with sqlite3.connect(home().jobs_db) as database:
        database.execute("UPDATE jobs SET reason = ?, state = 'failed'", (ALL,))
    database.close()


def hostile_run():
    """Train a problem whose every word is hostile, under a hostile name; returns where its file is."""
    file = home().ensure().root / "hostile.py"
    file.write_text(PROBLEM.format(text=ONE_LINE), encoding="utf-8")
    config = file.with_name("config.json")
    config.write_text(
        '{"problem": {"kind": "hostile"}, "stages": [{"iterations": 3, "optimizer": {"kind": "gauss_newton"}}]}'
    )
    command = [sys.executable, "-m", "core", "train", str(config), "--set", "name=" + ONE_LINE[:100]]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"LAB_PROBLEMS": str(file)}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return file


def hostile_datasets():
    """Files in the data folder whose names and columns are hostile."""
    home().data.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        file = home().data / (name.replace("/", "∕")[:60] + ".csv")
        file.write_text('x,t,"<img src=x onerror=window.trapped=1>"\n0,0,1\n0.5,0.5,2\n', encoding="utf-8")


def addresses(ids):
    """Every page, on what is there and with hostile words in its address; its charts at least; what is opened there."""
    text, some = quote(ALL), ",".join(f"{run_id[:12]}.{k}" for k, run_id in enumerate(ids[:8]))
    query = "&".join(f"{key}={text}" for key in ("q", "sort", "order", "how", "columns", "experiment", "tag", "from"))
    rule = "&".join(f"{key}={text}" for key in ("metric", "best", "value", "of", "tie", "eligible"))
    return (
        (f"?replay={text}", 0, ()),
        (f"?replay={ids[1]}", 0, ("More",)),
        (f"watch?run={text}", 0, ()),
        (f"watch?run={ids[1]}", 1, ()),
        (f"compare?runs={text},{some}&{query}", 1, ("Columns",)),
        (f"compare?view=Curves&runs={some}&curves={text}", 1, ("Notes and tags",)),
        (f"compare?view=Configs&runs={some}", 0, ("Filters",)),
        (f"compare?view=Parallel&runs={some}&axes={text}", 1, ()),
        (f"compare?view=Scatter&runs={some}&by=problem", 1, ()),
        (f"compare?view=Groups&runs={some}&group=experiment", 1, ()),
        (f"best?run={ids[0]}", 0, ()),
        (f"best?run={text}&{rule}", 0, ()),
        (f"replay?run={ids[1]}&rerun={ids[2]}", 1, ("Provenance",)),
        (f"replay?run={ids[1]}&rerun={text}", 0, ()),
        (f"datasets?dataset={text}", 0, ()),
        (f"singularities?run={text}&equation={text}", 1, ()),
        (f"solution?run={text}&view={text}", 1, ()),
    )


def opened(page, name):
    """Open a popover, a dialog or an expander."""
    page.get_by_text(name, exact=True).first.click()
    page.wait_for_timeout(400)
    settled(page)


@pytest.fixture
def hostile(lab_home):
    file = hostile_run()
    ids = bulk(12, running=0)
    for k, run_id in enumerate(ids[:4]):
        long_history(run_id, 300, seed=k)
    hostile_store(ids)
    hostile_datasets()
    started = Server(lab_home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_PROBLEMS", str(file))
        started.start()
    yield started, ids
    started.kill()


def test_no_page_obeys_what_people_typed(hostile, page):
    server, ids = hostile
    asked, said, faults = [], [], []
    page.context.route(
        "**/*",
        lambda route: (
            route.continue_()
            if route.request.url.startswith(server.url)
            else (asked.append(route.request.url), route.abort())
        ),
    )
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    page.on("pageerror", lambda error: said.append(str(error)[:300]))
    for address, charts, parts in addresses(ids):
        page.goto(f"{server.url}/{address}")
        settled(page)
        page.wait_for_function(DRAWN, arg=charts)
        for chart in page.locator(".js-plotly-plot:visible, .lab-scene:visible").all()[:2]:
            chart.hover()
        for name in parts:
            opened(page, name)
        page.wait_for_timeout(300)
        found = page.evaluate(BROKEN)
        faults += [f"/{address[:80]}: {what} {value}" for what, value in found.items() if value not in (0, [])]
    assert not faults, "\n".join(faults)
    assert asked == [], "requests to elsewhere"
    assert said == []
    page.goto(f"{server.url}/best?run={ids[4]}")
    page.wait_for_selector(".lineage .run")
    heading = page.locator("h3").first
    assert visible(NAMES[4], LONGEST) in heading.inner_text()
    labels = page.locator(".lineage .run").evaluate_all("all => all.map((run) => run.getAttribute('aria-label'))")
    assert any(NAMES[0] in label for label in labels)
    assert all(
        label.endswith((", deleted", ", unknown", ", finished", ", failed", ", crashed", ", stopped"))
        for label in labels
    )
