"""The Markdown summary that every run leaves behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.config import RunConfig, Stage
from core.datasets import mesh_of
from core.reports.pieces import known_so_far
from core.reports.stage_table import network_words
from core.runs.windows import WindowStep, marched
from core.singularity.certificate import WORDS, Certificate, certified
from core.singularity.digits import iterate_text, lambda_text, number_text, reference_text
from core.training.measure import Measures
from core.training.sigma import as_text
from core.training.state import StageRecord


def summary(
    run_id: str,
    state: str,
    config: RunConfig,
    measures: Measures,
    records: list[StageRecord],
    wall_time_s: float,
    provenance: dict[str, str],
    certificate: Certificate | None = None,
    remark: str = "",
    stages: Sequence[Stage] = (),
    windows: Sequence[WindowStep] = (),
    spreads: Mapping[str, float] | None = None,
) -> str:
    """What was solved, how well, in which stages and with what: one page of Markdown.

    λ stands there with the digits that its certificate supports. A remark, such as that the solution is far off, comes
    before all figures. The stages are the config's, or those that the run has grown.
    """
    problem = config.problem
    lines = [
        f"# {config.name or problem.title}",
        "",
        f"{problem.title}, run `{run_id}`, {state} after {wall_time_s:.1f} s.",
        "",
        *([f"**{remark}.**", ""] if remark else []),
        f"$$ {problem.equation} $$",
        "",
        "## Result, on a dense grid not used in training",
        "",
        "| quantity | value |",
        "|---|---|",
        f"| max residual | {measures.max_residual:.3e} |",
        f"| RMS residual | {measures.rms_residual:.3e} |",
    ]
    over = " (where the exact solution has a value)" if measures.exact_gap else ""
    if measures.relative_l2_error is not None:
        lines.append(f"| relative L2 error{over} | {measures.relative_l2_error:.3e} |")
    if measures.max_error is not None:
        lines.append(f"| max error{over} | {measures.max_error:.3e} |")
    if measures.lambda_ is not None:
        uncertainty = certificate.lambda_uncertainty if certificate else None
        claimed = certified(problem)  # another unknown, such as a viscosity, has no certificate
        shown = lambda_text(measures.lambda_, uncertainty) if claimed else iterate_text(measures.lambda_)
        known = (spreads or {}).get(problem.unknown)
        lines.append(f"| {problem.unknown} | {shown if known is None else number_text(measures.lambda_, known)} |")
    lines += [
        f"| {name} | {number_text(value, (spreads or {}).get(name), measures.references.get(name))} |"
        for name, value in list(measures.unknowns.items())[1:]
    ]
    if measures.lambda_error is not None:
        lines += [
            f"| {problem.unknown} reference | {reference_text(measures.lambda_reference)} |",
            f"| abs. error of {problem.unknown} | {measures.lambda_error:.2e} |",
        ]
    if certificate is not None:
        lines += _certificate_lines(certificate)
    lines += _window_lines(windows, problem.time)
    lines += [
        "",
        "## Stages of the last window" if windows else "## Stages",
        "",
        "| stage | network | parameters | σ | ε | iterations | seconds | max residual (training points) | ended |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for record, stage in zip(records, stages or config.stages, strict=False):
        network = network_words(stage, config)
        sigma = "" if record.sigma is None else as_text(record.sigma)
        lines.append(
            f"| {record.index + 1} | {network} | {record.parameters} | {sigma} | {record.epsilon:.2e} | "
            f"{record.iterations} | {record.seconds:.1f} | {record.max_residual:.2e} | {record.ended} |"
        )
    lines += ["", "## Provenance", "", f"Config hash `{config.hash}`."]
    if problem.uses_data:
        lines += ["", f"Dataset `{problem.dataset}`, version `{problem.dataset_version}` (Git blob id)."]
        lines += [f"Its columns: `{problem.dataset_columns}`."] if problem.dataset_columns else []
    if mesh := mesh_of(problem):
        lines += ["", f"Mesh `{mesh.file}`, version `{mesh.version}` (Git blob id)."]
    lines += ["", "| | |", "|---|---|"]
    lines += [f"| {key} | {value} |" for key, value in provenance.items()]
    lines += ["", "## Reproduce", "", f"`python -m core replay {run_id}`", ""]
    return "\n".join(lines)


def _window_lines(windows: Sequence[WindowStep], time: str | None) -> list[str]:
    """The windows of time, each with what it left; nothing for a run without."""
    if not windows:
        return []
    return [
        "",
        f"## Windows: {marched(windows)}",
        "",
        f"| {time} from | to | iterations | seconds | RMS residual (training points) | max residual | |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {step.begin:.6g} | {step.end:.6g} | {step.iterations} | {step.seconds:.1f} | {step.rms_residual:.2e} | "
            f"{step.max_residual:.2e} | {'halved' if step.halved else known_so_far(step)} |"
            for step in windows
        ),
    ]


def _certificate_lines(certificate: Certificate) -> list[str]:
    holds = "holds" if certificate.holds else "does not hold"
    return [
        "",
        f"## Residual certificate: {holds} at {certificate.tolerance:g}",
        "",
        "| where | \\|y\\| from | to | points | max residual | RMS residual |",
        "|---|---|---|---|---|---|",
        *(
            f"| {WORDS[region.name]} | {region.low:.3g} | {region.high:.3g} | {region.points} | "
            f"{region.max_residual:.3e} | {region.rms_residual:.3e} |"
            for region in certificate.regions
        ),
        *_plane_lines(certificate),
        "",
        f"Gauge: {certificate.gauge}. Checkpoint `{certificate.checkpoint}`, SHA-256 "
        f"`{certificate.checkpoint_sha256}`.",
        *(["", f"**{certificate.contradiction}**"] if certificate.contradiction else []),
    ]


def _plane_lines(certificate: Certificate) -> list[str]:
    """The published equations and the velocity, of profiles in the plane."""
    lines = []
    if certificate.equations:
        lines += ["", "| published equation, in vector form | max residual, relative to its terms |", "|---|---|"]
        lines += [f"| {name} | {value:.3e} |" for name, value in certificate.equations.items()]
    if velocity := certificate.velocity:
        lines += [
            "",
            f"Velocity against the integral of its vorticity (Biot–Savart) at {velocity.points} points: off by up to "
            f"{velocity.max_relative_difference:.1e} of itself; the integral is trusted to {velocity.trusted:.1e}.",
        ]
    return lines
