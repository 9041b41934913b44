"""Trials to an entry: findings, measurements, summaries, status and its sentence."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.measure.arm_evidence import ArmEvidence, restate
from harness.measure.arm_metrics import compute_all
from harness.measure.block_order import kind_of
from harness.measure.cross_check import cross_check
from harness.measure.energy import energy_figures
from harness.measure.failed_trials import failed_trial_findings
from harness.measure.fitness import FitnessRule, holding_clock
from harness.measure.memory_account import memory_account, memory_limit_finding
from harness.measure.operator_profile import operator_changes, operator_profile
from harness.measure.output_check import OutputVerdict, check_outputs, same_bits, unchecked_outputs
from harness.measure.postprocess_check import PostprocessVerdict, check_postprocess
from harness.measure.run_blocks import BlockResults
from harness.measure.slice_carry_over import carry_over, carry_over_sentence
from harness.measure.trial_summary import summarise, trial_metrics
from harness.measure.void_trials import CUT_OFF, MEASURED_AGAIN, fitness_finding, void_reason
from harness.measure.warm_up import warm_up_of
from harness.records.artifact import Artifact
from harness.records.board import BoardFacts, Trial
from harness.records.candidate import Candidate
from harness.records.device import DeviceProfile
from harness.records.entry import (
    ArtifactRecord,
    BaselineRecord,
    Entry,
    Finding,
    Measurement,
    Ratio,
    TrialMetrics,
    TrialSummary,
)
from harness.records.metrics import METRICS, Metric
from harness.records.operators import OperatorProfile
from harness.records.plan import Plan
from harness.records.status import Status, worst
from harness.stats.estimates import ratio_of
from harness.stats.observations import interleaved, observations

_A_PAIR: Final = 2


@dataclass(frozen=True)
class EntryContext:
    """What an entry is about; ``artifacts`` by arm name, "candidate" among them."""

    test: str
    candidate: Candidate
    artifacts: Mapping[str, Artifact]
    profile: DeviceProfile
    facts: BoardFacts


def build_entry(context: EntryContext, plan: Plan, *, rule: FitnessRule, results: BlockResults) -> Entry:
    """The entry for what a plan's execution brought, trials in the order they were measured; budgets come later."""
    rule = holding_clock(rule, [*results.superseded, *results.trials])
    plan = results.plan or plan
    verdicts = {arm.name: _outputs(context, results.trials, arm.name) for arm in plan.arms}
    answers = {arm.name: _answers(context, results.trials, arm.name) for arm in plan.arms}
    findings = _findings(plan, results, rule=rule, verdicts=verdicts, answers=answers)
    status = worst([finding.status for finding in findings])
    summaries, figures = _summaries(results, rule), _figures(context, plan, results, rule)
    baseline = _baseline(context, plan, results.trials, rule=rule)
    own = measurements_of(context, plan, "candidate", trials=results.trials, rule=rule)
    return _bare_entry(context, plan).model_copy(
        update={
            "status": status,
            "reason": _reason(plan, results, status=status, findings=findings),
            "findings": findings,
            "measurements": restate(own, "candidate", summaries, figures),
            "trials": summaries,
            "figures": figures,
            "most_blocks": plan.most_blocks if plan.questions else None,
            "memory": memory_account(results.trials, "candidate"),
            "most_windows": _most_windows(plan, results.trials, figures),
            "baseline": baseline and _with_figures(baseline, summaries, figures),
            "operators": _operators(context, plan, "candidate", _counting_operators(results.trials, rule)),
            "cross_check": cross_check(results.trials, own, plan.runner, real_inputs=_has_real_inputs(context)),
            "outputs": "; ".join(filter(None, [verdicts["candidate"].sentence, answers["candidate"].sentence])),
            "answers": answers["candidate"].answers,
            "warm_up": warm_up_of(results.trials),
            "seconds": results.seconds,
        }
    )


def error_entry(context: EntryContext, plan: Plan, reason: str) -> Entry:
    """The entry for a model that could not be measured at all."""
    finding = Finding(gate="measuring", metric=None, status=Status.ERROR, reason=reason)
    return _bare_entry(context, plan).model_copy(update={"reason": reason, "findings": [finding]})


def unfit_entry(context: EntryContext, plan: Plan, why: str) -> Entry:
    """The entry for a board that was not fit to begin with: nothing was measured."""
    reason = f"board not fit: {why}; nothing was measured and your change was not judged"
    finding = Finding(gate="fitness", metric=None, status=Status.INVALID, reason=reason)
    return _bare_entry(context, plan).model_copy(
        update={"status": Status.INVALID, "reason": reason, "findings": [finding]}
    )


def measurements_of(
    context: EntryContext, plan: Plan, arm: str, *, trials: Sequence[Trial], rule: FitnessRule
) -> list[Measurement]:
    """One arm's metrics, from its trials that count."""
    return compute_all(_evidence(context, plan, arm, trials=trials, rule=rule))


def _evidence(
    context: EntryContext, plan: Plan, arm: str, *, trials: Sequence[Trial], rule: FitnessRule
) -> ArmEvidence:
    counting = [_counting(trial, rule) for trial in trials if trial.arm == arm]
    return ArmEvidence(
        trials=tuple(trial for trial in counting if trial is not None),
        artifact=context.artifacts[arm],
        profile=context.profile,
        facts=context.facts,
        energy_window_s=plan.energy_window_s,
        rate=plan.rate,
    )


def _counting(trial: Trial, rule: FitnessRule) -> Trial | None:
    """The trial if it counts; a void energy or operators trial as one that died, so that its reason is told."""
    void = void_reason(trial, rule)
    if void is None:
        return trial
    return (
        trial.model_copy(update={"died": f"board not fit: {void}"}) if trial.kind in ("energy", "operators") else None
    )


def _bare_entry(context: EntryContext, plan: Plan) -> Entry:
    return Entry(
        device=context.profile.name,
        test=context.test,
        candidate=context.candidate.name,
        recipe=context.candidate.recipe,
        artifact=ArtifactRecord.of(context.artifacts["candidate"]),
        runtime=f"{plan.runner.package} {plan.runner.version}",
        delegate=plan.runner.delegate,
        num_threads=plan.runner.num_threads,
        memory_limit_bytes=plan.memory_limit_bytes or None,
        status=Status.ERROR,
        reason="not measured",
    )


def _outputs(context: EntryContext, trials: Sequence[Trial], arm: str) -> OutputVerdict:
    golden = context.artifacts[arm].verification.golden
    if golden is None:
        return unchecked_outputs(context.artifacts[arm].verification.golden_reason)
    check = _check(trials, arm)
    if check is None or check.check is None:
        return unchecked_outputs("the check trial brought no comparison")
    allowed = context.profile.runtime.max_output_error
    return check_outputs(check.check, golden, max_output_error=allowed, builtin=check.check_builtin)


def _answers(context: EntryContext, trials: Sequence[Trial], arm: str) -> PostprocessVerdict:
    mine = [trial for trial in trials if trial.arm == arm]
    return check_postprocess(context.artifacts[arm].stages, mine, bit_equal=same_bits(_check(trials, arm)))


def _check(trials: Sequence[Trial], arm: str) -> Trial | None:
    """The trial that compared outputs; None where none did."""
    return next((trial for trial in trials if trial.arm == arm and trial.check is not None), None)


def _findings(
    plan: Plan,
    results: BlockResults,
    *,
    rule: FitnessRule,
    verdicts: Mapping[str, OutputVerdict],
    answers: Mapping[str, PostprocessVerdict],
) -> list[Finding]:
    fitness = fitness_finding(results.trials, rule)
    found = [finding for arm in plan.arms for finding in failed_trial_findings(results.trials, arm.name)]
    for verdict_by_arm in (verdicts, answers):
        found += [_of_arm(v.finding, name) for name, v in verdict_by_arm.items() if v.finding is not None]
    limited = memory_limit_finding(results.trials, "candidate", plan.memory_limit_bytes)
    return [*found, *(finding for finding in (limited, fitness) if finding is not None)]


def _of_arm(finding: Finding, arm: str) -> Finding:
    """A wrong output is the candidate's failure; a wrong baseline leaves nothing to compare with."""
    if arm == "candidate":
        return finding
    return finding.model_copy(update={"status": Status.INVALID, "reason": f"{arm}: {finding.reason}"})


def _reason(plan: Plan, results: BlockResults, *, status: Status, findings: Sequence[Finding]) -> str:
    """The first of the worst findings, or how much was measured."""
    if findings:
        return next(finding.reason for finding in findings if finding.status is status)
    kind = "latency" if plan.slices is None else "slices"
    done = sum(t.kind == kind and t.arm == "candidate" for t in results.trials)
    if done < plan.trials:
        return f"{done} of {plan.trials} trials within the time limit of {plan.time_limit_s:g} s"
    return f"{done} trial{'s' if done > 1 else ''}{', interleaved with the baseline' if len(plan.arms) > 1 else ''}"


def _summaries(results: BlockResults, rule: FitnessRule) -> list[TrialSummary]:
    standing: list[tuple[Trial, str | None]] = [(trial, void_reason(trial, rule)) for trial in results.trials]
    again = [(trial, void_reason(trial, rule) or MEASURED_AGAIN) for trial in results.superseded]
    places = {index: place for place, index in enumerate(results.arrived)}
    told = [*standing, *again, *((trial, CUT_OFF) for trial in results.cut_off)]
    told.sort(key=lambda pair: places.get(pair[0].index, len(places)))
    return [summarise(trial, void) for trial, void in told if trial.kind == "latency" and trial.died is None]


def _figures(context: EntryContext, plan: Plan, results: BlockResults, rule: FitnessRule) -> list[TrialMetrics]:
    """Of trials that stand; in the order they were measured, as a question's blocks are. Energy's come last."""
    told = [trial_metrics(trial, void_reason(trial, rule)) for trial in results.trials]
    return [*(figures for figures in told if figures is not None), *_energies(context, plan, results, rule)]


def _energies(context: EntryContext, plan: Plan, results: BlockResults, rule: FitnessRule) -> list[TrialMetrics]:
    """What each window of a sensor tells, or each latency trial where a model does."""
    found = [energy_figures(_evidence(context, plan, arm.name, trials=results.trials, rule=rule)) for arm in plan.arms]
    # Arms by unlike sources are not compared, nor is one by a sensor with one by a model.
    names = {one.source.name for one in found if not isinstance(one, str)}
    told = {
        index: (values, one.hidden)
        for one in found
        if not isinstance(one, str)
        for index, values in one.by_trial.items()
    }
    if len(names) != 1:
        return []
    return [
        TrialMetrics(
            kind="energy",
            arm=trial.arm,
            block=trial.block,
            values=dict(told[trial.index][0]),
            hidden=told[trial.index][1],
        )
        for trial in results.trials
        if trial.index in told
    ]


def _most_windows(plan: Plan, trials: Sequence[Trial], figures: Sequence[TrialMetrics]) -> int | None:
    """The windows that limits on energy were planned with; None where a model answered, or nobody asked."""
    windows = {trial.block for trial in trials if trial.kind == "energy"}
    by_sensor = any(one.kind == "energy" and one.block in windows for one in figures)
    return plan.energy_windows if plan.energy_questions and by_sensor else None


def _baseline(
    context: EntryContext, plan: Plan, trials: Sequence[Trial], *, rule: FitnessRule
) -> BaselineRecord | None:
    """What the other arm showed; None where there is none."""
    artifact = context.artifacts.get("baseline")
    if artifact is None:
        return None
    runner = plan.runner_of("baseline")
    profiled = _counting_operators(trials, rule)
    carried = carry_over([trial for trial in trials if void_reason(trial, rule) is None])
    return BaselineRecord(
        given="",
        state="measured",
        sentence="interleaved on the same board",
        measured_by="; ".join(filter(None, [_measured_by(plan), carry_over_sentence(carried)])),
        carry_over=carried,
        artifact=ArtifactRecord.of(artifact),
        runtime=f"{runner.package} {runner.version}",
        delegate=runner.delegate,
        num_threads=runner.num_threads,
        measurements=measurements_of(context, plan, "baseline", trials=trials, rule=rule),
        operators=_operators(context, plan, "baseline", profiled),
        operator_changes=operator_changes(profiled, context.artifacts),
    )


def _operators(context: EntryContext, plan: Plan, arm: str, profiled: Sequence[Trial]) -> OperatorProfile | None:
    """Where an arm's time goes; None where that was not asked for."""
    if not plan.operator_processes:
        return None
    mine = [trial for trial in profiled if trial.arm == arm]
    return operator_profile(mine, context.artifacts[arm], plan.runner_of(arm))


def _has_real_inputs(context: EntryContext) -> bool:
    golden = context.artifacts["candidate"].verification.golden
    return golden is not None and golden.real


def _counting_operators(trials: Sequence[Trial], rule: FitnessRule) -> list[Trial]:
    """Operators trials, void ones as such that died."""
    counting = [_counting(trial, rule) for trial in trials if trial.kind == "operators"]
    return [trial for trial in counting if trial is not None]


def _with_figures(
    baseline: BaselineRecord, trials: Sequence[TrialSummary], figures: Sequence[TrialMetrics]
) -> BaselineRecord:
    """With the arm's figures and the ratios, from the same blocks as the candidate's figures."""
    measurements = restate(baseline.measurements, "baseline", trials, figures)
    ratios = ratios_of(trials, figures)
    told = [baseline.measured_by, next(_contradictions(ratios, trials), "")]
    return baseline.model_copy(
        update={"measurements": measurements, "ratios": ratios, "measured_by": "; ".join(filter(None, told))}
    )


def _contradictions(ratios: Sequence[Ratio], trials: Sequence[TrialSummary]) -> Iterator[str]:
    """A sentence for each ratio by turns that whole trials of the same blocks put elsewhere, beyond both intervals."""
    for by_turns in ratios:
        alone = _ratio(METRICS[by_turns.metric], trials, ()) if by_turns.by_turns else None
        if alone is not None and _are_apart(by_turns, alone):
            yield (
                f"{METRICS[alone.metric].title} alone is {alone.ratio:.3f} of the baseline's by whole trials, "
                f"{by_turns.ratio:.3f} by turns: the arms change the board's state, or depend on it, by unlike amounts"
            )


def _are_apart(one: Ratio, other: Ratio) -> bool:
    ends = (one.ci_low, one.ci_high, other.ci_low, other.ci_high)
    if None in ends:
        return False
    low, high, other_low, other_high = (end or 0.0 for end in ends)
    return high < other_low or other_high < low


def _measured_by(plan: Plan) -> str:
    """How the two arms were measured against each other, a sentence; empty where nothing else was to be expected."""
    if plan.slices is None:
        return f"whole trials: {plan.whole_trials}" if plan.whole_trials else ""
    others = dict.fromkeys(
        METRICS[question.metric].title
        for question in plan.questions
        if question.relative and kind_of(plan, question) != "slices"
    )
    whole = f"; {' and '.join(others)} by whole trials, which slices do not tell" if others else ""
    longer = ", lengthened as arms depended on the other's slice before" if plan.slices.lengthened else ""
    return (
        f"p50 and mean by turns in slices of {1e3 * plan.slices.slice_s:g} ms{longer}, at equal clock; "
        f"absolute values come from separate trials{whole}"
    )


def ratios_of(trials: Sequence[TrialSummary], figures: Sequence[TrialMetrics]) -> list[Ratio]:
    """One for each metric of which both arms have figures in the same blocks.

    The interval is Student's, over the blocks' logarithms: as a ratio of geometric means over processes. The effect of
    the order is taken out, of the ratio as of either arm's figure.
    """
    return [
        ratio
        for metric in METRICS.values()
        if (metric.by_trials or _in_pairs(metric, figures)) and (ratio := _ratio(metric, trials, figures)) is not None
    ]


def _in_pairs(metric: Metric, figures: Sequence[TrialMetrics]) -> bool:
    """Whether a power sensor's windows tell a metric, more than one of each arm."""
    blocks = Counter(one.block for one in figures if metric.by_windows and metric.name in one.values)
    return sum(count == _A_PAIR for count in blocks.values()) > 1


def _ratio(metric: Metric, trials: Sequence[TrialSummary], figures: Sequence[TrialMetrics]) -> Ratio | None:
    found = ratio_of(metric.name, trials, figures)
    if found is None:
        return None
    by_block = np.exp(interleaved(observations(metric.name, trials, figures, relative=True)).effects[0]).tolist()
    return Ratio(
        metric=metric.name,
        better=metric.better,
        ratio=found.value,
        ci_low=found.low,
        ci_high=found.high,
        confidence=found.confidence,
        blocks=len(by_block),
        by_block=by_block,
        by_turns=any(told.kind == "slices" and metric.name in told.values for told in figures),
    )
