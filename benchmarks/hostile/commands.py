"""Commands with arguments, environments and surroundings that nobody meant: one line, an exit code, no secret."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.hostile.material import NUMBERLIKE, TEXTS
from benchmarks.hostile.tried import Fault, Input, command, environment, fault_of_command

SUITE = "commands"
SECRET = "hunter2PASSWORD"
TINY = ["--set", "stages.0.iterations=1", "--set", "stages.0.collocation.points=50", "--set", "network.hidden=[4]"]
STORES = (
    f"http://lab:{SECRET}@127.0.0.1:9/",
    f"http://127.0.0.1:9/?token={SECRET}",
    f"postgresql://lab:{SECRET}@127.0.0.1:9/mlflow",
    f"mysql+pymysql://lab:{SECRET}@127.0.0.1:9/mlflow",
    f"mssql://lab:{SECRET}@127.0.0.1/x",
    f"databricks://{SECRET}",
    f"nonsense://lab:{SECRET}@x",
    f"sqlite://lab:{SECRET}@host/x.db",
    "sqlite:///",
    "sqlite:////proc/version",
    "sqlite:////nowhere/at/all.db",
    "file:///nowhere",
    "http://",
    "http://[::1",
    "://",
    "%",
    " ",
    "\u20ac",
    "x" * 10_000,
)
PROBLEM_FILES = {
    "empty": "",
    "a syntax error": "def (",
    "an exception": "raise ValueError('<b>x</b>\\n\\x1b[31m')",
    "SystemExit": "import sys; sys.exit(3)",
    "SystemExit with words": "raise SystemExit('bye')",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "an exception of its own": "class E(BaseException): pass\nraise E('x')",
    "much output": "print('x' * 3_000_000)",
    "recursion": "def f(): return f()\nf()",
    "a missing module": "import there_is_no_such_module",
    "a long message": "raise RuntimeError('long ' * 200_000)",
    "not UTF-8": "# \udcff\n",
    "NUL": "x = 1\x00",
    "a problem without anything": "from core.problems.base import Problem\nclass P(Problem):\n    pass\n",
    "a kind that is taken": "from core.problems.poisson2d import Poisson2D\nclass P(Poisson2D):\n    pass\n",
    "a kind that is no text": "from core.problems.base import Problem\nclass P(Problem):\n    kind: int = 3\n",
}


def inputs() -> Iterator[Input]:
    """All inputs of this suite; the first one trains the run that the others are about."""
    run = trained()
    folder = Path(tempfile.mkdtemp())
    for name in ("status", "stop", "pause", "resume", "retry", "logs", "certificate", "replay"):
        for text in (*TEXTS[:: 2 if name == "replay" else 1], run, run[:4], run.upper(), run + "0", f" {run}"):
            yield _input(name, text)
    for option, texts in {"--metric": TEXTS, "--direction": TEXTS[::4], "--how": TEXTS[::4], "--state": TEXTS[::4],
                          "--problem": TEXTS[::2], "--tie": TEXTS[::4]}.items():  # fmt: skip
        for text in texts:
            yield _input("best", f"{option}={text}")
    for text in TEXTS:
        yield _input("export", run, "-o", text)
        yield _input("export", run, "-o", str(folder / f"{text.replace('/', '_')[:200]}.vtu"), "--resolution", "5")
        yield _input("report", run, "-o", text)
        yield _input("dataset", "add", text)
        yield _input("train", text)
        yield _input("submit", text)
        yield _input("submit", "poisson2d-quick", "--parent", text)
        yield _input(text)
        yield _input("status", f"--{text}")
    for suffix in ("vtk", "vtu", "vti", "vts", "xdmf", "VTU", "exe", "", "vtu.gz"):
        for resolution in ("-1", "0", "1", "2", "3", "1e3", "x", "99999999999", "nan", "100000"):
            yield _input("export", run, "-o", str(folder / f"a.{suffix}"), "--resolution", resolution)
    for tolerance in (*NUMBERLIKE, "-1", "1e400", "1e-400"):
        yield _input("certificate", run, f"--tolerance={tolerance}")
    for place in ("/", str(folder), "/proc/x", "/dev/full", "/nowhere/at/all.json", "", "a" * 300, "/dev/stdin/x"):
        yield _input("train", "poisson2d-quick", *TINY, "--json", place)
        yield _input("replay", run, "--json", place)
        yield _input("export", run, "-o", place)
        yield _input("report", run, "-o", place)
    for text in TEXTS[::2]:
        yield Input(SUITE, f"a run named {text[:40]!r}", lambda text=text: a_run_named(text), seconds=30)
    for uri in STORES:
        for words in (["status"], ["best"], ["doctor"], ["train", "poisson2d-quick", *TINY]):
            label = f"{words[0]} with the store {uri[:40]!r}"
            yield Input(SUITE, label, lambda w=words, u=uri: with_store(u, *w), seconds=120)
    for label, prepare in HOMES.items():
        for words in (["status"], ["doctor"], ["presets"], ["dataset", "sample"], ["train", "poisson2d-quick", *TINY]):
            yield Input(SUITE, f"{words[0]}, a home {label}", lambda w=words, p=prepare: in_home(p, *w), seconds=60)
    for label, text in PROBLEM_FILES.items():
        for words in (["problems"], ["presets"]):
            yield Input(
                SUITE, f"{words[0]}, a problem's file: {label}", lambda t=text, w=words: with_problem(t, *w), 30
            )
    for label, call in SURROUNDINGS.items():
        yield Input(SUITE, label, lambda call=call: call(run), seconds=60)


def _input(*arguments: str) -> Input:
    label = " ".join(text[:40] for text in arguments).encode("unicode_escape").decode()
    return Input(SUITE, label, lambda: fault_of_command(*arguments), seconds=60, megabytes=1000)


def trained() -> str:
    """Id of a run that was trained here by the command."""
    out = Path(tempfile.mkdtemp()) / "out.json"
    code, said, words = command("train", "poisson2d-quick", *TINY, "--json", str(out))
    if code:
        raise SystemExit(f"The suite's own run ended with {code}: {said} {words}")
    return json.loads(out.read_text())["run_id"]


def a_run_named(text: str) -> Fault:
    """A name decides nothing: the run is refused before it trains, or finishes under just this name."""
    from core.tracking import store

    before = {run.run_id for run in store.runs()}
    code, out, err = command("train", "poisson2d-quick", *TINY, "--set", f"name={json.dumps(text)}")
    added = [run for run in store.runs() if run.run_id not in before]
    if "Traceback" in out + err:
        return f"traceback: {(out + err)[-300:]}"
    if code == 2 and not added:
        return fault_of_command("train", "poisson2d-quick", *TINY, "--set", f"name={json.dumps(text)}")
    if code or len(added) != 1 or added[0].state != "finished":
        return f"wrong value: ended with {code}, {[run.state for run in added]}: {err[-200:]}"
    if text.strip() and added[0].name not in (text, text.strip()):
        return f"wrong value: {text!r} is called {added[0].name!r}"
    return fault_of_command("status")


def with_store(uri: str, *arguments: str) -> Fault:
    """A store that is not there, with a password in its address that nobody may read."""
    return own_process(*arguments, environment={"MLFLOW_TRACKING_URI": uri}, secret=SECRET)


def own_process(
    *arguments: str | bytes, environment: dict[str, str] | None = None, secret: str | None = None, seconds: float = 100
) -> Fault:
    """A command as a process of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as lab:
        settings = os.environ | {"LAB_HOME": f"{lab}/lab"} | (environment or {})
        try:
            ended = subprocess.run(
                [sys.executable, "-m", "core", *arguments],
                cwd=lab, env=settings, capture_output=True, timeout=seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"time: more than {seconds:g} s"
    out, err = ended.stdout.decode("utf-8", "replace"), ended.stderr.decode("utf-8", "replace")
    if "Traceback (most recent call last)" in out + err:
        return f"traceback: {(out + err)[-300:]}"
    if ended.returncode not in (0, 1, 2, 130):
        return f"message: exit code {ended.returncode}: {err[-200:]}"
    if ended.returncode and not (out + err).strip():
        return f"message: exit code {ended.returncode} without a word"
    if secret and secret in out + err:
        return f"message: the password is in {(out + err)[:200]!r}"
    if len(err) > 3000:
        return f"message: {len(err):,} characters on stderr: {err[:200]!r}"
    return None


HOMES = {
    "that is a file": lambda path: path.write_text("x"),
    "under a file": lambda path: path.parent.write_text("x"),
    "with a file for runs": lambda path: (path.mkdir(), (path / "runs").write_text("x")),
    "with a folder for jobs.db": lambda path: (path / "jobs.db").mkdir(parents=True),
    "with a folder for mlflow.db": lambda path: (path / "mlflow.db").mkdir(parents=True),
    "with a text for mlflow.db": lambda path: (path.mkdir(), (path / "mlflow.db").write_text("x" * 5000)),
    "with an empty mlflow.db": lambda path: (path.mkdir(), (path / "mlflow.db").write_text("")),
    "with a text for jobs.db": lambda path: (path.mkdir(), (path / "jobs.db").write_text("x" * 5000)),
    "with a text for datasets.jsonl": lambda path: (path.mkdir(), (path / "datasets.jsonl").write_text("{x")),
    "with a file for data": lambda path: (path.mkdir(), (path / "data").write_text("x")),
    "with a file for artifacts": lambda path: (path.mkdir(), (path / "artifacts").write_text("x")),
    "with a file for slots": lambda path: (path.mkdir(), (path / "slots").write_text("x")),
    "that nobody may write": lambda path: (path.mkdir(), path.chmod(stat.S_IRUSR | stat.S_IXUSR)),
    "that is a link to itself": lambda path: path.symlink_to(path),
    "that is a dangling link": lambda path: path.symlink_to("/nowhere/at/all"),
}
"""What may lie where the home should be."""


def in_home(prepare: object, *arguments: str) -> Fault:
    """A command in a home that is none."""
    folder = Path(tempfile.mkdtemp())
    try:
        path = folder / "lab" / "x" if prepare is HOMES["under a file"] else folder / "lab"
        prepare(path)  # type: ignore[operator]
        return own_process(*arguments, environment={"LAB_HOME": str(path)})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def with_problem(text: str, *arguments: str) -> Fault:
    """A command beside a problem's file from outside."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outside.py"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return own_process(*arguments, environment={"LAB_PROBLEMS": str(path)})


def _closed(stream: str) -> Fault:
    redirect = {"stdout": ">&-", "stderr": "2>&-", "stdin": "<&-", "head": "| head -c 10", "full": ">/dev/full"}[stream]
    command = f"{sys.executable} -m core presets {redirect}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60, check=False)
    said = (ended.stdout + ended.stderr).decode("utf-8", "replace")
    return f"traceback: {said[-300:]}" if "Traceback" in said or "Exception ignored" in said else None


SURROUNDINGS = {
    **{f"presets with {stream}": lambda run, stream=stream: _closed(stream)
       for stream in ("stdout", "stderr", "stdin", "head", "full")},
    **{f"{words[0]} in the locale {locale}": lambda run, locale=locale, words=words: own_process(
        *words, environment={"LC_ALL": locale, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
       for locale in ("C", "POSIX", "xx_YY") for words in (["problems"], ["train", "burgers-profile", *TINY])},
    **{f"{words[0]} with COLUMNS={width}": lambda run, width=width, words=words: own_process(
        *words, environment={"COLUMNS": width})
       for width in ("1", "20", "x", "99999") for words in (["--help"], ["problems"], ["train", "nothing"])},
    "an argument that is no UTF-8": lambda run: own_process("status", b"\xff\xfe"),
    "a setting that is no UTF-8": lambda run: own_process("train", "poisson2d-quick", "--set", b"name=\xff"),
    "a number that no float holds in --json": lambda run: _json(run),
}  # fmt: skip
"""What may be wrong around a command."""


def _json(run: str) -> Fault:
    """What is written as JSON is JSON, NaN and infinity too."""
    out = Path(tempfile.mkdtemp()) / "out.json"
    with environment(OMP_NUM_THREADS="1"):
        command("train", "poisson2d-quick", *TINY, "--set", "problem.a1=1", "--json", str(out))
    code, _, err = command("train", "poisson2d-quick", *TINY, "--json", str(out))
    if code:
        return f"message: ended with {code}: {err[:200]}"

    def refused(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(out.read_text(), parse_constant=refused)
    except ValueError as error:
        return f"wrong value: {error} in JSON"
    return None
