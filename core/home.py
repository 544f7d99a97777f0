"""Where a lab keeps its things: one folder, `LAB_HOME` (default `~/.singularity-lab`), on a local disk.

And where this program itself is.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from core.errors import LabError, RunNotFoundError, StoreError

RUN_ID = re.compile(r"[0-9a-f]{32}")

POSTGRES = re.compile(r"postgres(?:ql)?(?:\+psycopg)?://.+")

SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///([^?]*)(?:\?.*)?")

SOURCE = Path(__file__).parents[1]
"""The source tree that this package runs from; the processes that it starts begin in it."""


@dataclass(frozen=True)
class Home:
    """Paths inside one lab home. Nothing is created until it is asked for by `ensure`."""

    root: Path

    @property
    def mlflow_db(self) -> Path:
        """MLflow's SQLite file."""
        return self.root / "mlflow.db"

    @property
    def artifacts(self) -> Path:
        """Root of MLflow's artifacts."""
        return self.root / "artifacts"

    @property
    def shared(self) -> Path | None:
        """The folder on a disk that all machines of the lab have, from `LAB_SHARED`; None where there is none.

        Runs' folders and datasets are in it. The home itself, with its locks, stays on each machine's own disk.
        """
        named = os.environ.get("LAB_SHARED", "").strip()
        return Path(named).expanduser().absolute() if named else None

    @property
    def runs(self) -> Path:
        """One folder a run."""
        return (self.shared or self.root) / "runs"

    @property
    def jobs_db(self) -> Path:
        """The job table."""
        return self.root / "jobs.db"

    @property
    def slots(self) -> Path:
        """Lock files of the slots."""
        return self.root / "slots"

    @property
    def sweeps(self) -> Path:
        """One folder a sweep."""
        return self.root / "sweeps"

    @property
    def engines(self) -> Path:
        """What was last seen of each cluster (`core.jobs.engines.kept_view`)."""
        return self.root / "engines"

    @property
    def announced(self) -> Path:
        """Notes of runs that are being made (`core.jobs.announced`)."""
        return self.root / "announced"

    @property
    def settings_file(self) -> Path:
        """The lab's settings (`core.settings`)."""
        return self.root / "settings.yaml"

    @property
    def kept_settings(self) -> Path:
        """What the lab's settings said when they were valid last."""
        return self.root / "settings.last-good.yaml"

    @property
    def people_file(self) -> Path:
        """Who may do what (`core.people.policy`); where there is none, nobody has to sign in."""
        return self.root / "people.yaml"

    @property
    def sign_in_file(self) -> Path:
        """Who vouches for people: Streamlit's secrets, with a section `[auth]`."""
        return self.root / "sign-in.toml"

    @property
    def people_register(self) -> Path:
        """Who is kept out, and the tokens (`core.people.register`)."""
        return self.root / "people.json"

    @property
    def logo(self) -> Path:
        """The picture at the head of its reports, a PNG or JPEG."""
        return self.root / "report-logo"

    def has_settings(self) -> bool:
        """Whether anything but the defaults may be in force: where not, `core.settings` need not be imported."""
        return self.settings_file.exists() or self.kept_settings.exists()

    @property
    def data(self) -> Path:
        """Datasets; nothing outside it is read for a visitor."""
        return (self.shared or self.root) / "data"

    @property
    def fetched(self) -> Path:
        """Copies of artifacts of runs that were trained elsewhere."""
        return self.root / "fetched"

    @property
    def database(self) -> str:
        """Address of the PostgreSQL database of jobs and runs, from `LAB_DATABASE`; empty where SQLite keeps them.

        Raises StoreError for what is no such address.
        """
        uri = os.environ.get("LAB_DATABASE", "").strip()
        if uri and not POSTGRES.fullmatch(uri):
            raise StoreError(f"LAB_DATABASE is {uri!r}, and must be postgresql:// with user, host and database.")
        return re.sub("^[^:]+://", "postgresql://", uri)

    @property
    def tracking_uri(self) -> str:
        """MLflow's address: `MLFLOW_TRACKING_URI` where it is set, else `LAB_DATABASE`, else the home's SQLite file."""
        if not os.environ.get("MLFLOW_TRACKING_URI") and self.database:
            return self.tracking_uri_of(self.database)
        # only what SQLAlchemy would take for something else is encoded: the address stands in messages
        file = str(self.mlflow_db).replace("%", "%25").replace("?", "%3F")
        return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{file}"

    @staticmethod
    def tracking_uri_of(database: str) -> str:
        """MLflow's address of a PostgreSQL database, with the driver that is installed."""
        return database.replace("postgresql://", "postgresql+psycopg://", 1)

    @property
    def store_file(self) -> Path | None:
        """The SQLite file that `tracking_uri` names, decoded as SQLAlchemy does; None where it is another kind."""
        found = SQLITE.fullmatch(self.tracking_uri)
        name = unquote(found[1]) if found else ""
        return None if name in ("", ":memory:") or name.startswith("file:") else Path(name)

    def run_dir(self, run_id: str) -> Path:
        """The folder of one run. Raises RunNotFoundError for what is not a run id, so no path can be smuggled in."""
        if not RUN_ID.fullmatch(run_id):
            raise RunNotFoundError(run_id)
        return self.runs / run_id

    def ensure(self) -> Home:
        """Create the folders, a new home for its owner alone. Raises StoreError when the home can't be written."""
        try:
            if not self.root.exists():
                self.root.parent.mkdir(parents=True, exist_ok=True)
                self.root.mkdir(mode=0o700, exist_ok=True)
            for folder in (self.root, self.artifacts, self.runs, self.slots, self.data):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The lab home {self.root} can't be used: {error.strerror}. Set LAB_HOME to a folder you can write."
            ) from error
        if not os.access(self.root, os.W_OK):
            raise StoreError(f"The lab home {self.root} can't be written. Set LAB_HOME to a folder you can write.")
        return self

    def open_to_others(self) -> str:
        """Who else on this machine may look into the home, in words; empty where only its owner may."""
        mode = self.root.stat().st_mode
        who = [name for name, bits in (("its group", 0o070), ("everybody", 0o007)) if mode & bits]
        return f"mode {mode & 0o777:03o}: open to {' and '.join(who)}; chmod 700 closes it" if who else ""


def home() -> Home:
    """The lab home of this process, from `LAB_HOME`."""
    return Home(Path(os.environ.get("LAB_HOME") or Path.home() / ".singularity-lab").expanduser().absolute())


def inside(folder: Path, name: str) -> Path:
    """`folder / name` with every link resolved; raises LabError when that leads out of `folder`."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise LabError(f"{name!r} leads out of {folder}.")
    return path
