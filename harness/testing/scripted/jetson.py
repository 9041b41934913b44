"""NVIDIA Jetson Orin Nano. Names and figures: its device tree, JetPack's files, and docs/scripted-boards.md."""

from harness.testing.scripted.kinds import BoardKind, Cluster, Device, PowerMode, Rail, Zone

_KHZ = (
    *(115_200, 192_000, 268_800, 345_600, 422_400, 499_200, 576_000, 652_800, 729_600, 806_400, 883_200, 960_000),
    *(1_036_800, 1_113_600, 1_190_400, 1_267_200, 1_344_000, 1_420_800, 1_497_600, 1_574_400, 1_651_200, 1_728_000),
)

JETSON_ORIN_NANO = BoardKind(
    model="NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super",
    compatible=("nvidia,p3768-0000+p3767-0005-super", "nvidia,p3767-0005", "nvidia,tegra234"),
    clusters=(
        Cluster(cpus=(0, 1, 2, 3), part="0xd42", khz=_KHZ, governor="schedutil", driver="tegra194"),
        Cluster(cpus=(4, 5), part="0xd42", khz=_KHZ, governor="schedutil", driver="tegra194"),
    ),
    memory_bytes=7_990_000_000,
    storage="microSD",
    zones=(
        Zone("cpu-thermal", 49.2),
        Zone("gpu-thermal", 47.4),
        Zone("cv0-thermal", 46.0),
        Zone("cv1-thermal", 45.8),
        Zone("cv2-thermal", 46.1),
        Zone("soc0-thermal", 46.9),
        Zone("soc1-thermal", 48.0),
        Zone("soc2-thermal", 46.6),
        Zone("tj-thermal", 49.2),
    ),
    governors=("ondemand", "userspace", "performance", "schedutil"),
    devices=(
        Device(
            role="gpu",
            name="17000000.gpu",
            hz=tuple(range(306_000_000, 1_020_000_001, 102_000_000)),
            governor="nvhost_podgov",
            governors=("wmark_active", "wmark_simple", "nvhost_podgov", "userspace", "performance", "simple_ondemand"),
            path="platform/bus@0/17000000.gpu/devfreq",
        ),
    ),
    cooling=(("pwm-fan", 3), ("cpu-throttle-alert", 1), ("gpu-throttle-alert", 1)),
    rails=(
        Rail("VDD_IN", 5_072, 4.2, 7.5),
        Rail("VDD_CPU_GPU_CV", 5_072, 0.6, 5.6),
        Rail("VDD_SOC", 5_064, 1.2, 1.1),
    ),
    rail_sensor="ina3221",
    power_modes=(
        PowerMode(0, "15W", 1_497_600, 612_000_000, 2_133_000_000),
        PowerMode(1, "25W", 1_344_000, 918_000_000, 3_199_000_000),
        PowerMode(2, "MAXN_SUPER", 1_728_000, 1_020_000_000, 3_199_000_000),
    ),
    first_mode=1,
    emc_hz=(204_000_000, 665_600_000, 2_133_000_000, 3_199_000_000),
)
