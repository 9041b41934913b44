"""Which runtime is chosen, whether the board is the one described, and what is said about its state."""

from pathlib import Path

import pytest

from harness.board import choose_runner, differences, fingerprint, throttled_now, throttled_sentences, too_hot
from harness.profiles import load
from harness.records.board import BoardFacts, RuntimeFound
from harness.records.device import DeviceProfile
from harness.records.errors import BoardUnfitError, ProfileError


def facts(**changes: object) -> BoardFacts:
    words: dict[str, object] = {
        "hostname": "pi",
        "model": "Raspberry Pi 4 Model B Rev 1.2",
        "arch": "aarch64",
        "kernel": "6.1.21-v8+",
        "os": "Debian GNU/Linux 12",
        "libc": "glibc 2.36",
        "python": "3.11.2",
        "cpu": "4x Cortex-A72",
        "cpu_count": 4,
        "max_freq_khz": 1_500_000,
        "governor": "ondemand",
        "governors": ("ondemand", "performance"),
        "memory_bytes": 3_977_000_000,
        "storage": "microSD",
        "disk_free_bytes": 10**9,
        "temp_c": 48.3,
        "throttled": 0,
        "runtimes": (),
        "sensors": (),
        "cache_dir": "/home/pi/.cache/edge-harness",
    }
    return BoardFacts.model_validate(words | changes)


def runtime(package: str, version: str, site: str | None = None) -> RuntimeFound:
    return RuntimeFound.model_validate(
        {"package": package, "version": version, "python": "/usr/bin/python3", "site": site, "numpy": "1.26.4"}
    )


def profile(**parts: object) -> DeviceProfile:
    return DeviceProfile.model_validate({"name": "pi", "lineage": ("pi",)} | parts)


RPI4 = profile(hardware={"arch": "aarch64", "cpu": "4x Cortex-A72 @ 1.5 GHz", "memory": "4 GB", "storage": "microSD"})
ALL = (
    runtime("system", "2.9"),
    runtime("tflite", "2.14.0", "/e/site"),
    runtime("litert", "2.3.0"),
    runtime("litert", "2.10.0"),
)


def test_auto_prefers_litert_and_the_newest():
    chosen = choose_runner(profile(), facts(runtimes=ALL))
    assert (chosen.package, chosen.version) == ("litert", "2.10.0")


def test_a_provisioned_runtime_goes_before_the_boards_own_of_the_same_package():
    """It is there because that one did not work; else what mends a board would change nothing."""
    there = (runtime("litert", "2.4.0"), runtime("litert", "2.3.0", "/e/site"), runtime("litert", "2.1.0", "/d/site"))
    assert choose_runner(profile(), facts(runtimes=there)).site == "/e/site"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("tflite", ("tflite", "2.14.0")),
        ("system", ("system", "2.9")),
        ("litert==2.3.0", ("litert", "2.3.0")),
    ],
)
def test_a_named_or_pinned_package(wanted, found):
    chosen = choose_runner(profile(runtime={"package": wanted}), facts(runtimes=ALL))
    assert (chosen.package, chosen.version) == found
    assert choose_runner(profile(), facts(runtimes=ALL), package=wanted) == chosen


def test_the_runner_carries_what_the_profile_says():
    told = profile(
        runtime={"num_threads": 2, "delegate": "none", "env": {"A": "1"}},
        tuning={"cpus": "2-3"},
    )
    chosen = choose_runner(told, facts(runtimes=ALL), package="tflite")
    assert (chosen.site, chosen.num_threads, chosen.delegate) == ("/e/site", 2, "none")
    assert (chosen.env, chosen.cpus, chosen.start) == ({"A": "1"}, "2-3", "fork")


def test_an_external_delegate_forces_exec():
    told = profile(runtime={"delegate": "/usr/lib/libvx_delegate.so", "delegate_options": {"a": "b"}})
    chosen = choose_runner(told, facts(runtimes=ALL))
    assert (chosen.start, chosen.delegate_options) == ("exec", {"a": "b"})


@pytest.mark.parametrize(
    ("wanted", "there", "remedy"),
    [
        ("auto", (), "harness provision pi"),
        ("litert", ALL[:1], "harness provision pi --runtime litert"),
        ("litert==9.9", ALL, "harness provision pi --runtime litert==9.9"),
        ("system", ALL[1:], "install the vendor's own interpreter there, or set runtime.package to auto"),
    ],
)
def test_no_runtime_names_the_command(wanted, there, remedy):
    with pytest.raises(BoardUnfitError, match=rf"^pi: no .* on the board .*{remedy}$"):
        choose_runner(profile(runtime={"package": wanted}), facts(runtimes=there))


@pytest.mark.parametrize(
    ("threads", "cpus", "said"),
    [
        (2, "0", "allows 1 cores"),
        (5, None, "the board has 4 cores"),
        (1, "0-4", "names core 4"),
        (3, "0-1,1", "allows 2 cores"),
        (1, "3-1", "allows 0 cores"),
    ],
)
def test_threads_and_cores_that_contradict(threads, cpus, said):
    told = profile(tuning={"cpus": cpus})
    with pytest.raises(ProfileError, match=said):
        choose_runner(told, facts(runtimes=ALL), num_threads=threads)


def test_the_described_board_differs_in_nothing():
    assert differences(RPI4, facts()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"arch": "armv7l"}, "architecture is armv7l, the profile says aarch64"),
        ({"cpu": "4x Cortex-A76"}, "CPU is 4x Cortex-A76, the profile says Cortex-A72"),
        ({"cpu_count": 2}, "the board has 2 cores, the profile says 4"),
        ({"max_freq_khz": 1_800_000}, "highest CPU frequency is 1.8 GHz, the profile says 1.5 GHz"),
        ({"memory_bytes": 7_900_000_000}, "memory is 7.9 GB, the profile says 4 GB"),
        ({"storage": "eMMC"}, "storage is eMMC, the profile says microSD"),
    ],
)
def test_each_difference_is_a_sentence(changes, said):
    assert differences(RPI4, facts(**changes)) == [said]


def test_what_the_board_does_not_say_differs_from_nothing():
    silent = facts(cpu=None, max_freq_khz=None, memory_bytes=None, storage=None)
    assert differences(RPI4, silent) == []


ROCK = "4x Cortex-A76 @ 2.4 GHz + 4x Cortex-A55 @ 1.8 GHz"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, []),
        ({"cpu": "4x Cortex-A55 + 4x Cortex-A76"}, []),
        ({"cpu_count": 4}, ["the board has 4 cores, the profile says 8"]),
        ({"cpu": "8x Cortex-A55"}, ["CPU is 8x Cortex-A55, the profile says Cortex-A76"]),
        ({"max_freq_khz": 1_800_000}, ["highest CPU frequency is 1.8 GHz, the profile says 2.4 GHz"]),
    ],
)
def test_a_processor_of_several_kinds_is_compared_kind_by_kind(changes, said):
    told = profile(hardware={"cpu": ROCK})
    board = {"cpu": "4x Cortex-A76 + 4x Cortex-A55", "cpu_count": 8, "max_freq_khz": 2_400_000} | changes
    assert differences(told, facts(**board)) == said


def test_every_shipped_processor_and_memory_is_compared():
    for path in sorted((Path(__file__).parents[2] / "devices").glob("*.toml")):
        shipped = load(path.stem)
        assert not [said for said in differences(shipped, facts()) if "not compared" in said], path.stem


def test_a_name_with_a_clock_of_its_own():
    told = profile(hardware={"cpu": "8x Intel(R) Xeon(R) CPU @ 2.20GHz @ 3.1 GHz"})
    board = {"cpu": "8x Intel(R) Xeon(R) CPU @ 2.20GHz", "cpu_count": 8, "max_freq_khz": 3_100_000}
    assert differences(told, facts(**board)) == []


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("memory", "plenty"),
        ("memory", "1.2.3 GB"),
        ("memory", "\u0664 GB"),
        ("memory", "0 GB"),
        ("memory", "9" * 400 + " GB"),
        ("cpu", "4x A +  + 4x B"),
        ("cpu", ""),
    ],
)
def test_what_cannot_be_read_is_said_not_to_be_compared(key, text):
    told = profile(hardware={key: text})
    said = differences(told, facts())
    assert said == ([f'hardware.{key} "{text}" is not compared: expected e.g. ' + EXPECTED[key]] if text else [])


EXPECTED = {"memory": '"4 GB"', "cpu": '"4x Cortex-A72 @ 1.5 GHz"'}


def test_too_hot():
    told = profile(limits={"max_temp_c": 75.0})
    assert too_hot(told, facts(temp_c=75.0)) is None
    assert too_hot(told, facts(temp_c=None)) is None
    assert too_hot(profile(), facts(temp_c=99.0)) is None
    assert too_hot(told, facts(temp_c=80.25)) == "the board is at 80.2 C, above the limit of 75 C"


@pytest.mark.parametrize(
    ("bits", "said", "now"),
    [
        (None, [], False),
        (0, [], False),
        (0x1, ["under-voltage now"], True),
        (0x50000, ["under-voltage since boot", "throttled since boot"], False),
        (0x80008, ["soft temperature limit now", "soft temperature limit since boot"], True),
    ],
)
def test_throttled_bits_in_words(bits, said, now):
    assert throttled_sentences(bits) == said
    assert throttled_now(bits) is now


def test_the_fingerprint_is_the_same_for_the_same_board_alone():
    same = fingerprint(facts(temp_c=70.0, hostname="other", disk_free_bytes=1))
    assert same == fingerprint(facts())
    for changed in ({"governor": "performance"}, {"max_freq_khz": 1_800_000}, {"kernel": "6.6"}, {"model": None}):
        assert fingerprint(facts(**changed)) != same
    assert "Cortex-A72" in same
