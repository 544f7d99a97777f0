"""The settings of a lab: one YAML file in its home, which people and the page Settings edit alike.

Whoever reads them gets what was valid last: a file that does not validate changes nothing, and everything that shows
settings says why. Nobody needs a restart: workers, courier and pages read them anew when the file has changed.
"""

from __future__ import annotations

import contextlib
import re
import stat
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from core.cluster_settings import ClusterSettings, EngineName
from core.documents import DocumentError, plain_data
from core.errors import ConfigError, LabError, StoreError
from core.files import write_whole
from core.frozen import FieldsAtFault, Frozen, shaped
from core.frozen import Path as Place
from core.home import home
from core.people import ADMIN, needs
from core.rules import MOST_RULES, AnyRule, ChannelName, Retry

LARGEST = 200_000
"""Bytes of a settings file."""
SETTLED_S = 1.0
"""For so long a file must have stood before it takes the place of another: editors empty one before they write it."""


def time_zones() -> list[str]:
    """Names of the time zones there are."""
    return sorted(available_timezones())


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone; allowed: names such as Europe/Berlin, or nothing")
    return name


class Slots(Frozen):
    """How many runs may be at work at once."""

    cpu: int = Field(1, ge=1, le=64, title="Runs at a time on the CPU", description="Threads are divided among them.")
    threads: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        None,
        title="Threads of each run",
        description="On the CPU. Empty: the cores, divided among its slots.",
        json_schema_extra={"empty": "auto"},
    )
    per_gpu: int = Field(
        1, ge=1, le=16, title="Runs at a time on one GPU", description="They share its memory: only for small ones."
    )
    gpu_memory_gb: float = Field(
        4.0,
        gt=0,
        le=1000,
        title="Free GPU memory for one more (GB)",
        description="A second run enters a GPU only while so much of its memory is free.",
    )
    warm: bool = Field(
        True,
        title="Warm process",
        description="Keep a process ready in which torch is imported, so that a run begins at once.",
    )


class Disk(Frozen):
    """The disk of the lab home."""

    least_free_mb: float = Field(
        200.0, ge=50, le=1e8, title="Least free space (MB)", description="A run is taken in only while so much is free."
    )


class Retention(Frozen):
    """What is kept for how long."""

    bin_days: float = Field(
        14.0,
        ge=0,
        le=36_500,
        title="Days in the bin",
        description="Days until what lies in the bin is deleted for good.",
    )
    checkpoint_days: Annotated[float, Field(gt=0, le=36_500)] | None = Field(
        None,
        title="Days with all checkpoints",
        description="Days after a run's end after which of its checkpoints the last and the best alone are kept. "
        "Empty: all are kept.",
        json_schema_extra={"empty": "for ever"},
    )


_MAIL = r"[^@\s,]+@[^@\s,]+"


class Webhook(Frozen):
    """A URL that is told of events. The address itself is a secret: whoever knows it can write there."""

    kind: Literal["json", "slack", "mattermost", "ntfy"] = "json"
    name: ChannelName
    url: Annotated[str, shaped(r"https?://[^\s\x00-\x1f]+", "an address that begins with https:// or http://")] = Field(
        max_length=2000
    )


class Email(Frozen):
    """Somebody who is told by e-mail. The password is in the environment variable that `password_variable` names."""

    kind: Literal["email"] = "email"
    name: ChannelName
    host: Annotated[str, shaped(r"[A-Za-z0-9.:_-]+", "the name of a server, such as smtp.example.org")] = Field(
        max_length=253, description="Of the SMTP server."
    )
    port: int = Field(587, ge=1, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: Annotated[str, shaped(_MAIL, "an address such as lab@example.org")] = Field(max_length=254)
    to: Annotated[str, shaped(f"{_MAIL}(, *{_MAIL})*", "addresses with commas between them")] = Field(max_length=2000)
    user: Annotated[str, Field(max_length=254)] | None = None
    password_variable: (
        Annotated[str, Field(max_length=100), shaped(r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable")]
        | None
    ) = None


Channel = Annotated[Webhook | Email, Field(discriminator="kind")]

_KINDS = frozenset({"json", "slack", "mattermost", "ntfy", "email", "ray", "slurm"})
_SECRET = frozenset({"channels"})
"""Fields whose values are in no message: people put an address, or a password, where something else belongs."""
_ADDRESS = re.compile(r"(https?://)\S+", re.IGNORECASE)


class Reports(Frozen):
    """The head of the lab's reports."""

    header: Annotated[str, shaped(r"[^\x00-\x1f\x7f-\x9f]*", "one line of text")] = Field(
        "", max_length=200, title="Line at the head", description="Of each report, beside the logo: whose lab it is."
    )


class Settings(Frozen):
    """All settings of a lab; every one has a default, so that a lab needs no file."""

    slots: Slots = Slots()
    disk: Disk = Disk()
    retry: Retry = Retry()
    retention: Retention = Retention()
    watch: Annotated[tuple[AnyRule, ...], Field(max_length=MOST_RULES)] = Field(
        (), description="Rules for every run, besides its own."
    )
    reports: Reports = Reports()
    channels: Annotated[tuple[Channel, ...], Field(max_length=20)] = ()
    engines: Annotated[tuple[ClusterSettings, ...], Field(max_length=20)] = Field(
        (), description="Clusters that runs may be handed to, besides this machine."
    )
    engine: EngineName = Field(
        "local",
        title="Where runs go",
        description="Those that don't say: local, an engine's name, or auto, which is the first with a free slot.",
    )
    time_zone: Annotated[str, AfterValidator(_zone)] | None = Field(
        None, description="Of times in logs of the lab and in messages. Empty: UTC. Pages show the viewer's."
    )
    tour: bool = Field(
        True,
        title="Tour for a first visit",
        description="A lab without runs offers a short tour; off once it was ended.",
    )

    @model_validator(mode="after")
    def _names(self) -> Settings:
        channels, engines = ([each.name for each in listed] for listed in (self.channels, self.engines))
        lines: list[tuple[Place, str]] = [*_twice("channels", channels), *_twice("engines", engines)]
        for k, name in enumerate(engines):
            if name in ("local", "inline", "auto"):
                lines.append((("engines", k, "name"), f"{name!r} is no name for one, since it means something already"))
        if self.engine not in ("local", "auto", *engines):
            lines.append((("engine",), f"there is no engine {self.engine!r}"))
        for k, rule in enumerate(self.watch):
            if unknown := set(rule.tell) - set(channels):
                lines.append((("watch", k, "tell"), f"there is no channel {min(unknown)!r}"))
        if lines:
            raise FieldsAtFault(lines)
        return self


def _twice(field: str, names: list[str]) -> list[tuple[Place, str]]:
    """(path, line) of each name of a list that stands before it already."""
    return [
        ((field, k, "name"), f"the name {name!r} stands twice") for k, name in enumerate(names) if name in names[:k]
    ]


@dataclass(frozen=True)
class InForce:
    """The settings in force, and what is wrong with the file where they are not the file's."""

    settings: Settings
    fault: str = ""


_lock = threading.Lock()
_known: dict[Path, tuple[Any, InForce]] = {}


def settings() -> Settings:
    """The settings in force."""
    return in_force().settings


def in_force() -> InForce:
    """The settings in force and the file's fault; the file is read again only when it has changed."""
    lab = home()
    path, kept = lab.settings_file, lab.kept_settings
    mark = _mark(path), _mark(kept)
    with _lock:
        if path not in _known or _known[path][0] != mark:
            found, lasting = _read(path, kept)
            _known[path] = (mark if lasting else None, found)
        return _known[path][1]


def text() -> str:
    """The settings file as it is, the defaults where there is none; nothing where it can't be read."""
    try:
        raw = _raw(home().settings_file)
    except LabError:
        return ""
    return written(Settings()) if raw is None else raw.decode("utf-8-sig", "replace")


def written(chosen: Settings) -> str:
    """Settings as the text of a file."""
    return yaml.safe_dump(chosen.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def parse(data: Any) -> Settings:
    """Settings from plain data. Raises ConfigError naming each field at fault."""
    if data is None:
        return Settings()
    if not isinstance(data, dict):
        from core.config.faults import kind_of

        raise ConfigError([f"a lab's settings are a mapping of fields, not {kind_of(data)}"])
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigError([line for _, line in faults(error)]) from None


def faults(error: ValidationError) -> list[tuple[tuple[str | int, ...], str]]:
    """(path of the field, one clear line) for each error of settings; addresses of webhooks are in none of them."""
    from core.config.faults import field_errors  # with the catalogue of problems: workers need none of it

    return [(path, _ADDRESS.sub(r"\1***", line)) for path, line in field_errors(error, _KINDS, _SECRET)]


def parse_text(source: str) -> Settings:
    """Settings from the text of a file. Raises ConfigError."""
    try:
        return parse(plain_data(source))
    except DocumentError as error:
        raise ConfigError([_ADDRESS.sub(r"\1***", f"the settings can't be read: {error}")]) from None


@needs(ADMIN)
def save(chosen: Settings, before: str | None = None) -> None:
    """Write the settings file, readable by its owner alone: addresses of webhooks are secrets.

    Args:
        chosen: what shall be in force.
        before: `text()` as the person who chose it saw it; a file that says something else by now is not overwritten.

    Raises LabError when somebody else changed it meanwhile, StoreError when it can't be written.
    """
    path = home().ensure().settings_file
    with _lock:
        if before is not None and text() != before:
            raise LabError("Somebody else changed the settings meanwhile. Look at theirs, then change them again.")
        try:
            write_whole(path, written(chosen), mode=0o600)
            write_whole(home().kept_settings, written(chosen), mode=0o600)
        except OSError as error:
            raise StoreError(f"The settings could not be saved: {error.strerror or error}.") from error


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path, kept: Path) -> tuple[InForce, bool]:
    """What is in force, and whether it stays so while neither file changes.

    Args:
        path: the settings file.
        kept: beside it, what it said when it was valid last.
    """
    valid_last = _valid_last(kept)
    try:
        raw = _raw(path)
        chosen = Settings() if raw is None else parse_text(_decoded(raw))
    except LabError as error:
        if valid_last is None:
            return InForce(Settings(), f"{path} does not validate, so the defaults are in force: {error}"), True
        fault = f"{path} does not validate, so the last valid settings stay in force: {error}"
        return InForce(valid_last[1], fault), True
    if valid_last is not None and raw is None:
        fault = f"{path} is gone, so the last valid settings stay in force. To have the defaults, remove {kept} too."
        return InForce(valid_last[1], fault), True
    if raw is not None and (valid_last is None or valid_last[0] != raw):
        if valid_last is not None and _young(path):
            return InForce(valid_last[1]), False
        with contextlib.suppress(OSError):  # a full disk, or a home that is read-only: the next reader tries again
            write_whole(kept, raw, mode=0o600)
    return InForce(chosen), True


def _valid_last(kept: Path) -> tuple[bytes, Settings] | None:
    """What was valid last, as bytes and as settings; None where nothing was, or it is gone."""
    with contextlib.suppress(LabError):
        raw = _raw(kept)
        if raw is not None:
            return raw, parse_text(_decoded(raw))
    return None


def _young(path: Path) -> bool:
    try:
        return 0 <= time.time() - path.stat().st_mtime < SETTLED_S
    except OSError:
        return True


def _raw(path: Path) -> bytes | None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would wait for somebody who writes
            raise LabError(f"{path} can't be read: it is no file.")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LabError(f"{path} can't be read: {(error.strerror or str(error)).lower()}.") from error
    if len(data) > LARGEST:
        raise LabError(f"{path} can't be read: it has more than {LARGEST // 1000} kB, and settings have less.")
    return data


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([f"it is no UTF-8 text, from byte {error.start} on"]) from None
