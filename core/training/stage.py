"""One stage: its network is added, a warm-up and a main phase train it, and it is kept."""

from __future__ import annotations

from core import config as configs
from core.config import FIRST_ORDER
from core.runs.history import MAIN, PATH, WARMUP
from core.training import equations
from core.training.choose import choose
from core.training.exponent import Exponent
from core.training.finding import find_polynomials
from core.training.first_order import FirstOrderPhase
from core.training.path_phase import PathPhase
from core.training.recorder import Recorder
from core.training.room import check_room
from core.training.second_order import SecondOrderPhase
from core.training.stage_network import add_network
from core.training.state import Position, RunState, Wanted

WARMUP_RATIO = 0.1
"""Last learning rate of a warm-up over its first."""


class StageTraining:
    """The training of the run's present stage.

    Args:
        run: its state.
        recorder: of its numbers.
        exponent: what is done about λ.
    """

    def __init__(self, run: RunState, recorder: Recorder, exponent: Exponent):
        self.run, self.recorder, self.exponent = run, recorder, exponent
        self.index = run.position.stage

    def begin(self) -> None:
        """Add the stage's network, unless a checkpoint brought it along.

        Raises TrainingError where the stage would need more memory than there is, and Interrupted.
        """
        march = self.recorder.march
        if march is None or len(march.done) < 2:  # a window takes what the second does, which begins with a state
            check_room(self.run)
        if len(self.run.records) == self.index:
            if self.run.stage.chebyshev is not None and self.run.stage.chebyshev.is_to_be_found:
                find_polynomials(self.run, self.recorder.progress)
            add_network(self.run, self.exponent, self.recorder.progress)
            if march is not None and self.index + 1 == len(self.run.config.stages):
                march.check_memory(self.run)

    def advance(self) -> Wanted:
        """Train what is left of the stage; what interrupted it, if anything did."""
        return self._path() or self._warm_up() or self._main()

    def end(self) -> None:
        """Say how the stage ended and keep its checkpoint; the next one is at its beginning then."""
        run, record = self.run, self.run.record
        run.say(
            f"stage {self.index + 1} ended after {record.iterations} iterations: {record.ended}; "
            f"max residual {record.max_residual:.2e}"
        )
        self.recorder.report_stage_end()
        run.position = Position(stage=self.index + 1, total=run.position.total, windows=run.position.windows)
        run.optimizer, run.adapted = {}, None
        self.recorder.save_in_turn()
        if self.recorder.march is None:  # the last one has all windows
            self.recorder.keep_stage()

    def _path(self) -> Wanted:
        if self.run.position.phase != PATH:
            return None
        return PathPhase(self.run, self.recorder, self.exponent).advance()

    def _warm_up(self) -> Wanted:
        run, warmup = self.run, self.run.stage.warmup
        if run.position.phase != WARMUP:
            return None
        wanted = None
        if warmup.iterations:
            adam = configs.Adam(learning_rate=warmup.learning_rate, final_learning_rate_ratio=WARMUP_RATIO)
            self.recorder.progress.enter("warm-up", self.index, run.position.iteration)
            wanted = self._first_order(adam, warmup.iterations, warmup.precision, main=False)
        if wanted is None:
            run.position.phase, run.position.iteration = MAIN, 0
            run.optimizer = {}
        return wanted

    def _main(self) -> Wanted:
        run, optimizer = self.run, self.run.stage.optimizer
        self.recorder.progress.enter("main", self.index, run.position.iteration)
        if optimizer.kind == "auto":
            choice = choose(equations.present(run, self.exponent), run.stage.precision)
            optimizer = choice.config
            run.say(f"auto: {choice.reason}")
        run.record.optimizer = optimizer.kind
        if optimizer.kind in FIRST_ORDER:
            return self._first_order(optimizer, run.stage.iterations, run.stage.precision, main=True)
        return SecondOrderPhase(run, self.recorder, self.exponent, optimizer).advance()

    def _first_order(
        self, optimizer: configs.Adam | configs.SOAP, iterations: int, precision: configs.Precision, main: bool
    ) -> Wanted:
        return FirstOrderPhase(self.run, self.recorder, self.exponent, optimizer, iterations, precision, main).advance()
