"""A certified OpenID Connect provider on this machine, and a lab to which people sign in with it.

The provider is npm's `oidc-provider`, its version pinned in `package.json` beside this; its form takes the name of an
account with any password.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.browser import ROOT, free_port, wait_for

HERE = Path(__file__).parent
SECRET = "a secret of the tests, long enough to be one"
ACCOUNTS = {
    "ada": {"name": "Ada Lovelace", "email": "ada@lab.example", "groups": ["lab-admins"]},
    "rosa": {"name": "Rosa", "email": "rosa@lab.example", "groups": ["lab-runners", "chess"]},
    "vic": {"name": "Vic", "email": "vic@lab.example", "groups": ["lab"]},
    "eve": {"name": "Eve", "email": "eve@elsewhere.example", "groups": ["others"]},
}
"""Account → claims; its name is its `sub`."""
POLICY = "viewer: [lab]\nrunner: [lab-runners]\nadmin: [lab-admins]\n"


class NoProviderError(Exception):
    """There can be no provider here: why."""


OLDEST_NODE = 20
"""Major version of node that the provider runs with; Debian's may be older, and npm brings one then."""
NODE = "22.20.0"


def installed() -> tuple[Path, str]:
    """The folder with the provider and its packages, and the node for it. Raises NoProviderError without them."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NoProviderError("there is no node and npm: `apt-get install nodejs npm` brings them")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "singularity-lab" / "identity"
    wanted = HERE.joinpath("package-lock.json").read_text()
    if not (cache / "ready").exists() or (cache / "ready").read_text() != wanted:
        cache.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, cache / name)
        _npm(cache, "ci")
        (cache / "ready").write_text(wanted)
    shutil.copy(HERE / "provider.mjs", cache / "provider.mjs")
    said = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    if int(said.strip().lstrip("v").partition(".")[0] or 0) >= OLDEST_NODE:
        return cache, "node"
    own = cache / "node_modules" / "node" / "bin" / "node"
    if not own.exists():
        _npm(cache, "install", "--no-save", f"node@{NODE}", scripts=True)
    return cache, str(own)


def _npm(folder: Path, *words: str, scripts: bool = False) -> None:
    command = ["npm", *words, "--no-audit", "--no-fund", *([] if scripts else ["--ignore-scripts"])]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240)
    except subprocess.TimeoutExpired:
        raise NoProviderError("npm did not bring the sign-in service within 4 minutes") from None
    if done.returncode:
        raise NoProviderError(f"npm can't bring the sign-in service: {done.stderr.strip()[-300:]}")


@contextmanager
def provider(port: int, origin: str, accounts: dict[str, dict[str, object]] = ACCOUNTS) -> Iterator[str]:
    """A running provider for a lab at `origin`; its address. Raises NoProviderError."""
    folder, node = installed()
    process = subprocess.Popen(
        [node, "provider.mjs", str(port), origin, json.dumps(accounts)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        try:
            wait_for(f"http://127.0.0.1:{port}/.well-known/openid-configuration", 60)
        except TimeoutError:
            raise NoProviderError("oidc-provider does not run with this node") from None
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def lay_out_sign_in(home: Path, origin: str, issuer: str, policy: str = POLICY) -> None:
    """The two files by which people sign in to the lab in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "people.yaml").write_text(policy)
    secrets = home / "sign-in.toml"
    secrets.write_text(
        f"""[auth]
redirect_uri = "{origin}/oauth2callback"
cookie_secret = "{"0123456789abcdef" * 4}"
client_id = "lab"
client_secret = "{SECRET}"
server_metadata_url = "{issuer}/.well-known/openid-configuration"
client_kwargs = {{ scope = "openid profile email", prompt = "login" }}
"""
    )
    secrets.chmod(0o600)


@contextmanager
def served(home: Path, port: int, *options: str, **variables: str) -> Iterator[subprocess.Popen]:
    """`python -m core serve` over a home, once it answers."""
    log = (home / "server.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "core", "serve", "--port", str(port), *options],
        cwd=ROOT,
        env=os.environ | {"LAB_HOME": str(home)} | variables,
        stdout=log,
        stderr=log,
    )
    try:
        host = options[options.index("--host") + 1] if "--host" in options else "127.0.0.1"
        wait_for(f"http://{host}:{port}/_stcore/health", 300)
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        log.close()


@contextmanager
def lab(home: Path, policy: str = POLICY, *, behind: int | None = None) -> Iterator[str]:
    """A lab to which people sign in, and its provider; the lab's own address. Raises NoProviderError.

    Args:
        home: of the lab.
        policy: its `people.yaml`.
        behind: port at which a proxy of this machine answers for it with TLS.
    """
    port, issuer_port = free_port(), free_port()
    origin = f"http://127.0.0.1:{port}"
    outside = origin if behind is None else f"https://127.0.0.1:{behind}"
    with provider(issuer_port, outside) as issuer:
        lay_out_sign_in(home, outside, issuer, policy)
        with served(home, port):
            yield origin
