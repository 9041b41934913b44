"""The boards there are, by the name of the device profile that each stands in for."""

from harness.testing.scripted.imx8mp import IMX8MP_EVK
from harness.testing.scripted.jetson import JETSON_ORIN_NANO
from harness.testing.scripted.kinds import BoardKind
from harness.testing.scripted.raspberry_pi import RPI4, RPI5
from harness.testing.scripted.rock_5b import ROCK_5B

BOARDS: dict[str, BoardKind] = {
    "rpi4": RPI4,
    "rpi5": RPI5,
    "jetson-orin-nano": JETSON_ORIN_NANO,
    "rock-5b": ROCK_5B,
    "imx8mp-evk": IMX8MP_EVK,
}
