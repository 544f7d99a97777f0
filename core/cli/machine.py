"""The machine: check it, and serve the dashboard on it."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from core.cli.arguments import JsonOption
from core.cli.output import say, write_json
from core.errors import LabError


def doctor(
    restore: Annotated[bool, typer.Option("--restore", help="Bring back the MLflow experiment of the runs.")] = False,
    rebuild_jobs: Annotated[
        bool, typer.Option("--rebuild-jobs", help="First make lost rows of the job table again from the runs' folders.")
    ] = False,
    server: Annotated[
        bool, typer.Option("--server", help="For a lab that others reach: signing in, names, tokens, what stands open.")
    ] = False,
    json_out: JsonOption = None,
) -> None:
    """Check the machine: home, store, job table, devices, renderers; and say what to do about what is amiss."""
    if rebuild_jobs:
        from core.jobs import database

        added, aside = database.rebuild()
        for place in aside:
            say(f"set aside: {place}")
        say(f"{added} runs were given a row of the job table again")
    from core.doctor import examine
    from core.tracking import store

    if restore:
        say("restored: the experiment and its runs" if store.restore_experiment() else "nothing to restore")
    findings = examine(server=server)
    for finding in findings:
        say(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.what:<22} {finding.detail}")
        if finding.remedy:
            say(f"      what to do: {finding.remedy}")
    write_json(json_out, {"findings": [asdict(finding) for finding in findings]})
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)


def serve(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own asks people to sign in.")
    ] = "127.0.0.1",
) -> None:
    """Start the dashboard; Ctrl-C ends it, and no run with it."""
    from core.home import SOURCE, home
    from core.people import policy

    home().ensure()
    policy.check_address(host)
    check_port(port, host)
    os.chdir(SOURCE)
    os.execv(sys.executable, [sys.executable, "-m", "pages.parts.serve", str(port), host])


def check_port(port: int, host: str = "127.0.0.1") -> None:
    """Raise LabError where no server can listen on a port of this address."""
    import socket

    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError:
        raise LabError(f"{host} is no address of this machine: `ip -brief address` lists them.") from None
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise LabError(f"{host} is no address of this machine: `ip -brief address` lists them.") from None
            raise LabError(
                f"Port {port} can't be used: {error.strerror.lower()}. Choose another, for example PORT={port + 1}."
            ) from None
