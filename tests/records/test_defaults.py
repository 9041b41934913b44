"""What holds where nothing is said, and the bounds of what may be said."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from harness.records.artifact import AccuracyResult
from harness.records.device import Connection, DeviceProfile, Limits, Power, PowerModel, Runtime, Tuning
from harness.records.labels import label_tests
from harness.records.settings import OPTIONS, Settings


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
        ("plan_only", "touch no board", None),
        ("resume", "in its folder", None),
        ("devices", "(repeatable)", None),
    ],
)
def test_an_option_says_its_default_where_it_has_one(field: str, end: str, within: tuple[float, float] | None) -> None:
    assert OPTIONS[field].help.endswith(end)
    assert OPTIONS[field].within == within


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
    (Runtime, {"delegate": "x" * 4096}),
    (Runtime, {"env": {f"A{number}": "x" * 2**15 for number in range(256)}}),
    *((Limits, {"max_temp_c": temperature}) for temperature in (0.1, 149.9)),
    *((Tuning, {"cpus": cpus}) for cpus in ("0", "0-3", "0,2-3,1000")),
    (PowerModel, {"idle_w": 1e4, "full_w": 1e4, "bands": [(0.0, 0.1)] * 64, "source": "x"}),
    (Power, {"sensors": ["rapl"] * 64}),
)
BEYOND = (
    *((Connection, {"port": port}) for port in (0, 65536)),
    (Connection, {"host": "a\nb"}),
    *((Runtime, {"num_threads": count}) for count in (0, 257)),
    *((Runtime, {"max_output_error": share}) for share in (-0.1, 1.1)),
    *((Runtime, {"package": package}) for package in ("", "litert==", "x" * 65, "tflite==2 14")),
    (Runtime, {"delegate": "x" * 4097}),
    (Runtime, {"env": {"A": "x" * (2**15 + 1)}}),
    (Runtime, {"env": {f"A{number}": "" for number in range(257)}}),
    (Runtime, {"env": {"1A": ""}}),
    *((Limits, {"max_temp_c": temperature}) for temperature in (0.0, 150.0)),
    *((Tuning, {"cpus": cpus}) for cpus in ("", "a", "0-", "10000")),
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


def test_each_test_has_a_label() -> None:
    pairs = [("kws", "a.py::test_x"), ("kws", "a.py::test_y"), ("vww", "a.py::test_x"), ("kws", "a.py::test_x")]
    assert label_tests(pairs) == {pairs[0]: "test_x", pairs[1]: "test_y", pairs[2]: ""}
