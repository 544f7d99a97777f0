"""What a run claims about its λ and its profile, with all that is needed to hold the claim against its checkpoint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import LabError
from core.files import finite
from core.problems.base import Problem
from core.runs import RunFolder, run_folder
from core.runs.folder import CERTIFICATE
from core.singularity.biot_savart import VelocityCheck
from core.singularity.digits import lambda_text
from core.singularity.regions import WORDS
from core.tracking.store import artifact

TAG = "lab.certificate"
"""Tag of a run that has one: `holds` or `does not hold`."""
LAMBDA_TAG, UNCERTAINTY_TAG = f"{TAG}.lambda", f"{TAG}.lambda_uncertainty"
RESIDUAL_TAG, TOLERANCE_TAG = f"{TAG}.max_residual", f"{TAG}.tolerance"
"""Its figures, in full, for lists of runs; the uncertainty only where it was assessed."""
CONTRADICTION_TAG = f"{TAG}.contradiction"
"""How the dense grid contradicts it, in one sentence; empty where the two agree."""
OPTIONAL = ("dense_max_residual", "equations", "velocity")
"""Fields that not every problem has; earlier versions know none of them."""
TOLERANCE = 1e-8
"""Largest residual that a certificate lets pass unless another tolerance is asked for."""


@dataclass(frozen=True)
class Region:
    """Residuals over one range of |y|."""

    name: str
    low: float
    high: float
    """Ends of the range of |y|; of the first coordinate where the problem is no profile."""
    points: int
    max_residual: float
    rms_residual: float


@dataclass(frozen=True)
class Certificate:
    """Residuals on points that were not trained on, and λ, of one checkpoint."""

    run_id: str
    problem: str
    """Kind."""
    title: str
    parameters: dict[str, Any]
    equation: str
    gauge: str
    regions: tuple[Region, ...]
    tolerance: float
    lambda_: float
    lambda_uncertainty: float | None
    """Half of the width of the interval that holds λ; None where that was not assessed."""
    lambda_reference: float | None
    config_hash: str
    checkpoint: str
    """File in the run's folder."""
    checkpoint_sha256: str
    iteration: int
    made: str
    """Date and time in UTC, ISO 8601."""
    versions: dict[str, str] = field(default_factory=dict)
    dense_max_residual: float | None = None
    """Largest residual on the dense grid, which ends where training's reach does; None where it was not measured."""
    equations: dict[str, float] = field(default_factory=dict)
    """Published equation in vector form → its largest residual over the local size of its terms; in the plane alone."""
    velocity: VelocityCheck | None = None
    """In the plane alone."""

    @property
    def max_residual(self) -> float:
        """Largest absolute residual in any region and of any equation; NaN where one of them is."""
        return float(np.max([*(region.max_residual for region in self.regions), *self.equations.values()]))

    @property
    def holds(self) -> bool:
        """Whether no residual is above the tolerance, nor the velocity's error where it was checked."""
        velocity = self.velocity is None or self.velocity.within(self.tolerance)
        return bool(self.max_residual <= self.tolerance) and velocity

    @property
    def contradiction(self) -> str:
        """How the dense grid contradicts the certificate, in one sentence; empty where it doesn't.

        Both ask the same equations of the same checkpoint within the reach of training, at different points.
        """
        own = float(np.max([region.max_residual for region in self.regions if region.name != "beyond"]))
        dense = self.dense_max_residual
        if dense is None or (own <= self.tolerance) == (dense <= self.tolerance):
            return ""
        holds, fails = (own, dense) if own <= self.tolerance else (dense, own)
        which = "certificate's points" if holds == own else "dense grid"
        other = "dense grid" if holds == own else "certificate's points"
        return (
            f"Contradiction: the {which} leave at most {holds:.1e}, within {self.tolerance:g}, and the {other} up to "
            f"{fails:.1e}. Rely on neither, nor on λ's digits, before it is known where they part: look at the "
            "residual over all scales, and train again."
        )

    @property
    def lambda_text(self) -> str:
        """λ with the digits that are supported."""
        return lambda_text(self.lambda_, self.lambda_uncertainty)

    def sentence(self) -> str:
        """The claim in one line."""
        parts = ", ".join(f"{region.max_residual:.1e} {WORDS[region.name]}" for region in self.regions)
        word = "holds" if self.holds else "does not hold"
        if self.equations:
            parts += f", {max(self.equations.values()):.1e} in the published equations"
        if self.velocity:
            parts += f", velocity off by {self.velocity.max_relative_difference:.1e}"
        claim = f"{word} at {self.tolerance:g}: max residual {parts}; λ {_equals(self.lambda_text)}; gauge {self.gauge}"
        return f"{claim}. {self.contradiction}" if self.contradiction else claim

    def at(self, tolerance: float) -> Certificate:
        """The same figures judged by another tolerance. Raises LabError for one that is not positive."""
        if not 0 < tolerance < np.inf:
            raise LabError(f"A tolerance is a positive number, not {tolerance:g}.")
        return replace(self, tolerance=tolerance)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, `holds` and the overall maximum included; what is not finite is None, with its reason."""
        data = asdict(self) | {"holds": self.holds, "max_residual": self.max_residual, "lambda_text": self.lambda_text}
        data["contradiction"] = self.contradiction
        for name in OPTIONAL:
            if not data[name] and data[name] != 0:
                del data[name]
        data["lambda"] = data.pop("lambda_")
        return json.loads(json.dumps(finite(data)))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Certificate:
        """What `as_dict` gave. Raises LabError for what is no certificate of this version."""
        names = cls.__dataclass_fields__.keys() - {"lambda_", "regions", *OPTIONAL}
        try:
            regions = tuple(Region(**_numbers(region)) for region in data["regions"])
            lam = np.nan if data["lambda"] is None else data["lambda"]
            optional = _numbers({name: data[name] for name in OPTIONAL if name in data})
            optional["equations"] = _numbers(optional.get("equations", {}))
            if "velocity" in optional:
                optional["velocity"] = VelocityCheck(**_numbers(optional["velocity"]))
            _check_types(data, names, regions, lam, optional)
            own = {name: data[name] for name in names}
            return cls(**own, lambda_=lam, regions=regions, **optional)
        except (KeyError, TypeError, AttributeError) as error:
            raise LabError(f"This is no certificate of this version: {error}.") from None

    def write(self, folder: RunFolder) -> Path:
        """Keep it in the run's folder; a reader sees the old file or the new one."""
        return folder.write_certificate(self.as_dict())


def _numbers(data: Mapping[str, Any]) -> dict[str, Any]:
    """What a file says, with NaN where it has null: what was not finite."""
    return {name: np.nan if value is None else value for name, value in data.items()}


def _check_types(
    data: Mapping[str, Any], names: Iterable[str], regions: Iterable[Region], lam: Any, optional: Mapping[str, Any]
) -> None:
    """Raise TypeError for values that no certificate has, before a figure is made of them."""
    kinds = {"parameters": dict, "versions": dict, "tolerance": (int, float), "iteration": int}
    nullable = ("lambda_uncertainty", "lambda_reference")
    values = [(name, data[name], kinds.get(name, str)) for name in names if name not in nullable]
    values += [(name, data.get(name), (int, float, type(None))) for name in (*nullable, "dense_max_residual")]
    values += [("lambda", lam, (int, float))]
    values += [(name, value, (int, float)) for name, value in optional["equations"].items()]
    velocity = asdict(optional["velocity"]) if "velocity" in optional else {}
    values += [(name, value, (int, float)) for name, value in velocity.items()]
    for region in regions:
        if region.name not in WORDS:
            raise TypeError(f"there is no region {region.name!r:.60}")
        values += [(name, value, str if name == "name" else (int, float)) for name, value in asdict(region).items()]
    for name, value, kind in values:
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TypeError(f"{name} is {value!r:.60}")


def certified(problem: Problem) -> bool:
    """Whether runs of a problem get a certificate: those that look for λ."""
    return problem.has_lambda and problem.unknown == "λ"


def read(folder: RunFolder) -> Certificate | None:
    """A run's certificate from its own folder, else from the store; None where it has none.

    Raises RunNotFoundError for what is no run, LabError for a file that is no certificate.
    """
    raw = artifact(folder, CERTIFICATE)
    if raw is None:
        return None
    try:
        return Certificate.from_dict(json.loads(raw))
    except (ValueError, RecursionError) as error:
        raise LabError(f"The certificate of run {folder} can't be read: {error}") from None


def tags(certificate: Certificate) -> dict[str, str]:
    """What a run's tags say of its certificate, so that lists of runs need not open files."""
    found = {
        TAG: "holds" if certificate.holds else "does not hold",
        LAMBDA_TAG: repr(certificate.lambda_),
        RESIDUAL_TAG: repr(certificate.max_residual),
        TOLERANCE_TAG: repr(certificate.tolerance),
        CONTRADICTION_TAG: certificate.contradiction,
    }
    if certificate.lambda_uncertainty is not None:
        found[UNCERTAINTY_TAG] = repr(certificate.lambda_uncertainty)
    return found


def is_current(certificate: Certificate) -> bool:
    """Whether the run's checkpoint on this machine is the one certified; True where there is none here."""
    path = run_folder(certificate.run_id).file(certificate.checkpoint)
    return not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() == certificate.checkpoint_sha256


def _equals(text: str) -> str:
    return text if text.startswith("≈") else f"= {text}"
