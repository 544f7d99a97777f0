"""The command line, `python -m core`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from core.errors import LabError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Multi-stage, high-precision physics-informed networks: train, queue, watch, export.",
)

ConfigArgument = Annotated[str, typer.Argument(metavar="CONFIG|PRESET", help="A preset, or a YAML or JSON file.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the config.")
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Run id; its first characters are enough.")]
JsonOption = Annotated[Path | None, typer.Option("--json", metavar="OUT", help="Write the result as JSON.")]
ParentOption = Annotated[str | None, typer.Option(metavar="RUN", help="Run whose solution is the frozen start.")]


def main() -> None:
    """Run the command line; LabError becomes one line on stderr and exit code 2."""
    try:
        _tell_refused()
        app()
    except LabError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(2) from None


def _tell_refused() -> None:
    """What could not be taken as a problem from outside, on stderr."""
    from core.problems import REFUSED

    for refused in REFUSED:
        print(f"problem not loaded: {refused}", file=sys.stderr)


def _config(name: str, settings: list[str] | None, parent: str | None):
    from core.config import override
    from core.presets import resolve

    settings = settings or []
    if parent:
        settings = [*settings, f"parent={_run_id(parent)}"]
    return override(resolve(name), settings)


def _run_id(text: str) -> str:
    """A whole run id from its first characters. Raises LabError when none or several fit."""
    from core import jobs
    from core.home import RUN_ID

    if RUN_ID.fullmatch(text):
        return text
    found = [job.run_id for job in jobs.queue() if job.run_id.startswith(text)]
    if len(found) == 1:
        return found[0]
    if not found:
        from core.tracking.search import find_id

        return find_id(text)
    raise LabError(f"{text!r} fits {len(found)} runs; write more of the id.")


@app.command()
def train(
    config: ConfigArgument, settings: SetOption = None, parent: ParentOption = None, json_out: JsonOption = None
) -> None:
    """Train in this process, tracked. Exit code 0 finished, 1 failed, 130 stopped."""
    chosen = _config(config, settings, parent)
    _writable(json_out)
    _train(chosen, json_out)


def _train(config, json_out: Path | None, tags: dict[str, str] | None = None) -> tuple[str, dict]:
    """Train, print the report, write it; the run's id and the report. Ends the program unless the run finished."""
    from core import jobs

    run_id = jobs.begin_here(config, tags=tags)
    from core.execution.execute import execute

    print(f"run {run_id}", flush=True)
    try:
        report = execute(run_id, 1)
    except LabError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise typer.Exit(1) from None
    data = report.as_dict()
    _write_json(json_out, data)
    for key, value in data.items():
        print(f"{key:>18}  {report.certificate.sentence() if key == 'certificate' else value}")
    if report.state == "stopped":
        raise typer.Exit(130)
    return run_id, data


def _write_json(path: Path | None, data: dict) -> None:
    if path:
        path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def _writable(path: Path | None) -> None:
    if path is not None and not path.absolute().parent.is_dir():
        raise LabError(f"{path} can't be written: there is no folder {path.absolute().parent}.")


@app.command()
def submit(config: ConfigArgument, settings: SetOption = None, parent: ParentOption = None) -> None:
    """Queue a run; it goes on when this terminal closes."""
    from core import jobs

    print(jobs.submit(_config(config, settings, parent)))


@app.command()
def status(run: Annotated[str | None, typer.Argument(metavar="RUN")] = None) -> None:
    """The queue, or one run."""
    from core import jobs

    listed = [jobs.status(_run_id(run))] if run else jobs.queue()
    if not listed:
        print("No runs yet. Start one: python -m core submit poisson2d-quick")
    for job in listed:
        progress = jobs.progress(job.run_id) or {}
        share = f"{progress['fraction']:4.0%}" if "fraction" in progress else "    "
        residual = f"max residual {progress['max_residual']:.2e}" if "max_residual" in progress else ""
        print(f"{job.run_id}  {job.state:<9} {share}  {job.problem:<16} {job.name:<24} {residual} {job.reason or ''}")


@app.command()
def stop(run: RunArgument) -> None:
    """Stop a run; it leaves a checkpoint."""
    from core import jobs

    jobs.stop(_run_id(run))


@app.command()
def pause(run: RunArgument) -> None:
    """Pause a run: checkpoint, leave the slot."""
    from core import jobs

    jobs.pause(_run_id(run))


@app.command()
def resume(run: RunArgument) -> None:
    """Queue a paused, stopped or crashed run again from its checkpoint."""
    from core import jobs

    jobs.resume(_run_id(run))


@app.command()
def retry(run: RunArgument) -> None:
    """Queue an ended run again from the beginning."""
    from core import jobs

    jobs.retry(_run_id(run))


@app.command()
def logs(
    run: RunArgument, follow: Annotated[bool, typer.Option("-f", "--follow", help="Until the run ends.")] = False
) -> None:
    """What a run has printed."""
    from core import jobs

    run_id, offset = _run_id(run), 0
    while True:
        ended = jobs.status(run_id).ended_for_good if follow else True
        data, offset = jobs.logs(run_id, offset)
        sys.stdout.write(data.decode("utf-8", "replace"))
        sys.stdout.flush()
        if ended and not data:
            return
        if not data:
            time.sleep(0.5)


@app.command()
def presets() -> None:
    """Ready runs."""
    from core.presets import presets as listed

    for preset in listed().values():
        print(f"{preset.name:<20} ~{preset.expected_seconds:>4.0f} s  {preset.description}")


@app.command()
def problems() -> None:
    """The problems and their parameters, with the file of those from outside (LAB_PROBLEMS, or a package)."""
    from core.problem_source import source_file
    from core.problems import CATALOGUE
    from core.problems.external import kind_of

    for problem in CATALOGUE:
        parameters = [name for name in problem.model_fields if name != "kind"]
        source = source_file(problem)
        from_where = f"  {source}" if source else ""
        print(f"{kind_of(problem):<18} {problem.title:<32} {', '.join(parameters)}{from_where}")


@app.command()
def doctor() -> None:
    """Check the machine: home, store, devices, renderers."""
    from core.doctor import examine

    findings = examine()
    for finding in findings:
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what:<22} {finding.detail}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def best(
    metric: Annotated[str, typer.Option(help="MLflow metric, for example dense_max_residual.")] = "dense_max_residual",
    direction: Annotated[str, typer.Option(help="min or max.")] = "min",
    how: Annotated[str, typer.Option(help="Which value counts: last, min, max or at-checkpoint.")] = "last",
    state: Annotated[list[str] | None, typer.Option(help="Eligible state, finished by default; repeatable.")] = None,
    problem: Annotated[str, typer.Option(help="Only runs of this problem.")] = "",
    tie: Annotated[str, typer.Option(help="Who wins a tie: earlier, later or faster.")] = "earlier",
    link: Annotated[bool, typer.Option("--link", help="Mark it as the parent of the next stage.")] = False,
) -> None:
    """The best run by a rule, which is printed beside it."""
    from core.tracking.best import Rule, ranking, winner

    rule = Rule(metric, direction, tuple(state or ["finished"]), problem, how, tie)
    record = winner(rule, link)
    value = ranking(rule)[0].value
    print(f"{record.run_id}  {record.name}  {metric} {value:.6g}{'  linked' if link else ''}")
    print(rule.sentence(), file=sys.stderr)


@app.command()
def replay(
    run: Annotated[str, typer.Argument(metavar="RUN|FILE", help="Run id or its beginning; or an old config file.")],
    json_out: JsonOption = None,
    verify: Annotated[bool, typer.Option("--verify", help="Compare the curves; exit code 1 when they differ.")] = False,
) -> None:
    """Train the config of an old run again, in this process; what this version reads otherwise is named."""
    from core.config import load_data
    from core.migrations import read_config
    from core.replay import prepare_rerun
    from core.tracking import store
    from core.tracking.verify import verify as compare

    _writable(json_out)
    path = Path(run)
    if path.suffix in (".yaml", ".yml", ".json"):
        if verify:
            raise LabError("--verify compares with a run; name its id instead of a file.")
        source, reading, tags = None, read_config(load_data(path)), None
        config = reading.config
    else:
        source = _run_id(run)
        reading, rerun = store.stored_config(source), prepare_rerun(source, to_verify=verify)
        config, tags = rerun.config, rerun.tags
    for note in reading.notes:
        print(f"note: {note}", file=sys.stderr)
    run_id, data = _train(config, json_out, tags)
    if verify:
        verdict = compare(source, run_id)
        _write_json(json_out, data | {"replay_of": source, "verify": verdict.as_dict()})
        print(verdict.sentence())
        for fact in verdict.environment:
            if fact.differs:
                print(f"{fact.name:>18}  {fact.source} | {fact.rerun}")
        for package in verdict.packages:
            print(f"{package.field:>18}  {package.before or 'absent'} | {package.after or 'absent'}")
        if verdict.outcome == "different":
            raise typer.Exit(1)


@app.command()
def export(
    run: RunArgument,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.{vtk,vtu,vti,vts,xdmf}")],
    resolution: Annotated[int | None, typer.Option(help="Points along each axis.")] = None,
) -> None:
    """Sample a run's solution on a grid and write it for ParaView."""
    from core.runs import run_folder
    from core.solution.export import export as write
    from core.solution.sample import sample

    _writable(output)
    grid = sample(run_folder(_run_id(run)), resolution)
    write(grid, output)
    print(f"{output}: {grid.points} points, {', '.join(grid.values)}")


@app.command()
def report(run: RunArgument, output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.md")]) -> None:
    """Write a run's Markdown summary."""
    from core.runs import run_folder

    run_id = _run_id(run)
    source = run_folder(run_id).summary
    if not source.exists():
        raise LabError(f"Run {run_id} has no summary yet: it is written when a run ends.")
    _writable(output)
    output.write_bytes(source.read_bytes())


@app.command()
def certificate(
    run: RunArgument,
    json_out: JsonOption = None,
    tolerance: Annotated[float | None, typer.Option(help="Judge the same residuals by another tolerance.")] = None,
) -> None:
    """A run's residual certificate. Exit code 1 when it does not hold."""
    from core.runs import run_folder
    from core.singularity import certificate as certificates

    _writable(json_out)
    run_id = _run_id(run)
    found = certificates.read(run_folder(run_id))
    if found is None:
        raise LabError(f"Run {run_id[:8]} has no certificate: runs get one at their end, if their problem has a λ.")
    if tolerance is not None:
        found = found.at(tolerance)
    if not certificates.is_current(found):
        print("note: the run went on since; its end makes a new certificate", file=sys.stderr)
    _write_json(json_out, found.as_dict())
    print(found.sentence())
    if not found.holds:
        raise typer.Exit(1)


dataset = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Files that runs learn from, in LAB_HOME/data.")
app.add_typer(dataset, name="dataset")


@dataset.command("list")
def list_datasets() -> None:
    """Datasets, their versions, and how many runs used each."""
    from collections import Counter

    from core.datasets import datasets, since
    from core.tracking.dataset_inputs import uses

    listed = datasets()
    if not listed:
        print("No datasets yet. Make the sample: python -m core dataset sample")
    counts = Counter((use.path, use.git_blob) for use in uses())
    for item in listed:
        size = f"{item.now.size} bytes, {item.now.git_blob}" if item.now else item.trouble
        print(f"{item.path:<24} {size}")
        for version in item.versions:
            blob = version.digests.git_blob
            print(f"    {blob}  used by {counts[item.path, blob]} runs, {since(blob, item)}")


@dataset.command("add")
def add_dataset(
    file: Annotated[Path, typer.Argument(metavar="FILE.{csv,npy,npz}")],
    replace: Annotated[bool, typer.Option("--replace", help="As the new version; the old one is kept.")] = False,
) -> None:
    """Check a file and put it into the data folder."""
    from core.datasets import LARGEST, add

    try:
        if file.stat().st_size > LARGEST:
            raise LabError(f"{file} is larger than {LARGEST // 2**20} MB. Copy it to the data folder yourself.")
        added = add(file.name, file.read_bytes(), replace=replace)
    except OSError as error:
        raise LabError(f"{file} can't be read: {error.strerror}.") from None
    print(f"{added.version.path}  {added.version.digests.git_blob}  {added.outcome}")


@dataset.command("sample")
def sample_dataset() -> None:
    """Make the sample dataset, which the preset burgers-inverse learns from."""
    from core.datasets import add
    from core.problems.burgers_inverse import SAMPLE, sample_csv

    added = add(SAMPLE, sample_csv())
    print(f"{added.version.path}  {added.version.digests.git_blob}  {added.outcome}")


@app.command()
def serve(port: Annotated[int, typer.Option(min=1, max=65535)] = 8501) -> None:
    """Start the dashboard on 127.0.0.1; Ctrl-C ends it, and no run with it."""
    import os
    import socket

    from core.home import home

    home().ensure()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LabError(
                f"Port {port} can't be used: {error.strerror.lower()}. Choose another, for example PORT={port + 1}."
            ) from None
    root = Path(__file__).parents[1]
    os.chdir(root)
    os.execv(sys.executable, [sys.executable, "-m", "pages.parts.serve", str(port)])


@app.command(hidden=True)
def work(
    run: RunArgument,
    attempt: Annotated[int, typer.Option()] = 1,
    fresh: Annotated[bool, typer.Option()] = False,
) -> None:
    """Train a queued run; started by its slot's worker."""
    from core.execution.execute import execute

    try:
        execute(run, attempt, fresh=fresh)
    except LabError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise typer.Exit(1) from None
