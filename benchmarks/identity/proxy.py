"""nginx from its package with the recipe of `deploy/nginx`, its names and ports replaced by those of this machine."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.browser import ROOT, free_port

RECIPE = ROOT / "deploy" / "nginx" / "singularity-lab.conf"
MAIN = """daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    {temporary}
    include {folder}/lab.conf;
    {more}
}}
"""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class NoProxyError(Exception):
    """There is no nginx here: why."""


def recipe(folder: Path, port: int, upstream: int, plain: int) -> str:
    """The recipe for this machine; every line that is replaced has to be there."""
    text = RECIPE.read_text()
    for before, after in (
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;"),
        ("server_name lab.example.org;", "server_name 127.0.0.1;"),
        ("/etc/ssl/lab.pem", f"{folder}/lab.pem"),
        ("/etc/ssl/lab.key", f"{folder}/lab.key"),
        ("server 127.0.0.1:8501;", f"server 127.0.0.1:{upstream};"),
    ):
        if before not in text:
            raise AssertionError(f"the recipe has no {before!r}")
        text = text.replace(before, after)
    return text


def certificate(folder: Path) -> None:
    """A certificate of nobody's for 127.0.0.1."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "lab.key", "-out", folder / "lab.pem"],
        check=True,
        capture_output=True,
    )  # fmt: skip


@contextmanager
def proxied(folder: Path, port: int, upstream: int, more: str = "") -> Iterator[int]:
    """The proxy at `port` (TLS) before a lab at `upstream`; the port at which it is asked without TLS.

    Args:
        folder: for its files.
        port: of HTTPS.
        upstream: port of the lab, or of whatever stands in its place.
        more: further servers, in nginx's words.
    """
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        raise NoProxyError("there is no nginx: `apt-get install nginx-light openssl` brings it")
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    plain = free_port()
    certificate(folder)
    (folder / "lab.conf").write_text(recipe(folder, port, upstream, plain))
    temporary = "\n    ".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, temporary=temporary, more=more))
    command = ["nginx", "-e", folder / "error.log", "-p", folder, "-c", folder / "nginx.conf"]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True)
    if checked.returncode:
        raise AssertionError(f"nginx refuses the recipe: {checked.stderr}")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _listening(port)
        yield plain
    finally:
        process.terminate()
        process.wait()


def _listening(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
