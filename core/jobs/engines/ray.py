"""A Ray cluster, asked by the Jobs API of its dashboard over plain HTTP; Ray itself is on the cluster alone."""

from __future__ import annotations

import json
import re
import shlex
import stat
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from core.jobs.engines.contract import Node, Order, RefusedError, Said, UnreachableError, View

if TYPE_CHECKING:
    from core.cluster_settings import RayEngine

LIMIT_S = 15.0
"""Seconds that an answer may take."""
LARGEST = 50_000_000
"""Bytes of an answer."""
LONGEST_GRACE_S = 3600
"""Ray kills a job so many seconds after it was told to stop; until then its grace is the lab's to end."""
_ATTEMPT = re.compile(r"[0-9a-f]{32}-a\d+")
_LOST = re.compile(r"node|raylet|actor|supervisor|unexpectedly|heartbeat|GCS", re.IGNORECASE)
LAB = "lab"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token goes nowhere else."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class RayCluster:
    """One Ray cluster."""

    def __init__(self, settings: RayEngine):
        self._settings = settings
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect()).open
        self._version = ""

    def look(self) -> View:
        """Its nodes and the attempts that it knows: two questions."""
        if not self._version:
            self._version = self._version_there()
        try:
            jobs = self._ask("GET", "/api/jobs/")
            listed = self._ask("GET", "/api/v0/nodes?detail=1&limit=10000")
        except (RefusedError, UnreachableError):
            self._version = ""  # another one may answer next
            raise
        rows = _rows(listed)
        found = sorted((_node(each) for each in rows), key=lambda pair: pair[1].up)
        names = {node_id: node.name for node_id, node in found}
        nodes = {node.name: node for _, node in found}  # Ray remembers the dead: one that lives comes after them
        since = _head_since(rows)
        attempts = {}
        for job in (each for each in jobs if isinstance(each, dict)) if isinstance(jobs, list) else ():
            name = str(job.get("submission_id") or "")
            if _ATTEMPT.fullmatch(name):
                attempts[name] = _said(job, names, since)
        return View(tuple(nodes[name] for name in sorted(nodes)), attempts, self._version)

    def _version_there(self) -> str:
        answer = self._ask("GET", "/api/version")
        version = answer.get("ray_version") if isinstance(answer, dict) else None
        if not version:
            raise RefusedError(self._no_ray())
        return str(version)

    def _no_ray(self) -> str:
        return f"What answers at {self._settings.address.rstrip('/')} is no Ray dashboard."

    def submit(self, order: Order) -> None:
        """Submit it under its name, unless Ray has that already."""
        variables = dict(order.environment)
        if not order.gpus:
            variables["CUDA_VISIBLE_DEVICES"] = ""  # else it would see all
        variables["RAY_JOB_STOP_WAIT_TIME_S"] = str(LONGEST_GRACE_S)
        log = shlex.quote(str(order.log))
        asked: dict[str, Any] = {
            "entrypoint": f"cd {shlex.quote(str(order.source))} && exec {shlex.join(order.command)} >>{log} 2>&1",
            "submission_id": order.name,
            "metadata": {LAB: order.lab},
            "runtime_env": {"env_vars": variables},
            "entrypoint_num_cpus": order.cpus,
        }
        if order.gpus:
            asked["entrypoint_num_gpus"] = order.gpus
        if order.memory_gb:
            asked["entrypoint_memory"] = int(order.memory_gb * 2**30)
        if self._settings.labels:
            asked["entrypoint_label_selector"] = dict(label.split("=", 1) for label in self._settings.labels)
        try:
            self._ask("POST", "/api/jobs/", asked)
        except RefusedError as error:
            if "already exists" not in str(error):
                raise

    def terminate(self, name: str, *, pending: bool) -> None:
        """Send SIGTERM to the run's process; Ray takes a pending one out of its queue when its turn comes."""
        self._ask("POST", f"/api/jobs/{quote(name)}/stop")

    def kill(self, name: str) -> None:
        """Nothing that Ray can do: the run's own process obeys the kill that stands in its row (`away`)."""

    def _ask(self, method: str, path: str, data: dict[str, Any] | None = None) -> Any:
        address = self._settings.address.rstrip("/")
        headers = {"Accept": "application/json"}
        if (token := self._token()) is not None:
            headers["Authorization"] = f"Bearer {token}"
        body = None
        if data is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(data).encode()
        asked = urllib.request.Request(address + path, body, headers, method=method)
        try:
            with self._open(asked, timeout=LIMIT_S) as answer:
                raw = answer.read(LARGEST)
        except urllib.error.HTTPError as error:
            raise self._refused(error) from None
        except (OSError, HTTPException, ValueError) as error:
            why = getattr(error, "reason", None) or error
            why = getattr(why, "strerror", None) or str(why) or type(error).__name__
            raise UnreachableError(f"Ray at {address} does not answer: {why}.") from None
        try:
            return json.loads(raw or b"{}")
        except ValueError:
            raise RefusedError(self._no_ray()) from None

    def _refused(self, error: urllib.error.HTTPError) -> RefusedError | UnreachableError:
        address = self._settings.address.rstrip("/")
        if error.code == 401:
            file = self._settings.token_file
            way = f"the token in {file} was not taken" if file else "set token_file to a file that holds it"
            return RefusedError(f"Ray at {address} wants a token (HTTP 401): {way}.")
        if error.code == 403:
            return RefusedError(
                f"Ray at {address} refuses the token (HTTP 403): {self._settings.token_file or 'none is set'} does not "
                "hold this cluster's."
            )
        try:
            said = error.read(20_000).decode("utf-8", "replace").strip()
        except OSError:
            said = ""
        last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")
        if error.code in (502, 503, 504):
            return UnreachableError(f"Ray at {address} does not answer: HTTP {error.code}.")
        if "already exists" in said:
            last = "a job of this name already exists"
        return RefusedError(f"Ray at {address} says HTTP {error.code}: {last[:300] or 'nothing more'}")

    def _token(self) -> str | None:
        if self._settings.token_file is None:
            return None
        path = Path(self._settings.token_file)
        try:
            if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise RefusedError(f"{path} holds a token and is open to others: chmod 600 closes it.")
            token = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise RefusedError(f"The token file {path} can't be read: {getattr(error, 'strerror', error)}.") from None
        if not token or not token.isascii() or not token.isprintable():
            raise RefusedError(f"The token file {path} holds no token.")
        return token


def _rows(listed: Any) -> list[dict[str, Any]]:
    """The rows of an answer of Ray's state API."""
    try:
        rows = listed["data"]["result"]["result"]
    except (KeyError, TypeError):
        raise RefusedError("Ray's answer about its nodes is none that this program knows.") from None
    return [row for row in rows if isinstance(row, dict)]


def _node(row: dict[str, Any]) -> tuple[str, Node]:
    total = row.get("resources_total") or {}
    kinds = [name.removeprefix("accelerator_type:") for name in total if name.startswith("accelerator_type:")]
    name = str(row.get("node_ip") or row.get("node_name") or row.get("node_id") or "")
    alive = row.get("state") == "ALIVE"
    return str(row.get("node_id") or ""), Node(
        name,
        alive,
        int(total.get("CPU", 0)),
        int(total.get("GPU", 0)),
        float(total.get("memory", 0)) / 2**30,
        str(row.get("state_message") or row.get("state") or "").lower()[:200],
        ", ".join(kinds),
    )


def _head_since(rows: list[dict[str, Any]]) -> float:
    """Milliseconds of the head's clock at which it started; 0 where it does not say."""
    starts = [row.get("start_time_ms") for row in rows if row.get("is_head_node") and row.get("state") == "ALIVE"]
    return max((start for start in starts if isinstance(start, int | float)), default=0)


def _said(job: dict[str, Any], names: dict[str, str], head_since: float = 0) -> Said:
    status, message = str(job.get("status")), str(job.get("message") or "")
    node = names.get(str(job.get("driver_node_id") or ""), "")
    lab = str((job.get("metadata") or {}).get(LAB, ""))
    if status == "PENDING" and isinstance(job.get("start_time"), int | float) and job["start_time"] < head_since:
        # who was to start it died with the head before; Ray shows it as pending for ever
        return Said("ended", "Ray's head died and returned while it was pending there.", node, lost=True, lab=lab)
    if status == "PENDING":
        return Said("pending", "Resources" if "resources" in message.lower() else "", node, lab=lab)
    if status == "RUNNING":
        return Said("running", "", node, lab=lab)
    code = job.get("driver_exit_code")
    if isinstance(code, int):
        return Said("ended", "", node, code, lab=lab)
    if status in ("SUCCEEDED", "STOPPED"):
        return Said("ended", "", node, 0 if status == "SUCCEEDED" else None, lab=lab)
    if "node has died" in message:
        return Said(
            "ended",
            f"Its node {node} died, Ray says." if node else "Its node died, Ray says.",
            node,
            lost=True,
            lab=lab,
        )
    words = " ".join(message.split())[:300]
    return Said("ended", f"Ray says: {words}" if words else "", node, lost=bool(_LOST.search(message)), lab=lab)
