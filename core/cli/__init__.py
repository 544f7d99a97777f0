"""The command line, `python -m core`: its commands, in the order in which `--help` lists them."""

from __future__ import annotations

import typer

from core.cli import people, remote
from core.cli.bin import bin, delete, restore
from core.cli.catalogue import presets, problems
from core.cli.channels import notify
from core.cli.cleaning import clean
from core.cli.datasets import add_dataset, exact_dataset, list_datasets, sample_dataset
from core.cli.demo import demo
from core.cli.engines import engines
from core.cli.events import events
from core.cli.exporting import export
from core.cli.machine import doctor, serve
from core.cli.output import note, patient_streams, print_defect, print_error
from core.cli.queue import logs, pause, resume, retry, status, stop, submit
from core.cli.report import report
from core.cli.rerun import replay
from core.cli.results import best, certificate
from core.cli.service import install, look, uninstall
from core.cli.service import status as service_status
from core.cli.steer import duplicate, edit, hold, move, priority, release, remove, send
from core.cli.store import backup, migrate
from core.cli.store import restore as restore_store
from core.cli.sweep import StartsWithAConfig, list_sweeps, show
from core.cli.sweep import delete as delete_sweep
from core.cli.sweep import restore as restore_sweep
from core.cli.sweep import resume as resume_sweep
from core.cli.sweep import start as start_sweep
from core.cli.sweep import stop as stop_sweep
from core.cli.training import train, work
from core.cli.upgrading import upgrade
from core.errors import LabError
from core.plain_text import keep_secrets_out_of_logs

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Multi-stage, high-precision physics-informed networks: train, queue, watch, export.",
)
for command in (train, submit, status, stop, pause, resume, retry, logs):
    app.command()(command)
for command in (move, priority):
    app.command(context_settings={"ignore_unknown_options": True})(command)  # -5 is a number
for command in (hold, release, remove, send, edit, duplicate):
    app.command()(command)
for command in (presets, problems, engines, doctor, best, replay):
    app.command()(command)
for command in (events, delete, restore, bin, clean, export, report, certificate, notify, serve, demo, look, upgrade):
    app.command()(command)
app.command(hidden=True)(work)

dataset = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Files that runs learn from, in LAB_HOME/data.")
app.add_typer(dataset, name="dataset")
dataset.command("list")(list_datasets)
dataset.command("add")(add_dataset)
dataset.command("sample")(sample_dataset)
dataset.command("exact")(exact_dataset)

sweep = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    cls=StartsWithAConfig,
    help="Many runs of one config whose fields a sampler varies: sweep CONFIG|PRESET|RUN --field FIELD=WHAT …",
)
app.add_typer(sweep, name="sweep")
sweep.command("start")(start_sweep)
sweep.command("list")(list_sweeps)
sweep.command()(show)
sweep.command("stop")(stop_sweep)
sweep.command("resume")(resume_sweep)
sweep.command("delete")(delete_sweep)
sweep.command("restore")(restore_sweep)

store = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The lab's store: moved, backed up, restored.")
app.add_typer(store, name="store")
store.command()(migrate)
store.command()(backup)
store.command("restore")(restore_store)

service = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Keep the queue going when nobody looks.")
app.add_typer(service, name="service")
service.command()(install)
service.command()(uninstall)
service.command("status")(service_status)

person = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Who signs in to the lab, and who is kept out.")
app.add_typer(person, name="people")
person.command("list")(people.show)
person.command()(people.deny)
person.command()(people.allow)

token = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Tokens for the command line from afar.")
app.add_typer(token, name="token")
token.command()(people.make)
token.command("list")(people.list_tokens)
token.command()(people.revoke)
token.command()(people.remove)

afar = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="A lab on another machine: LAB_SERVER, LAB_TOKEN.")
app.add_typer(afar, name="remote")
for command in (remote.whoami, remote.status, remote.submit, remote.stop, remote.pause, remote.resume, remote.retry):
    afar.command()(command)
for command in (remote.hold, remote.release, remote.delete, remote.logs, remote.fetch):
    afar.command()(command)


def main() -> None:
    """Run the command line; LabError becomes one line on stderr and exit code 2, a defect one line and exit code 1."""
    with patient_streams():
        keep_secrets_out_of_logs()
        try:
            _tell_refused()
            app()
        except LabError as error:
            print_error(error)
            raise SystemExit(2) from None
        except Exception as error:
            print_defect(error)
            raise SystemExit(1) from None


def _tell_refused() -> None:
    """What could not be taken as a problem from outside, on stderr."""
    from core.problems import REFUSED

    for refused in REFUSED:
        note(f"problem not loaded: {refused}")
