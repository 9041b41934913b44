"""What `harness selftest --full` says of what it found; the networks that it plants a slowdown with."""

import pytest
from support.selftest_layers import permuting_layers

from harness.measure.reading_cost import CostRatio, ReadingCost
from harness.pipeline import inspect_file
from harness.records.device import Connection
from harness.records.entry import Finding
from harness.records.health import CpuPolicy, DeviceClock, SystemState, Turbo
from harness.records.memory import MemoryAccount
from harness.records.results import SELFTEST
from harness.records.settings import Settings
from harness.records.status import Status
from harness.session import full_selftest as full
from harness.testing import make_entry, make_profile


def reading(share, ratio, low, high):
    return ReadingCost(10, CostRatio(ratio, low, high), reading_s=share * 0.3, trial_s=0.3)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (reading(0.005, 1.001, 0.995, 1.007), "ok"),
        (reading(0.005, 1.02, 0.99, 1.05), "warn"),
        (reading(0.005, 1.03, 1.02, 1.04), "fail"),
        (reading(0.02, 1.0, 0.99, 1.01), "fail"),
    ],
)
def test_reading_may_cost_one_per_cent(found, status):
    told = full.judge_reading(found)
    assert told.status == status and (told.effect is None) == (status == "ok")
    assert f"of a trial's 300 ms ({100 * found.share:.2g} %)" in told.said and "(95 %, 10 blocks)" in told.said


def account(unexplained):
    parts = dict.fromkeys(("weights_bytes", "packed_bytes", "arena_bytes", "stacks_bytes", "libraries_bytes"), 1e6)
    return MemoryAccount(
        pss_bytes=20e6,
        runtime_bytes=15e6 - unexplained,
        weights_mapped=True,
        unexplained_bytes=unexplained,
        processes=2,
        **parts,
    )


@pytest.mark.parametrize(("unexplained", "status"), [(0.2e6, "ok"), (-0.9e6, "ok"), (1.1e6, "fail"), (-1.1e6, "fail")])
def test_memory_that_no_part_explains_is_at_most_a_twentieth(unexplained, status):
    told = full.judge_memory(make_entry(memory=account(unexplained)))
    assert told.status == status and told.said.startswith("PSS 20 MB = ") and "unexplained" in told.said


def test_memory_that_nobody_told_is_not_judged():
    assert full.judge_memory(None).said == "not judged: no memory trial counted what processes consist of"
    assert "this board does not tell" in full.judge_memory(make_entry()).said


BEFORE = {"governor of policy0": "ondemand", "cap of policy0": "1500000", "power mode": "15W"}
PART = full.BoardPart(BEFORE, emulated=False, reading=full.check("r", "ok", ""), set_by_tuning=(), untuned=None)


def test_what_is_not_as_it_was_is_named():
    as_it_was = full.compare_settings(PART, BEFORE)
    assert as_it_was.status == "ok"
    assert as_it_was.said == "3 settings are as they were; a run set nothing: it was so already, or is not asked for"
    other = full.compare_settings(PART, {"governor of policy0": "performance", "power mode": "15W"})
    assert other.status == "fail"
    assert other.said == "governor of policy0 was ondemand, is performance; cap of policy0 was 1500000, is gone"
    untuned = full.BoardPart(
        BEFORE, emulated=False, reading=PART.reading, set_by_tuning=("governor",), untuned="denied"
    )
    told = full.compare_settings(untuned, BEFORE)
    assert (told.status, told.said) == ("warn", "3 settings are as they were; a run set: governor; denied")
    bare = full.BoardPart({}, emulated=False, reading=PART.reading, set_by_tuning=(), untuned=None)
    assert full.compare_settings(bare, {}).said.startswith("the board shows no setting that tuning changes")


NOTHING = {name: None for name, field in SystemState.model_fields.items() if field.is_required()} | {
    **{"root": "/", "account": "pi", "group": "pi", "uid": 1, "sudo": True, "time_s": 0.0},
    **{"cache_bytes": 0, "cache_files": 0, "swaps": (), "power_modes": (), "cooling": (), "busy": ()},
    **{"pressure": (), "users": (), "unreadable": ()},
}


def test_every_setting_that_tuning_changes_is_read():
    policy = CpuPolicy(
        name="policy0", governor="ondemand", offered=(), max_khz=1500000, hardware_max_khz=1800000, writable=True
    )
    clock = DeviceClock(name="gpu", hz=1, max_hz=600, governor="simple", offered=())
    turbo = Turbo(file="f", on=False, off_value="0")
    told = {"policies": (policy,), "devices": (clock,), "power_mode": "15W", "turbo": turbo}
    state = SystemState.model_validate(NOTHING | told)
    assert full.board_settings(state) == {
        **BEFORE,
        "governor of gpu": "simple",
        "cap of gpu": "600",
        "turbo": "off",
    }


def judged(status):
    finding = Finding(gate="regression", metric="latency_p50", status=status, reason="latency_p50: told")
    return make_entry(findings=[finding])


@pytest.mark.parametrize(
    ("status", "same", "planted"),
    [
        (Status.PASS, "ok", "fail"),
        (Status.FAIL, "fail", "ok"),
        (Status.INCONCLUSIVE, "warn", "warn"),
        (Status.INVALID, "warn", "warn"),
    ],
)
def test_a_copy_is_no_slower_and_one_layer_more_is(status, same, planted):
    assert full.judge_same(judged(status), emulated=False).status == same
    assert full.judge_planted(judged(status), emulated=False).status == planted
    assert full.judge_planted(judged(status), emulated=False).said == "of 5 %: latency_p50: told"


@pytest.mark.parametrize("judge", [full.judge_same, full.judge_planted])
def test_an_emulated_board_s_timings_are_not_judged(judge):
    told = judge(judged(Status.FAIL), emulated=True)
    assert (told.status, told.said) == ("ok", "not judged: the board is emulated, its speed says nothing")


def test_what_was_not_measured_is_said():
    assert full.judge_same(None, emulated=False).said == "not measured"
    assert full.judge_same(make_entry(status=Status.ERROR, reason="died"), emulated=False).said == "ERROR: died"


def test_the_page_is_as_good_as_its_worst_line():
    lines = [full.check(str(at), status, "") for at, status in enumerate(("ok", "warn", "fail"))]
    assert [full.worst_status(lines[:many]) for many in (1, 2, 3)] == ["ok", "warn", "fail"]


def test_the_slower_network_has_five_per_cent_more_of_the_same_work():
    assert full.EQUAL_LAYERS.read_bytes() == permuting_layers(20)
    assert full.SLOWER.read_bytes() == permuting_layers(21)
    equal, slower = (inspect_file(path).inside for path in (full.EQUAL_LAYERS, full.SLOWER))
    assert slower.macs == 1.05 * equal.macs


def test_the_planted_run_counts_in_no_history_and_no_record_of_false_alarms(tmp_path):
    given = Settings(history="postgresql://lab/history", trials=4)
    test = full.planted_slowdown(given, tmp_path, limit="2 %")
    assert (test.settings.reports_dir, test.settings.history, test.settings.trials) == (tmp_path, None, None)
    assert full.PLANTED_TEST != SELFTEST and [limit.key for limit in test.limits] == ["latency_p50_regression"]


def test_a_board_that_is_out_of_reach_at_the_end_is_told(tmp_path):
    gone = make_profile("gone", connection=Connection(host="127.0.0.1", port=9, user="x"))
    told = full.judge_put_back(PART, gone)
    assert told.status == "warn" and told.said.startswith("not judged: gone") and told.fix == "harness doctor gone"
