"""The functions and constants that may be typed, and the operators of vector calculus."""

from __future__ import annotations

FUNCTIONS = {
    "sin": 1, "cos": 1, "tan": 1, "asin": 1, "acos": 1, "atan": 1, "sinh": 1, "cosh": 1, "tanh": 1,
    "exp": 1, "log": 1, "erf": 1, "abs": 1, "sign": 1, "atan2": 2, "min": 2, "max": 2,
}  # fmt: skip
"""Those that expressions hold, with how many arguments they have there."""
WRITTEN = {"sqrt": 1, "heaviside": 1, "sech": 1, "ln": 1}
"""Those that are written as others: √a is a power, ln is log."""
OPERATORS = frozenset({"diff", "laplacian", "biharmonic", "grad", "div", "dot", "cross", "curl"})
CHOICES = frozenset({"where", "piecewise"})
OF_CONDITIONS = frozenset({"dn", "int", "normal"})
"""What may stand in conditions only."""
CONSTANTS = ("pi", "e")
WORDS = frozenset({"and", "or", "not", "even", "odd", "in", "periodic", "boundary"})
CALLED = frozenset(FUNCTIONS) | frozenset(WRITTEN) | OPERATORS | CHOICES | OF_CONDITIONS
RESERVED = CALLED | frozenset(CONSTANTS) | WORDS
"""No coordinate, field, parameter or unknown is called so."""

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ϵ": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu", "ξ": "xi", "π": "pi",
    "ρ": "rho", "σ": "sigma", "τ": "tau", "υ": "upsilon", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
    "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi",
    "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
"""Greek letters and what they are called; typed either way they are the same name."""


def plain_name(name: str) -> str:
    """A name in ASCII: `ν` and `nu` are one."""
    return "".join(GREEK.get(character, character) for character in name)
