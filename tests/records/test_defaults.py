"""What holds where nothing is said, and the bounds of what may be said."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.records.artifact import AccuracyDrop, AccuracyResult, TensorInfo, Training
from harness.records.board import Trial
from harness.records.device import Connection, DeviceProfile, Limits, Power, PowerModel, Runtime, Tuning
from harness.records.entry import ArtifactRecord, Measurement, Ratio
from harness.records.labels import label_tests
from harness.records.limit_test import FIRST_LOOK, JUDGING_RULE, LimitTestResult
from harness.records.plan import TrialSpec
from harness.records.results import SCHEMA_VERSION, Outcome, Run
from harness.records.settings import FEWEST_PAIRS, OPTIONS, SWITCH, Settings
from harness.testing import make_artifact


def test_settings_that_nobody_gave() -> None:
    told = Settings()
    assert (told.alpha, told.miss, told.inconclusive) == (0.005, 0.05, "fail")
    assert (told.warmup_runs, told.num_runs, told.min_secs, told.max_secs) == (5, 50, 0.5, 30.0)
    assert (told.time_limit_s, told.jobs, told.seed) == (60.0, 1, 0)
    assert (told.reports_dir, told.devices, told.command) == (Path("reports"), (), "")
    assert [told.plan_only, told.fixed_length] == [False, False]
    unsaid = (told.cache_dir, told.artifacts, told.runtime, told.num_threads, told.trials, told.baseline, told.resume)
    assert unsaid == (None,) * 7


@pytest.mark.parametrize(
    ("field", "end", "within"),
    [
        ("alpha", "(default: 0.5 %)", (1e-9, 0.5)),
        ("miss", "(default: 5 %)", (1e-9, 0.5)),
        ("time_limit_s", "(default: 60)", (0.1, 86400)),
        ("num_threads", "(default: the profile's)", (1, 256)),
        ("trials", "(default: 10)", (1, 10_000)),
        ("seed", "(default: 0)", (0, 2**31 - 1)),
        ("jobs", "(default: 1)", (1, 64)),
        ("cache_dir", "(default: edge-harness in XDG_CACHE_HOME)", None),
        ("reports_dir", "(default: reports)", None),
        ("warmup_runs", "(default: 5)", (0, 100_000)),
        ("num_runs", "(default: 50)", (1, 10_000_000)),
        ("min_secs", "(default: 0.5)", (0.001, 3600)),
        ("max_secs", "(default: 30)", (0.001, 3600)),
        ("energy_window_s", "(default: 10)", (10, 3600)),
        ("energy_pairs", "(default: 12, more where the error rate takes them)", (6, 130)),
        ("rate", "for the power at that rate", (1e-6, 1e9)),
        ("plan_only", "touch no board", None),
        ("resume", "in its folder", None),
        ("devices", "(repeatable)", None),
    ],
)
def test_an_option_says_its_default_where_it_has_one(field: str, end: str, within: tuple[float, float] | None) -> None:
    assert OPTIONS[field].help.endswith(end)
    assert OPTIONS[field].within == within


def test_no_limit_on_energy_is_judged_before_a_first_look() -> None:
    assert FEWEST_PAIRS == FIRST_LOOK


def test_ranges_stand_in_these_options_alone() -> None:
    assert {field for field, option in OPTIONS.items() if option.within} == {
        *("alpha", "miss", "time_limit_s", "num_threads", "trials", "seed", "jobs", "warmup_runs", "num_runs"),
        *("min_secs", "max_secs", "energy_window_s", "energy_pairs", "rate", "memory_limit", "wait_s"),
    }


def test_help_tells_a_default_where_there_is_one_to_type():
    told = {field for field, option in OPTIONS.items() if "(default: " in option.help}
    assert "alpha" in told and "design" in told
    assert not told & {field for field, option in OPTIONS.items() if option.kind is SWITCH}
    assert "()" not in "".join(option.help for option in OPTIONS.values())
    assert not [field for field, option in OPTIONS.items() if option.help.endswith("(default: )")]


def test_an_option_is_typed_with_its_flag_or_its_alias_and_written_with_its_key() -> None:
    device, alpha = OPTIONS["devices"], OPTIONS["alpha"]
    assert (device.key, device.flags) == ("device", ("--device", "--board"))
    assert (alpha.key, alpha.flags) == ("alpha", ("--alpha",))
    for option in OPTIONS.values():
        assert option.flag == f"--{option.key}"


def test_a_profile_that_says_nothing() -> None:
    profile = DeviceProfile(name="pi", lineage=("pi",))
    assert profile.connection == Connection(transport="ssh", host=None, user=None, port=None, python=None)
    told = profile.runtime
    assert (told.package, told.num_threads, told.delegate, told.start) == ("auto", 1, "xnnpack", "fork")
    assert (told.max_output_error, told.env, told.delegate_options) == (0.0, {}, {})
    assert (profile.limits.max_temp_c, profile.tuning.cpus, profile.power.sensors) == (None, None, [])


WITHIN = (
    *((Connection, {"port": port}) for port in (1, 65535)),
    *((Runtime, {"num_threads": count}) for count in (1, 256)),
    *((Runtime, {"max_output_error": share}) for share in (0.0, 1.0)),
    *((Runtime, {"package": package}) for package in ("auto", "litert", "tflite==2.14.0", "system")),
    (Runtime, {"package": f"litert=={'1' * 56}"}),
    (Runtime, {"delegate": "x" * 4096}),
    (Runtime, {"delegate_options": {f"a{number}": "x" for number in range(256)}}),
    (Runtime, {"env": {f"A{number}": "x" * 2**15 for number in range(256)}}),
    (Runtime, {"env": {"A" * 256: "x"}}),
    (DeviceProfile, {"name": "pi", "lineage": ("pi",), "description": "x\n\t" * 1365 + "x"}),
    *((Limits, {"max_temp_c": temperature}) for temperature in (0.1, 149.9)),
    *((Tuning, {"cpus": cpus}) for cpus in ("0", "0-3", "0,2-3,1000", "0," * 511 + "10")),
    (PowerModel, {"idle_w": 1e4, "full_w": 1e4, "bands": [(0.0, 0.1)] * 64, "source": "x"}),
    (Power, {"sensors": ["rapl"] * 64}),
)
BEYOND = (
    *((Connection, {"port": port}) for port in (0, 65536)),
    (Connection, {"host": "a\nb"}),
    *((Runtime, {"num_threads": count}) for count in (0, 257)),
    *((Runtime, {"max_output_error": share}) for share in (-0.1, 1.1)),
    *((Runtime, {"package": package}) for package in ("", "litert==", "x" * 65, "tflite==2 14")),
    (Runtime, {"package": f"litert=={'1' * 57}"}),
    (Runtime, {"delegate": "x" * 4097}),
    (Runtime, {"delegate_options": {f"a{number}": "x" for number in range(257)}}),
    (Runtime, {"env": {"A" * 257: "x"}}),
    (DeviceProfile, {"name": "pi", "lineage": ("pi",), "description": "x" * 4097}),
    (DeviceProfile, {"name": "pi", "lineage": ("pi",), "description": "a\rb"}),
    (Runtime, {"env": {"A": "x" * (2**15 + 1)}}),
    (Runtime, {"env": {f"A{number}": "" for number in range(257)}}),
    (Runtime, {"env": {"1A": ""}}),
    *((Limits, {"max_temp_c": temperature}) for temperature in (0.0, 150.0)),
    *((Tuning, {"cpus": cpus}) for cpus in ("", "a", "0-", "10000", "0," * 511 + "100")),
    *(
        (PowerModel, {"idle_w": 1.0, "full_w": 2.0, "bands": [(0.0, 0.1)], "source": "x"} | changes)
        for changes in (
            {"idle_w": 0.0},
            {"full_w": 0.0},
            {"idle_w": 10_001.0},
            {"full_w": 10_001.0},
            {"bands": []},
            {"bands": [(0.0, 0.1)] * 65},
            {"source": ""},
        )
    ),
    (Power, {"sensors": ["rapl"] * 65}),
)


@pytest.mark.parametrize(("kind", "fields"), WITHIN)
def test_a_bound_is_reached(kind: type, fields: dict[str, object]) -> None:
    assert kind(**fields)


@pytest.mark.parametrize(("kind", "fields"), BEYOND)
def test_nothing_lies_beyond_it(kind: type, fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        kind(**fields)


def test_an_accuracy_is_not_by_chance_unless_that_is_said() -> None:
    found = AccuracyResult(value=0.5, correct=1, n=2, dataset="digits", obtained="on the host")
    assert (found.by_chance, found.chance, found.right, found.score) == (False, None, None, "top1")


def test_what_is_not_said_of_an_artifact_took_no_time_and_was_not_cached() -> None:
    artifact = make_artifact()
    assert (artifact.cached, artifact.build_s, artifact.versions, artifact.notes) == (False, 0.0, {}, ())
    record = ArtifactRecord(path="x", sha256="0", size_bytes=1, inputs=[], outputs=[])
    assert (record.cached, record.build_s, record.versions, record.notes) == (False, 0.0, {}, ())
    training = Training(what="trained")
    assert (training.cached, training.seconds, training.epochs) == (False, 0.0, None)
    tensor = TensorInfo(name="x", shape=(1,), dtype="float32")
    assert (tensor.scale, tensor.zero_point, tensor.below) == (0.0, 0, None)


def test_a_loss_is_not_against_chance_unless_that_is_said() -> None:
    drop = AccuracyDrop(
        value=0.0, ci_low=0.0, ci_high=0.0, confidence=0.95, p_value=1.0, lost=0, gained=0, n=1, obtained="paired"
    )
    assert drop.reference_by_chance is False


def test_what_was_not_counted_is_none_or_nothing() -> None:
    outcome = Outcome()
    assert (outcome.end, outcome.status, outcome.sentence) == ("whole", 0, "")
    assert (outcome.planned, outcome.measured, outcome.skipped, outcome.lacking) == (0, 0, 0, False)
    unknown = Measurement(metric="latency_p50", unit="s", better="lower", value=None)
    assert (unknown.n, unknown.obtained, unknown.independent) == (0, "", None)
    trial = Trial(index=0, block=0, arm="candidate", kind="check")
    assert (trial.batch, trial.n, trial.samples_ns, trial.singles_ns) == (1, 0, (), ())


def test_arms_took_no_turns_and_nothing_was_exact_unless_that_is_said() -> None:
    ratio = Ratio(
        metric="latency_p50",
        better="lower",
        ratio=1.0,
        ci_low=None,
        ci_high=None,
        confidence=None,
        blocks=1,
        by_block=[],
    )
    answer = LimitTestResult(verdict="open", blocks=0, value=None, low=None, high=None)
    assert (ratio.by_turns, answer.exact, answer.trials, answer.needed) == (False, False, False, None)


def test_a_trial_is_seeded_with_nothing_and_has_no_slices_unless_that_is_said() -> None:
    trial = TrialSpec(
        index=0,
        arm="candidate",
        kind="latency",
        model="0",
        warmup_runs=1,
        num_runs=1,
        min_secs=0.1,
        max_secs=1.0,
        deadline_s=2.0,
    )
    assert (trial.seed, trial.slice_s, trial.room_bytes, trial.below, trial.sensors) == (0, 0.0, 0, (), ())


def test_a_run_of_an_earlier_harness_was_judged_by_the_first_rule() -> None:
    told = {"id": "1", "created_at": "", "harness_version": "0", "commit": None, "command": "", "settings": {}}
    run = Run.model_validate({**told, "status": "PASS", "exit_code": 0, "seconds": {}, "bytes_sent": {}}, strict=False)
    assert (run.judging_rule, run.estimator, SCHEMA_VERSION) == (1, 1, 2)
    assert JUDGING_RULE > 1


def test_each_test_has_a_label() -> None:
    pairs = [("kws", "a.py::test_x"), ("kws", "a.py::test_y"), ("vww", "a.py::test_x"), ("kws", "a.py::test_x")]
    assert label_tests(pairs) == {pairs[0]: "test_x", pairs[1]: "test_y", pairs[2]: ""}
