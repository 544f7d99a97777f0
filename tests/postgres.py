"""A PostgreSQL server of the tests' own, on a free port of this machine; skipped with a reason where there is none."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path

import psycopg
import pytest

USER = "lab"
PASSWORD = "p@ss/word"
"""With characters that have a meaning in an address."""
IN_ADDRESS = "p%40ss%2Fword"


def programs():
    """Folder of initdb and postgres; None where there is none (they refuse to be run by root, not by nobody)."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which("initdb")
    places += [Path(found).resolve().parent] if found else []
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


def require_postgres():
    """Skip the test where no server can be started."""
    if programs() is None:
        pytest.skip("there is no PostgreSQL server on this machine: `make postgres` installs Debian's")


class Cluster:
    """A server over a folder of its own, which may be stopped and started again.

    Args:
        folder: for its files; made.
    """

    def __init__(self, folder):
        self.folder = folder
        self.port = _free_port()
        self._server = None
        folder.mkdir(parents=True)
        self._as = {}
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run("initdb", "-D", "data", "-U", USER, "--pwfile=password", "--auth=scram-sha-256", "--no-sync",
                  "--locale=C", "--encoding=UTF8")  # fmt: skip
        self.start()

    def _run(self, name, *arguments):
        found = subprocess.run(
            [programs() / name, *arguments], cwd=self.folder, capture_output=True, text=True, env=_environment(),
            **self._as,
        )  # fmt: skip
        assert found.returncode == 0, found.stdout + found.stderr

    def start(self):
        """Start it, and wait until it answers."""
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
                   "shared_buffers": "32MB", "max_connections": 60}  # fmt: skip
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [programs() / "postgres", "-D", "data", *words], cwd=self.folder, stdout=log, stderr=log,
                env=_environment(), **self._as,
            )  # fmt: skip
        end = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.uri("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                assert self._server.poll() is None and time.monotonic() < end, (self.folder / "log").read_text()
                time.sleep(0.05)

    def stop(self, how=signal.SIGINT):
        """End it: SIGINT closes all connections at once, SIGQUIT is as if the machine lost its power."""
        self._server.send_signal(how)
        self._server.wait(30)

    def uri(self, database):
        """Address of one of its databases, as `LAB_DATABASE` has it."""
        return f"postgresql://{USER}:{IN_ADDRESS}@127.0.0.1:{self.port}/{database}"

    def create(self, template="template1"):
        """A new database; returns its address."""
        name = f"t{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.uri("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.uri(name)

    def drop(self, uri):
        """Take a database away, whoever is still connected to it."""
        with psycopg.connect(self.uri("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {uri.rpartition('/')[2]} WITH (FORCE)")


def _environment():
    """Without what names the tests' own databases: libpq reads PG… variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
