"""The equations at a set of points, as first-order methods (a loss) and second-order ones (r and J) see them.

Each kind of row is a file of its own: `equations`, `nonlocal_rows`, `data`. What is done with them stands in
`objective`, `jacobian`, `products` and `origin`.
"""

from core.training.objective.data import DATA
from core.training.objective.memory import SHARE, free_memory, nonlocal_bytes
from core.training.objective.objective import Objective
from core.training.objective.residuals import Residuals

__all__ = ["DATA", "SHARE", "Objective", "Residuals", "free_memory", "nonlocal_bytes"]
