"""Blocks on a board: in order, within the time limit, void ones once more after cooling; and what is told meanwhile."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.measure.block_order import (
    in_plans_slices,
    in_whole_trials,
    needed_blocks,
    order_of,
    parts_of,
    renumber_block,
    repeat_block,
    with_room,
)
from harness.measure.fitness import FitnessRule, holding_clock
from harness.measure.host_meter import run_with_meter
from harness.measure.readiness import STEP_S, unfitness
from harness.measure.validate_trials import validate_trials
from harness.measure.void_trials import TIMED, voids
from harness.records.board import NO_TURNS, Trial
from harness.records.errors import BlockLostError, TrialError
from harness.records.plan import BlockSpec, Plan, SlicesPlan

if TYPE_CHECKING:
    from harness.board import Board
    from harness.measure.stopping_rule import StoppingRule
    from harness.measure.trial_length import TrialLength


@dataclass(frozen=True)
class Progress:
    """One step: the device, what is going on, trial ``done`` of ``total`` (0: not counted), and seconds left.

    ``seconds_left`` is an estimate from the blocks so far, None before there is one. Where nothing goes on any more,
    ``what`` is empty. ``logged`` is what is worth a line where no terminal is: a wait, a lost link.
    """

    device: str
    what: str
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    logged: bool = False


MOST_LOSSES = 3
"""A block amid which the link was lost so often is not tried again: it may be the model that takes the board down."""
PILOT_BLOCKS = 2
"""Blocks at the plan's own length, which show what a trial is worth being."""
LONGEST_SLICE_S = 0.08
"""Slices of so long are not lengthened any more: of what is left in them the entry tells."""


@dataclass(frozen=True)
class RunContext:
    """What running blocks needs beside board and plan: who listens, the clock, and how to wait."""

    rule: FitnessRule
    what: str
    on_event: Callable[[Progress], None]
    on_trial: Callable[[Trial], None]
    now: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True)
class BlockResults:
    """What came back: trials that stand, trials measured again, and where the seconds went.

    ``superseded`` were measured again for a trial of their block that did not count, ``cut_off`` for a link that was
    lost amid their block.
    """

    trials: tuple[Trial, ...]
    superseded: tuple[Trial, ...]
    seconds: dict[str, float]
    cut_off: tuple[Trial, ...] = ()
    arrived: tuple[int, ...] = ()
    """Indices of all trials in the order in which they were measured."""
    plan: Plan | None = None
    """The plan that was kept to in the end, where it is another than was given: whole trials instead of slices."""


def run_blocks(board: "Board", plan: Plan, context: RunContext) -> BlockResults:
    """Run the plan's blocks, at least one; stops early at the time limit, at deaths and on an unfit board.

    Raises TrialError for answers that fit no request, and whatever the board raises.
    """
    return _BlockRunner(board, plan, context).run()


@dataclass
class _BlockRunner:
    board: "Board"
    plan: Plan
    context: RunContext
    standing: list[Trial] = field(default_factory=list)
    superseded: list[Trial] = field(default_factory=list)
    cut_off: list[Trial] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)
    slowest_trial_s: float = 0.0
    cooling_s: float = 0.0
    lost_s: float = 0.0
    """In blocks amid which the link was lost, and until it was there again: no part of the time limit."""
    length: "TrialLength | None" = None
    stopping_rule: "StoppingRule | None" = None
    done: bool = False

    def __post_init__(self) -> None:
        self.blocks = order_of(self.plan)
        self.next_block = len(self.blocks)
        self.next_trial = sum(len(block.trials) for block in self.blocks)
        self.began = self.context.now()

    def run(self) -> BlockResults:
        """Blocks that fit, until every question is answered; operators, energy until its own are, and loads last."""
        from harness.measure.energy_windows import EnergyWindows

        hopeless = False
        windows = EnergyWindows(self.plan, self.board.profile.power)
        for block in self.blocks:
            if _is_energy(block):
                asked = None if hopeless else windows.next_block(block, self._rule())
                if asked is not None:
                    windows.keep(self._measure(asked))
                    self.standing += windows.latest
            elif _comes_last(block):
                self.standing += [] if hopeless else self._measure(block)
            elif not (hopeless or self.done):
                hopeless = not self._latency_block(self._adjusted(block))
                self._lengthen_slices()
                self.done = self._settled(block.index + 1)
        seconds = {"measure": self._spent_s() - self.cooling_s, "cool": self.cooling_s}
        return BlockResults(
            trials=tuple(self.standing),
            superseded=tuple(self.superseded),
            seconds=seconds | ({"reconnect": self.lost_s} if self.lost_s else {}),
            cut_off=tuple(self.cut_off),
            arrived=tuple(self.arrived),
            plan=self.plan,
        )

    def _spent_s(self) -> float:
        """Seconds of measuring and cooling so far."""
        return self.context.now() - self.began - self.lost_s

    def _adjusted(self, block: BlockSpec) -> BlockSpec:
        """The block at the length that the first ones have shown to be worth it."""
        if self.plan.balanced and block.index == PILOT_BLOCKS:
            from harness.measure.trial_length import best_trial_length

            self.length = best_trial_length(self.plan, self.standing, overhead_s=self._overhead_s())
            self.slowest_trial_s = 0.0
        if self.plan.whole_trials:
            block = in_whole_trials(self.plan, block)
        block = in_plans_slices(self.plan, block)
        return block if self.length is None else self.length.applied_to(block)

    def _overhead_s(self) -> float:
        """Seconds a trial took beside its inferences, on average."""
        measured = [t.telemetry.wall_s for t in self.standing if t.kind == "latency" and t.telemetry is not None]
        spent = self._spent_s() - self.cooling_s
        return max(0.0, spent - sum(measured)) / max(1, len(self.standing))

    def _settled(self, blocks: int) -> bool:
        """Whether the trials that were planned are there and all questions answered."""
        if not self.plan.questions or blocks < needed_blocks(self.plan):
            return False
        if self.stopping_rule is None:
            from harness.measure.stopping_rule import StoppingRule

            self.stopping_rule = StoppingRule(self.plan)
        return self.stopping_rule.settled(self.standing, self._rule())

    def _rule(self) -> FitnessRule:
        return holding_clock(self.context.rule, [*self.superseded, *self.standing])

    def _latency_block(self, block: BlockSpec) -> bool:
        """Measure a block if it fits, once more if a trial was void; False where going on makes no sense."""
        if block.index and not self._fits(block):
            return True
        trials = self._without_refused_turns(self._measure(block))
        if self._void(trials) and self._cooled(block):
            repeated = repeat_block(block, index=self.next_block, first_trial=self.next_trial)
            self._number_past(repeated)
            self.superseded += [trial for trial in trials if trial.kind != "check"]
            trials = [t for t in trials if t.kind == "check"] + self._measure(repeated)
        self.standing += trials
        return not self._void(trials) and not _hopeless(trials)

    def _measure(self, block: BlockSpec) -> list[Trial]:
        """The block's trials, all by one link: where it was lost amid them, all are measured again.

        Raises TrialError where that happens again and again.
        """
        for _ in range(MOST_LOSSES):
            began = self.context.now()
            trials: list[Trial] = []
            try:
                return self._measure_once(block, trials)
            except BlockLostError as lost:
                self.lost_s += self.context.now() - began
                self.cut_off += trials
                block = renumber_block(block, index=self.next_block, first_trial=self.next_trial)
                self._number_past(block)
                reason = str(lost)
        raise TrialError(f"the link to the board was lost {MOST_LOSSES} times amid one block; the last time: {reason}")

    def _measure_once(self, block: BlockSpec, trials: list[Trial]) -> list[Trial]:
        """``trials`` with the block's, as they come."""
        began = self.context.now()
        self._tell(len(trials))
        for part in parts_of(self.plan, block):
            told = with_room(part, [*self.standing, *trials])
            for trial in validate_trials(told, run_with_meter(self.board.run_block, told, self.plan)):
                trials.append(trial)
                self.arrived.append(trial.index)
                self.context.on_trial(trial)
                self._tell(len(trials))
        if not _comes_last(block):
            each = (self.context.now() - began) / len(block.trials)
            self.slowest_trial_s = max(self.slowest_trial_s, each)
        return trials

    def _without_refused_turns(self, trials: list[Trial]) -> list[Trial]:
        """The block's trials; where its arms could not take turns all slices go, and whole trials follow."""
        refused = next((t.died for t in trials if t.died is not None and t.died.startswith(NO_TURNS)), None)
        if refused is None:
            return trials
        self.plan = replace(self.plan, slices=None, whole_trials=refused)
        self.stopping_rule = None
        self.standing = [trial for trial in self.standing if trial.kind != "slices"]
        return [trial for trial in trials if trial.kind != "slices"]

    def _lengthen_slices(self) -> None:
        """Twice as long, and measured anew, where after some blocks an arm's slice depends on the other's before it."""
        slices = self.plan.slices
        by_turns = [trial for trial in self.standing if trial.kind == "slices"]
        if slices is None or len({trial.block for trial in by_turns}) != PILOT_BLOCKS:
            return
        if slices.slice_s >= LONGEST_SLICE_S or self._void(by_turns):
            return
        from harness.measure.slice_carry_over import carry_over, carry_over_sentence

        if carry_over_sentence(carry_over(by_turns)):
            longer = SlicesPlan(2.0 * slices.slice_s, 2.0 * slices.process_s, lengthened=True)
            self.plan = replace(self.plan, slices=longer)
            self.standing = [trial for trial in self.standing if trial.kind != "slices"]

    def _void(self, trials: Sequence[Trial]) -> bool:
        rule = holding_clock(self.context.rule, [*self.superseded, *self.standing, *trials])
        return any(voids(trial, rule) for trial in trials)

    def _cooled(self, block: BlockSpec) -> bool:
        """Wait until the board is fit again; False where the time limit has no room to measure again."""
        began = self._spent_s()
        while self._fits(block, waiting_s=STEP_S):
            self.context.on_event(Progress(self.board.profile.name, f"{self.context.what}: waiting for the board"))
            self.context.sleep(STEP_S)
            if not unfitness(self.board, self.context.rule):
                self.cooling_s += self._spent_s() - began
                return True
        self.cooling_s += self._spent_s() - began
        return False

    def _number_past(self, block: BlockSpec) -> None:
        self.next_block += 1
        self.next_trial += len(block.trials)

    def _fits(self, block: BlockSpec, *, waiting_s: float = 0.0) -> bool:
        """Whether a block ends within the time limit, with room for the energy pass."""
        plan = self.plan
        kept_free = plan.energy_s - plan.energy_beside_s
        spent = self._spent_s()
        needed = waiting_s + self.slowest_trial_s * len(block.trials)
        return spent + needed <= plan.time_limit_s - kept_free

    def _tell(self, in_block: int) -> None:
        total = sum(len(block.trials) for block in self.blocks)
        done = min(total, len(self.standing) + in_block)
        spent = self._spent_s()
        left = None if done == 0 else min(self.plan.time_limit_s - spent, spent / done * (total - done))
        self.context.on_event(
            Progress(
                self.board.profile.name,
                self.context.what,
                done=done,
                total=total,
                seconds_left=None if left is None else max(0.0, left),
            )
        )


def _is_energy(block: BlockSpec) -> bool:
    return all(trial.kind == "energy" for trial in block.trials)


def _comes_last(block: BlockSpec) -> bool:
    """Whether a block is of those that follow when all questions are answered."""
    return all(trial.kind in ("energy", "operators", "cross_check", "load") for trial in block.trials)


def _hopeless(trials: Sequence[Trial]) -> bool:
    """Going on tells no more: the check died, or every trial of a kind that times something."""
    kinds = {kind: [t.died is not None for t in trials if t.kind == kind] for kind in TIMED}
    return any(t.kind == "check" and t.died for t in trials) or any(died and all(died) for died in kinds.values())
