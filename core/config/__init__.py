"""What a run is: the form, the YAML files and the record of an old run are all a `RunConfig`. Imports no torch."""

from core.config.continuation import Continuation, start_of_path
from core.config.differences import Difference, differing, flatten
from core.config.faults import NO_SUCH_FIELD, field_errors
from core.config.growth import Growth, why_no_growth
from core.config.network import MLP, Chebyshev, Fourier, Local, Parity, Splines, orders_of
from core.config.optimizer import (
    FIRST_ORDER,
    LBFGS,
    OPTIMIZERS,
    SOAP,
    Adam,
    Auto,
    ConjugateGradient,
    GaussNewton,
    Optimizer,
    RankOneEMA,
    SSBroyden,
    Woodbury,
)
from core.config.parsing import check_version, override, parse_config
from core.config.reading import LARGEST_FILE, load_data, read_data
from core.config.run import MOST_STAGES, UNCOUNTED, VERSION, Lambda, ProblemConfig, RunConfig, differences
from core.config.size import CHEAP, lifted, size
from core.config.stage import Collocation, Precision, Stage, Warmup
from core.config.windows import NO_PARENT, Windows
from core.config.writing import config_yaml
from core.documents import MOST_VALUES

__all__ = [
    "CHEAP",
    "FIRST_ORDER",
    "LARGEST_FILE",
    "LBFGS",
    "MLP",
    "MOST_STAGES",
    "MOST_VALUES",
    "NO_PARENT",
    "NO_SUCH_FIELD",
    "OPTIMIZERS",
    "SOAP",
    "UNCOUNTED",
    "VERSION",
    "Adam",
    "Auto",
    "Chebyshev",
    "Collocation",
    "ConjugateGradient",
    "Continuation",
    "Difference",
    "Fourier",
    "GaussNewton",
    "Growth",
    "Lambda",
    "Local",
    "Optimizer",
    "Parity",
    "Precision",
    "ProblemConfig",
    "RankOneEMA",
    "RunConfig",
    "SSBroyden",
    "Splines",
    "Stage",
    "Warmup",
    "Windows",
    "Woodbury",
    "check_version",
    "config_yaml",
    "differences",
    "differing",
    "field_errors",
    "flatten",
    "lifted",
    "load_data",
    "orders_of",
    "override",
    "parse_config",
    "read_data",
    "size",
    "start_of_path",
    "why_no_growth",
]
