"""The profile of a new board, from what a probe found."""

import pytest

from harness.profiles import available, load, suggest_profile, write_profile
from harness.records.board import BoardFacts, RuntimeFound, SensorFound
from harness.records.device import Connection
from harness.records.errors import ProfileError

GIB = 2**30
RUNTIME = RuntimeFound(package="litert", version="2.3.0", python="/usr/bin/python3", site=None, numpy="2.4.0")


def facts(**changes):
    found = {
        "hostname": "pi-07",
        "model": "Raspberry Pi 4 Model B Rev 1.4",
        "arch": "aarch64",
        "kernel": "6.6",
        "os": "Debian 12",
        "libc": "2.36",
        "python": "3.11.2",
        "cpu": "4x Cortex-A72",
        "cpu_count": 4,
        "max_freq_khz": 1500000,
        "governor": "ondemand",
        "governors": ("ondemand", "performance"),
        "memory_bytes": int(3.7 * GIB),
        "storage": "microSD",
        "disk_free_bytes": 10**10,
        "temp_c": 44.0,
        "throttled": 0,
        "runtimes": (RUNTIME,),
        "sensors": (),
        "cache_dir": "/home/pi/.cache/edge-harness",
    }
    return BoardFacts(**{**found, **changes})


@pytest.fixture
def known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return {name: load(name) for name in available()}


@pytest.fixture
def suggest(known, tmp_path):
    """Suggests a profile for the facts, writes it, and loads it back."""

    def run(found, connection=None, name="pi-07"):
        connection = connection or Connection(host="10.0.0.7", user="pi")
        suggestion = suggest_profile(name, connection, facts=found, known=known)
        write_profile(tmp_path / "devices" / f"{name}.toml", suggestion.text)
        return suggestion, load(name, tmp_path / "devices")

    return run


def test_a_known_kind_is_extended_and_little_is_written(suggest):
    suggestion, profile = suggest(facts())
    assert suggestion.extends == "rpi4"
    assert profile.lineage == ("pi-07", "rpi4")
    assert suggestion.text == (
        'description = "Raspberry Pi 4 Model B Rev 1.4 (pi-07)"\nextends = "rpi4"\n'
        '[connection]\nhost = "10.0.0.7"\nuser = "pi"\n'
    )
    assert suggestion.missing == (
        "no readable power sensor: energy comes from the model of PowerJoular, Pi 4B rev 1.2, 64-bit",
    )


def test_differing_hardware_is_written(suggest):
    sensor = SensorFound(name="hwmon:ina226", readable=True)
    found = facts(memory_bytes=int(7.6 * GIB), storage="NVMe", sensors=(sensor,))
    suggestion, profile = suggest(found, Connection(host="10.0.0.7", user="lab", port=2222))
    assert (profile.hardware.memory, profile.hardware.storage) == ("8 GB", "NVMe")
    assert profile.hardware.cpu == load("rpi4").hardware.cpu
    assert profile.power.sensors == ["hwmon:ina226"]
    assert (profile.connection.user, profile.connection.port) == ("lab", 2222)
    assert suggestion.missing == ()


def test_another_clock_is_written_and_a_rounded_one_is_not(suggest, known):
    _, faster = suggest(facts(max_freq_khz=1800000))
    assert faster.hardware.cpu == "4x Cortex-A72 @ 1.8 GHz"
    for found in (
        facts(max_freq_khz=1510400),
        facts(max_freq_khz=None),
        facts(model="Radxa ROCK 5B", cpu="4x Cortex-A76 + 4x Cortex-A55", max_freq_khz=2256000),
    ):
        text = suggest_profile("b", Connection(host="b"), facts=found, known=known).text
        assert "cpu" not in text


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("Raspberry Pi 3 Model B Plus Rev 1.3", "rpi3b-plus"),
        ("Raspberry Pi 3 Model B Rev 1.2", None),
        ("NVIDIA Jetson Nano Developer Kit", "jetson-nano"),
        ("NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super", "jetson-orin-nano"),
        ("Freescale i.MX8MQ Phanbell", "coral-dev-board"),
        ("NXP i.MX8MPlus EVK board", "imx8mp-evk"),
        ("BeagleBoard.org BeaglePlay", "beagleplay"),
        ("Radxa ROCK 5B", "rock-5b"),
        (None, None),
    ],
)
def test_the_kind_is_known_by_the_model_string(known, model, kind):
    connection = Connection(host="b")
    assert suggest_profile("b", connection, facts=facts(model=model), known=known).extends == kind


def test_of_equals_the_kind_is_extended_and_not_another_board_of_it(known):
    twin = known["rpi4"].model_copy(update={"name": "pi-06", "lineage": ("pi-06", "rpi4")})
    both = {"pi-06": twin, **known}
    assert suggest_profile("pi-07", Connection(host="b"), facts=facts(), known=both).extends == "rpi4"


def test_an_unknown_kind_gets_all_that_was_found(suggest):
    unread = SensorFound(name="rapl", readable=False, reason="permission denied")
    found = facts(model='Evil "board"\x7f\n', runtimes=(), sensors=(unread,), temp_c=None, throttled=0x50000)
    suggestion, profile = suggest(found)
    assert suggestion.extends is None
    assert profile.hardware.cpu == "4x Cortex-A72 @ 1.5 GHz"
    assert profile.hardware.model == 'Evil "board"\ufffd'
    assert (profile.runtime.num_threads, profile.tuning.governor) == (1, "performance")
    said = "\n".join(suggestion.missing)
    for part in (
        "no known profile fits",
        "no runtime on the board: run `harness provision pi-07`",
        "power sensor rapl cannot be read: permission denied",
        "no power source: energy_per_inference will be empty",
        "does not say its temperature",
        "bits 0x50000",
    ):
        assert part in said


def test_a_profile_is_never_overwritten_nor_written_elsewhere(tmp_path, known):
    path = write_profile(tmp_path / "devices" / "b.toml", "")
    with pytest.raises(ProfileError, match="exists already"):
        write_profile(path, "changed")
    assert path.read_text() == ""
    with pytest.raises(ProfileError, match="cannot be a device's name"):
        suggest_profile("../b", Connection(host="b"), facts=facts(), known=known)
    (tmp_path / "file").write_text("")
    with pytest.raises(ProfileError, match="cannot be written"):
        write_profile(tmp_path / "file" / "b.toml", "")


def test_an_emulated_board_is_named_so_and_nothing_is_missing_but_a_runtime(suggest):
    found = facts(model="linux,dummy-virt", emulated="QEMU's machine virt", runtimes=(), temp_c=None)
    suggestion, profile = suggest(found)
    assert profile.hardware.emulated is True
    assert suggestion.missing == (
        "an emulator runs it (QEMU's machine virt): outputs are checked there, its speed says nothing",
        "no runtime on the board: run `harness provision pi-07`",
    )
