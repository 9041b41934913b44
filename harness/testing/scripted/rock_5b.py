"""Radxa ROCK 5B. Names and figures: its device tree, and docs/scripted-boards.md."""

from harness.testing.scripted.kinds import BoardKind, Cluster, Device, Zone

_LITTLE_KHZ = (408_000, 600_000, 816_000, 1_008_000, 1_200_000, 1_416_000, 1_608_000, 1_800_000)
_BIG_KHZ = (*_LITTLE_KHZ, 2_016_000, 2_208_000, 2_400_000)
_GPU_HZ = (300_000_000, 400_000_000, 500_000_000, 600_000_000, 700_000_000, 800_000_000, 900_000_000, 1_000_000_000)
_GOVERNORS = ("conservative", "ondemand", "userspace", "powersave", "performance", "schedutil")
_DEVICE_GOVERNORS = ("userspace", "powersave", "performance", "simple_ondemand")

ROCK_5B = BoardKind(
    model="Radxa ROCK 5B",
    compatible=("radxa,rock-5b", "rockchip,rk3588"),
    clusters=(
        Cluster(cpus=(0, 1, 2, 3), part="0xd05", khz=_LITTLE_KHZ, capacity=530),
        Cluster(cpus=(4, 5), part="0xd0b", khz=_BIG_KHZ),
        Cluster(cpus=(6, 7), part="0xd0b", khz=_BIG_KHZ),
    ),
    memory_bytes=8_120_000_000,
    storage="microSD",
    zones=(
        Zone("soc-thermal", 42.5),
        Zone("bigcore0-thermal", 42.5),
        Zone("bigcore1-thermal", 42.5),
        Zone("littlecore-thermal", 42.5),
        Zone("center-thermal", 41.6),
        Zone("gpu-thermal", 40.7),
        Zone("npu-thermal", 41.6),
    ),
    governors=_GOVERNORS,
    devices=(
        Device(
            role="memory",
            name="dmc",
            hz=(528_000_000, 1_068_000_000, 1_560_000_000, 2_112_000_000),
            governor="dmc_ondemand",
            governors=("dmc_ondemand", *_DEVICE_GOVERNORS),
            path="platform/dmc/devfreq",
        ),
        Device(
            role="gpu",
            name="fb000000.gpu",
            hz=_GPU_HZ,
            governor="simple_ondemand",
            governors=_DEVICE_GOVERNORS,
            path="platform/fb000000.gpu/devfreq",
        ),
        Device(
            role="npu",
            name="fdab0000.npu",
            hz=_GPU_HZ,
            governor="rknpu_ondemand",
            governors=("rknpu_ondemand", *_DEVICE_GOVERNORS),
            path="platform/fdab0000.npu/devfreq",
        ),
    ),
    cooling=(("pwm-fan", 4),),
)
