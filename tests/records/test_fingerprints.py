import pytest

from harness.records.comparable import ACROSS, parse_across, set_apart, unlike
from harness.records.errors import UsageError
from harness.records.operating_point import ClockSetting, OperatingPoint
from harness.records.results import DeviceRecord
from harness.records.status import Status
from harness.testing import make_entry, make_facts, make_profile


def board(label=None, **facts):
    return DeviceRecord(profile=make_profile("rpi4"), facts=make_facts(**facts), fingerprint=None, label=label)


def test_what_may_change_from_run_to_run_makes_no_difference():
    other = board(temp_c=70.0, hostname="other", disk_free_bytes=1, max_freq_khz=1_500_040)
    assert unlike(board(), make_entry(), other, make_entry(candidate="another", status=Status.FAIL)) == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"model": "Raspberry Pi 4 Model B Rev 1.5"}, "model: Simulated board against Raspberry Pi 4 Model B Rev 1.5"),
        ({"max_freq_khz": 1_800_000}, "highest frequency: 1.5 GHz against 1.8 GHz"),
        ({"max_freq_khz": None}, "highest frequency: 1.5 GHz against not known"),
        ({"kernel": "6.12.34"}, "kernel: 6.6.0 against 6.12.34"),
        ({"governor": "ondemand"}, "governor: performance against ondemand"),
        ({"cpu_count": 2}, "cores: 4 against 2"),
        ({"arch": "armv7l"}, "architecture: aarch64 against armv7l"),
    ],
)
def test_another_board_is_told_by_what_differs(changed, sentence):
    assert unlike(board(), make_entry(), board(**changed), make_entry()) == [sentence]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"runtime": "litert 2.4.0"}, "runtime: litert 2.3.0 against litert 2.4.0"),
        ({"delegate": "none"}, "delegate: xnnpack against none"),
        ({"num_threads": 4}, "threads: 1 against 4"),
        ({"num_threads": None}, "threads: 1 against not known"),
    ],
)
def test_so_is_another_setting_on_the_same_board(changed, sentence):
    assert unlike(board(), make_entry(), board(), make_entry(**changed)) == [sentence]


def test_every_difference_is_listed_and_a_stand_in_is_no_board():
    told = unlike(
        board(), make_entry(), board(label="simulated board", kernel="5"), make_entry(runtime="tflite 2.14.0")
    )
    assert [sentence.partition(":")[0] for sentence in told] == ["stand-in", "kernel", "runtime"]


def test_a_board_that_was_not_probed_is_like_no_other():
    unknown = DeviceRecord(profile=make_profile("rpi4"), facts=None, fingerprint=None)
    for one, other in ((unknown, unknown), (unknown, board()), (board(), unknown)):
        assert unlike(one, make_entry(), other, make_entry()) == [
            "board: at least one of the two was not probed, so what it was is not known"
        ]


@pytest.mark.parametrize(
    ("here", "there", "sentence"),
    [
        ({"firmware": "2023-01"}, {"firmware": "2024-09"}, "firmware: 2023-01 against 2024-09"),
        ({"power_mode": "15W"}, {"power_mode": "MAXN"}, "power mode: 15W against MAXN"),
        (
            {"device_clocks": ("emc to 2133 MHz, performance",)},
            {"device_clocks": ("emc to 3199 MHz, performance", "gpu to 1020 MHz, performance")},
            "device clocks: emc to 2133 MHz, performance against "
            "emc to 3199 MHz, performance; gpu to 1020 MHz, performance",
        ),
        ({"huge_pages": "always"}, {"huge_pages": "never"}, "huge pages: always against never"),
        (
            {"clock_caps_khz": (1_500_000, 2_000_000)},
            {"clock_caps_khz": (1_500_000, 1_000_000)},
            "clock caps: 1.5 GHz + 2 GHz against 1.5 GHz + 1 GHz",
        ),
        ({"clocks_locked": True}, {"clocks_locked": False}, "locked clocks: yes against no"),
        (
            {"firmware_settings": "as shipped"},
            {"firmware_settings": "arm_freq=2000"},
            "firmware settings: as shipped against arm_freq=2000",
        ),
        ({"kernel_options": "none"}, {"kernel_options": "isolcpus=3"}, "kernel options: none against isolcpus=3"),
    ],
)
def test_what_earlier_runs_did_not_note_is_compared_where_both_say_it(here, there, sentence):
    assert unlike(board(**here), make_entry(), board(**there), make_entry()) == [sentence]
    assert unlike(board(), make_entry(), board(**there), make_entry()) == []
    assert unlike(board(**here), make_entry(), board(), make_entry()) == []


def point(max_hz: float, cpus: str | None = None, governor: str = "performance") -> OperatingPoint:
    clock = ClockSetting(name="policy0", cpus="0-3", governor=governor, min_hz=600_000_000, max_hz=int(max_hz))
    return OperatingPoint(power_mode=None, clocks=(clock,), cpus=cpus)


def test_two_operating_points_are_not_compared_unless_named():
    one = board().model_copy(update={"operating_point": point(1.5e9)})
    other = board().model_copy(update={"operating_point": point(1e9, cpus="0-1")})
    differing = unlike(one, make_entry(), other, make_entry())
    assert differing == [
        "operating point: policy0 600 MHz to 1.5 GHz against policy0 600 MHz to 1 GHz; measuring on CPUs 0-1"
    ]
    assert set_apart(differing, ["operating point"]) == ([], differing)
    assert unlike(one, make_entry(), board(), make_entry()) == [], "earlier runs did not note it"
    assert unlike(one, make_entry(), one, make_entry()) == []


def test_an_entrys_own_operating_point_goes_before_its_devices():
    one = board().model_copy(update={"operating_point": point(1.5e9)})
    entry = make_entry().model_copy(update={"operating_point": point(1e9)})
    assert len(unlike(one, make_entry(), one, entry)) == 1
    other = make_entry().model_copy(update={"operating_point": point(1.5e9, governor="ondemand")})
    assert len(unlike(one, make_entry(), one, other)) == 1
    assert unlike(one, other, one, other) == []


def test_governor_and_power_mode_are_part_of_an_operating_point():
    differing = unlike(board(), make_entry(), board(governor="ondemand", power_mode="x"), make_entry())
    assert set_apart(differing, ["operating point"]) == ([], differing)


def test_what_is_named_is_compared_across_and_the_rest_refuses():
    differing = unlike(board(), make_entry(), board(kernel="7", governor="ondemand"), make_entry(num_threads=4))
    refusing, named = set_apart(differing, ["kernel", "threads"])
    assert refusing == ["governor: performance against ondemand"]
    assert named == ["kernel: 6.6.0 against 7", "threads: 1 against 4"]
    assert set_apart(differing, []) == (differing, [])


def test_names_are_separated_by_commas_and_each_is_one_of_those_there_are():
    assert parse_across(None) == ()
    assert parse_across("kernel, power mode") == ("kernel", "power mode")
    with pytest.raises(UsageError, match=r"--across 'kernal': expected one or more of: model, .*; did you mean kernel"):
        parse_across("threads,kernal")


def test_every_difference_may_be_named_but_that_of_a_stand_in():
    facts = dict.fromkeys(("model", "arch", "cpu", "kernel", "governor", "firmware", "power_mode"), "x")
    facts |= dict.fromkeys(("firmware_settings", "kernel_options"), "x")
    one = board(**facts, huge_pages="x", device_clocks=("x",), clock_caps_khz=(1,), clocks_locked=True)
    other = board(
        **dict.fromkeys(facts, "y"),
        huge_pages="y",
        device_clocks=("y",),
        clock_caps_khz=(2,),
        clocks_locked=False,
        cpu_count=9,
        max_freq_khz=1,
        label="simulated",
    )
    entry = make_entry(runtime="x", delegate="x", num_threads=9).model_copy(update={"memory_limit_bytes": 1})
    one = one.model_copy(update={"operating_point": point(2.4e9)})
    other = other.model_copy(update={"operating_point": point(1.2e9)})
    names = [sentence.partition(":")[0] for sentence in unlike(one, make_entry(), other, entry)]
    # Caps of clocks are among the limits of an operating point.
    assert sorted(names) == sorted({"stand-in", *ACROSS} - {"clock caps"})
