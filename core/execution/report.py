"""What `--json` writes of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.singularity.certificate import Certificate
from core.singularity.digits import iterate_text, number_text
from core.training.measure import Measures


@dataclass(frozen=True)
class RunReport:
    """A run's figures, and its certificate where it looks for λ."""

    run_id: str
    state: str
    problem: str
    config_hash: str
    seed: int
    wall_time_s: float
    iterations: int
    parameters: int
    measures: Measures | None
    """None where they could not be computed."""
    certificate: Certificate | None = None
    """For runs that look for λ."""
    remark: str = ""
    """What a reader must know before believing the run, such as that its solution is far off; mostly nothing."""
    missing: tuple[str, ...] = ()
    """What could not be made of the trained solution, each in one sentence."""
    spreads: Mapping[str, float] = field(default_factory=dict)
    """Standard errors of the unknown numbers of an equation."""

    def as_dict(self) -> dict[str, object]:
        """Plain data; figures that the problem does not have are left out."""
        measures = {} if self.measures is None else self._figures()
        apart = ("measures", "certificate", "remark", "missing", "spreads")
        own = {key: value for key, value in vars(self).items() if key not in apart}
        if self.remark:
            own["remark"] = self.remark
        found = own | {key: value for key, value in measures.items() if value is not None}
        if self.measures is not None and (self.spreads or len(self.measures.unknowns) > 1):
            found["unknowns"] = {
                name: {"value": value}
                | ({"standard_error": self.spreads[name]} if name in self.spreads else {})
                | ({"reference": self.measures.references[name]} if name in self.measures.references else {})
                for name, value in self.measures.unknowns.items()
            }
        if self.missing:
            found["missing"] = list(self.missing)
        return found | ({"certificate": self.certificate.as_dict()} if self.certificate else {})

    def text(self, key: str, value: object) -> str:
        """A figure of `as_dict` for people: the certificate in one line, λ with the digits that it supports."""
        if key == "certificate":
            return self.certificate.sentence()
        if key == "unknowns":
            return ", ".join(f"{name} = {number_text(**figures)}" for name, figures in value.items())
        if key == "lambda" and isinstance(value, float):
            return self.certificate.lambda_text if self.certificate else iterate_text(value)
        return str(value)

    def _figures(self) -> dict[str, float | None]:
        return {
            "max_residual": self.measures.max_residual,
            "rms_residual": self.measures.rms_residual,
            "relative_l2_error": self.measures.relative_l2_error,
            "max_error": self.measures.max_error,
            "lambda": self.measures.lambda_,
            "lambda_reference": self.measures.lambda_reference,
            "lambda_error": self.measures.lambda_error,
        }
