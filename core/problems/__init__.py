"""The catalogue of problems: a new one is its own file and one line here, or a file outside (docs/adding-a-problem)."""

from core.problems import external
from core.problems.allen_cahn import AllenCahn
from core.problems.base import Problem
from core.problems.beltrami import Beltrami
from core.problems.boussinesq import Boussinesq
from core.problems.burgers_inverse import BurgersInverse
from core.problems.burgers_profile import BurgersProfile
from core.problems.burgers_viscous import BurgersViscous
from core.problems.ccf import CCF
from core.problems.equation import Equation
from core.problems.gclm import GCLM
from core.problems.gp_vortex import GPVortex
from core.problems.heat1d import Heat1D
from core.problems.heat2d import Heat2D
from core.problems.heat3d import Heat3D
from core.problems.helmholtz import Helmholtz
from core.problems.ipm import IPM
from core.problems.poisson2d import Poisson2D
from core.problems.poisson3d import Poisson3D
from core.problems.poisson5d import Poisson5D
from core.problems.poisson5d_cosine import Poisson5DCosine
from core.problems.taylor_green import TaylorGreen
from core.problems.wave import Wave

BUILT_IN: tuple[type[Problem], ...] = (
    Poisson2D,
    Poisson3D,
    Poisson5D,
    Poisson5DCosine,
    Helmholtz,
    Heat1D,
    Heat2D,
    Heat3D,
    Wave,
    BurgersProfile,
    GCLM,
    CCF,
    IPM,
    Boussinesq,
    GPVortex,
    BurgersViscous,
    BurgersInverse,
    AllenCahn,
    TaylorGreen,
    Beltrami,
    Equation,
)

EXTERNAL, REFUSED = external.load(BUILT_IN)
"""Problems from outside this package, and what could not be taken from there."""

CATALOGUE = BUILT_IN + EXTERNAL

__all__ = ["BUILT_IN", "CATALOGUE", "EXTERNAL", "REFUSED", "Problem"]
