"""Raspberry Pi 4 and 5. Names and figures: their device trees, and docs/scripted-boards.md."""

from harness.testing.scripted.kinds import BoardKind, Cluster, Rail, Zone

_GOVERNORS = ("conservative", "ondemand", "userspace", "powersave", "performance", "schedutil")

RPI4 = BoardKind(
    model="Raspberry Pi 4 Model B Rev 1.4",
    compatible=("raspberrypi,4-model-b", "brcm,bcm2711"),
    clusters=(Cluster(cpus=(0, 1, 2, 3), part="0xd08", khz=tuple(range(600_000, 1_500_001, 100_000))),),
    memory_bytes=3_981_000_000,
    storage="microSD",
    zones=(Zone("cpu-thermal", 48.686),),
    governors=_GOVERNORS,
    cooling=(("gpio-fan", 1),),
    firmware_path="sys/devices/platform/soc/soc:firmware",
    bootloader="8ba17717fbcedd4c3b6d4bce7e50c7af4155cba9",
    config={"arm_freq": "1500", "over_voltage": "0", "core_freq": "500", "gpu_freq": "500"},
)

RPI5 = BoardKind(
    model="Raspberry Pi 5 Model B Rev 1.0",
    compatible=("raspberrypi,5-model-b", "brcm,bcm2712"),
    clusters=(Cluster(cpus=(0, 1, 2, 3), part="0xd0b", khz=tuple(range(1_500_000, 2_400_001, 100_000))),),
    memory_bytes=8_451_000_000,
    storage="microSD",
    zones=(Zone("cpu-thermal", 51.25),),
    governors=_GOVERNORS,
    cooling=(("pwm-fan", 4),),
    rails=(
        Rail("3V7_WL_SW", 3_700, 0.35, 0.02),
        Rail("3V3_SYS", 3_309, 0.35, 0.01),
        Rail("1V8_SYS", 1_800, 0.28, 0.01),
        Rail("DDR_VDD2", 1_104, 0.02, 0.15),
        Rail("DDR_VDDQ", 604, 0.0, 0.03),
        Rail("1V1_SYS", 1_108, 0.26, 0.02),
        Rail("0V8_SW", 800, 0.25, 0.05),
        Rail("VDD_CORE", 860, 0.65, 3.9),
        Rail("0V8_AON", 799, 0.003, 0.0),
        Rail("3V3_ADC", 3_318, 0.0003, 0.0),
        Rail("HDMI", 5_078, 0.1, 0.0),
    ),
    rail_sensor="pmic",
    firmware_path="sys/devices/platform/soc@107c000000/soc@107c000000:firmware",
    bootloader="f788aab60dc8d0e9e1d4a0bdc6a6d5a1f1a1d5b8",
    config={"arm_freq": "2400", "over_voltage": "0", "core_freq": "910", "gpu_freq": "960"},
)
