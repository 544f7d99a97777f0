"""Takes the study of a sweep out of the lab's database: `python -m core.sweeps.forgetting ID`.

A process of its own, since who empties the bin stands below sweeps and imports no Optuna.
"""

from __future__ import annotations

import sys

from core.errors import LabError, sentence
from core.home import RUN_ID
from core.sweeps.study import forget_study


def main() -> int:
    """Delete the study of the sweep named on the command line; one that is not there is no error."""
    sweep_id = sys.argv[1]
    try:
        if not RUN_ID.fullmatch(sweep_id):
            raise LabError(f"{sweep_id[:40]!r} is no sweep's id.")
        forget_study(sweep_id)
    except Exception as error:  # of Optuna's or the database's: who asked gets its sentence
        print(sentence(error), file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
