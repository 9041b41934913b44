"""NXP i.MX 8M Plus EVK. Names and figures: its device tree, and docs/scripted-boards.md."""

from harness.testing.scripted.kinds import BoardKind, Cluster, Device, Zone

_GOVERNORS = ("conservative", "ondemand", "userspace", "powersave", "performance", "schedutil")
_DEVICE_GOVERNORS = ("userspace", "powersave", "performance", "simple_ondemand")

IMX8MP_EVK = BoardKind(
    model="NXP i.MX8MPlus EVK board",
    compatible=("fsl,imx8mp-evk", "fsl,imx8mp"),
    clusters=(Cluster(cpus=(0, 1, 2, 3), part="0xd03", khz=(1_200_000, 1_600_000, 1_800_000), governor="schedutil"),),
    memory_bytes=6_080_000_000,
    storage="eMMC",
    zones=(Zone("cpu-thermal", 47.0), Zone("soc-thermal", 48.0)),
    governors=_GOVERNORS,
    devices=(
        Device(
            role="memory",
            name="32700000.interconnect",
            hz=(200_000_000, 1_000_000_000),
            governor="userspace",
            governors=_DEVICE_GOVERNORS,
            path="platform/soc@0/32700000.interconnect/devfreq",
        ),
    ),
)
