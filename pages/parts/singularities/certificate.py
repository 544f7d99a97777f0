"""A run's residual certificate: a badge, its numbers, the file."""

from __future__ import annotations

import json

import streamlit as st

from core.runs.folder import CERTIFICATE
from core.singularity.certificate import WORDS, Certificate, is_current
from core.singularity.digits import lambda_text, reference_text
from core.singularity.found import Found
from pages.parts.shared.text import Markdown, code, figure_of, message, plain
from pages.parts.shared.times import iso_text


def certificate_badge(holds: bool | None) -> Markdown:
    """The certificate in a word, as a coloured badge in Markdown."""
    if holds is None:
        return ":gray-badge[:material/hourglass_empty: no certificate]"
    if holds:
        return ":green-badge[:material/verified: certificate holds]"
    return ":orange-badge[:material/unpublished: certificate does not hold]"


def search_numbers(run: Found, last: float | None, reference: float | None) -> None:
    """λ with the digits that are supported, and what it is to be held against."""
    lam = run.lambda_ if run.holds is not None or last is None else last
    cells = {
        "λ": "–" if lam is None else lambda_text(lam, run.uncertainty),
        "known λ": "–" if reference is None else reference_text(reference),
        "distance": figure_of(None if lam is None or reference is None else abs(lam - reference)),
        "max residual": figure_of(run.max_residual),
    }
    for column, (label, value) in zip(st.columns([3, 2, 1, 1]), cells.items(), strict=True):
        column.metric(label, plain(value))


def certificate_view(certificate: Certificate | None) -> None:
    """The certificate's figures, what they are of, and the file to keep."""
    if certificate is None:
        st.caption("There is no certificate yet: a run gets one at its end, also when it is stopped.")
        return
    st.markdown(
        f"{certificate_badge(certificate.holds)} at tolerance {certificate.tolerance:g}, gauge "
        f"{plain(certificate.gauge)}, on points not used in training"
    )
    st.table(
        {
            "where": [WORDS[region.name] for region in certificate.regions],
            "from": [f"{region.low:.3g}" for region in certificate.regions],
            "to": [f"{region.high:.3g}" for region in certificate.regions],
            "points": [f"{region.points:,}" for region in certificate.regions],
            "max |R|": [f"{region.max_residual:.2e}" for region in certificate.regions],
            "RMS R": [f"{region.rms_residual:.2e}" for region in certificate.regions],
        },
        border="horizontal",
        hide_index=True,
    )
    if certificate.contradiction:
        st.error(message(certificate.contradiction), icon=":material/compare_arrows:")
    made = plain(iso_text(certificate.made))
    versions = ", ".join(f"{name} {value[:12]}" for name, value in certificate.versions.items())
    st.caption(
        f"{made} · iteration {certificate.iteration:,} · config "
        f"{code(certificate.config_hash[:16])} · checkpoint {code(certificate.checkpoint_sha256[:16])} · "
        f"{plain(versions)}"
    )
    if not is_current(certificate):
        st.warning(
            "The run went on since: this is the certificate of an earlier checkpoint.", icon=":material/history:"
        )
    st.download_button(
        "Certificate",
        json.dumps(certificate.as_dict(), indent=2, ensure_ascii=False),
        f"{certificate.run_id[:8]}-{CERTIFICATE}",
        mime="application/json",
        on_click="ignore",
        icon=":material/download:",
    )


def equations_view(certificate: Certificate) -> None:
    """What trusts nothing that was trained, of profiles in the plane: the published equations, and the velocity."""
    st.markdown("The published equations in vector form, asked of the fields as they are shown")
    st.table(
        {
            "equation": [plain(name) for name in certificate.equations],
            "max |R| over its terms": [f"{value:.2e}" for value in certificate.equations.values()],
        },
        border="horizontal",
        hide_index=True,
    )
    if velocity := certificate.velocity:
        st.caption(
            f"Velocity against the integral of its vorticity (Biot–Savart) at {velocity.points:,} points: off by up to "
            f"{velocity.max_relative_difference:.1e} of itself. The integral is trusted to {velocity.trusted:.1e}."
        )
