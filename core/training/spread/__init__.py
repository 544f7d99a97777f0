"""One run in several processes: the first trains as ever, the others hold a part of the rows and do as it says.

Everything that decides is in the first process: one history, one checkpoint, one optimizer. It sends the parameters
before each pass, so all compute at the same ones to the bit, and asks for sums over all rows: `part` makes a process's
own, `calls` says which there are and how they are put together, `objective` is what an optimizer sees.
"""

from core.training.spread.helping import help_out
from core.training.spread.objective import SpreadObjective
from core.training.spread.ranks import Ranks

__all__ = ["Ranks", "SpreadObjective", "help_out"]
