"""Which runner an arm of a plan has, and what a device's profile shows to others."""

from harness.records.plan import Arm, Plan, RunnerSpec
from harness.records.secret_names import HIDDEN
from harness.testing import make_profile, make_runner


def plan_of(*arms: Arm, runner: RunnerSpec) -> Plan:
    return Plan(
        arms=arms,
        trials=10,
        trials_per_block=2,
        order="abba",
        runner=runner,
        warmup_runs=1,
        num_runs=2,
        min_secs=0.1,
        max_secs=1.0,
        time_limit_s=60.0,
        seed=0,
    )


def arm(name: str, runner: RunnerSpec | None = None) -> Arm:
    return Arm(name, "a" * 64, None, None, runner=runner)


def test_an_arm_is_run_by_its_own_runner_or_the_plan_s() -> None:
    common, own = make_runner(), make_runner(num_threads=4)
    plan = plan_of(arm("candidate"), arm("baseline", own), runner=common)
    assert plan.runner_of("candidate") is common
    assert plan.runner_of("baseline") is own
    assert plan.runner_of("another") is common


def test_what_a_plan_leaves_unsaid() -> None:
    plan = plan_of(arm("candidate"), runner=make_runner())
    assert (plan.energy_window_s, plan.questions, plan.most_blocks) == (10.0, (), None)
    assert (plan.balanced, plan.fewest_reads, plan.sensors) == (False, 1, ())


def test_a_profile_shows_no_secret_to_others() -> None:
    profile = make_profile("pi")
    runtime = profile.runtime.model_copy(
        update={"env": {"HF_TOKEN": "x", "HOME": "/root"}, "delegate_options": {"api_key": "y", "cache": "z"}}
    )
    shown = profile.model_copy(update={"runtime": runtime}).without_secrets()
    assert shown.runtime.env == {"HF_TOKEN": HIDDEN, "HOME": "/root"}
    assert shown.runtime.delegate_options == {"api_key": HIDDEN, "cache": "z"}
    assert profile.without_secrets() == profile
