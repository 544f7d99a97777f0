"""Colours of curves; they read well on a light and on a dark page, and on paper."""

PALETTE = ("#0f9488", "#e4572e", "#5b6ee1", "#d08700", "#b0389b", "#3a86c8", "#6a994e", "#c1436d", "#8b6f47", "#64748b")

GREY = "#94a3b8"
"""Of what stands behind: marks, references, notes."""
