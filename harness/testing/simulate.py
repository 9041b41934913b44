"""A whole measurement without a board: plan, trials, figures and verdicts, in simulated time."""

from collections.abc import Mapping
from dataclasses import replace

from harness.gates import is_sampled, judge, limit_tests_of, parse_limits, window_tests_of
from harness.measure import execute, make_plan, most_blocks
from harness.records.candidate import Candidate
from harness.records.entry import Entry
from harness.records.settings import Settings
from harness.testing.builders import made_up_sha256, make_artifact, make_golden, make_runner
from harness.testing.models import SimulatedModel
from harness.testing.simulated import SimulatedBoard


def simulate(
    model: SimulatedModel,
    *,
    baseline: SimulatedModel | None = None,
    budget: Mapping[str, object] | None = None,
    board: SimulatedBoard | None = None,
    time_limit_s: float = 60.0,
) -> Entry:
    """The entry that the harness would make of a model that behaves so, judged by ``budget``.

    ``budget`` has the keys and values of a marker or a table of budgets.toml, ``{"latency_p50": "4 ms"}``; with a
    ``baseline`` also limits on regressions. ``board`` gives profile, heat, sensors and seed (None: a cool board);
    what it says of models is replaced. No time passes: ``time_limit_s`` are seconds of the board's own clock.
    The same arguments give the same entry. Raises BudgetsError for a limit that is none.
    """
    limits = parse_limits(budget or {}, origin="budget")
    artifact, other = make_artifact(golden=make_golden()), make_artifact(sha256=made_up_sha256("b"))
    behaviours = {artifact.sha256: model} | ({} if baseline is None else {other.sha256: baseline})
    simulated = replace(board or SimulatedBoard(), models=behaviours)
    settings = Settings(time_limit_s=time_limit_s)
    against = None if baseline is None else other
    paired = against is not None
    share = settings.alpha / max(1, sum(is_sampled(limit, paired=paired) for limit in limits))
    most = most_blocks(settings, arms=2 if paired else 1)
    plan = make_plan(
        settings,
        artifact,
        make_runner(),
        baseline=against,
        energy_limited=any(limit.definition.kind == "energy" for limit in limits),
        sensors=tuple(name for name in simulated.profile.power.sensors if name in simulated.sensors),
        energy_questions=window_tests_of(
            limits, share=share, miss=settings.miss, most_windows=settings.energy_pairs, paired=paired
        ),
        questions=limit_tests_of(limits, share=share, miss=settings.miss, most_blocks=most, paired=paired),
    )
    entry = execute(
        simulated,
        plan,
        artifact,
        candidate=Candidate("model", "tflite", "/model.tflite"),
        test="simulated",
        baseline=against,
        now=simulated.now,
        sleep=simulated.sleep,
    )
    return judge(entry, limits, settings=settings, share=share)
