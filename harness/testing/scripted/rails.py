"""The supplies of a scripted board: what its sensors say it draws, by clock and work, or as the script says."""

from collections.abc import Mapping

from harness.testing.scripted.kernel_files import KernelFiles
from harness.testing.scripted.kinds import BoardKind, Rail

INA3221 = "sys/devices/platform/i2c/1-0040/hwmon/hwmon4"
PMIC = "firmware/pmic"
_STEP_MA = {"ina3221": 8.0, "pmic": 0.0}
"""An INA3221 tells currents in steps of 40 uV across its shunt, here of 5 milliohms."""
_SHUNT_UOHM = 5000
_PMIC_NUMBERS = {
    "3V7_WL_SW": (0, 8),
    "3V3_SYS": (1, 9),
    "1V8_SYS": (2, 10),
    "DDR_VDD2": (3, 11),
    "DDR_VDDQ": (4, 12),
    "1V1_SYS": (5, 13),
    "0V8_SW": (6, 14),
    "VDD_CORE": (7, 15),
    "3V3_ADC": (18, 21),
    "0V8_AON": (16, 19),
    "HDMI": (22, 23),
}
"""The channels of the chip's converter, by ``vcgencmd pmic_read_adc``: current, voltage."""


class Rails:
    """Watts of each rail. A fixed value of the script goes before what clock and work give."""

    def __init__(self, files: KernelFiles, kind: BoardKind) -> None:
        self.fixed: dict[str, float] = {}
        self._files = files
        self._kind = kind
        self._effort = 0.0
        self._seconds = 0.0
        self._mean = 0.0
        if kind.rail_sensor == "ina3221":
            self._make_ina3221()

    @property
    def labels(self) -> tuple[str, ...]:
        """What the rails are called."""
        return tuple(rail.label for rail in self._kind.rails)

    def pass_time(self, seconds: float, speed: float, work: float) -> None:
        """Spend time with so large a share of the cores at work, at ``speed`` of their highest clock."""
        # Power of a clocked circuit goes with frequency and the square of a voltage that rises with it.
        self._effort += seconds * work * speed**3
        self._seconds += seconds

    def show(self) -> None:
        """Write the sensors' files: the mean since they were written last, as the sensors' own converters give."""
        if self._seconds > 0:
            self._mean, self._effort, self._seconds = self._effort / self._seconds, 0.0, 0.0
        watts = {rail.label: self._watts(rail) for rail in self._kind.rails}
        if self._kind.rail_sensor == "ina3221":
            self._show_ina3221(watts)
        elif self._kind.rail_sensor == "pmic":
            self._files.write(PMIC, self._pmic(watts))

    def _watts(self, rail: Rail) -> float:
        return self.fixed.get(rail.label, rail.idle_w + rail.busy_w * self._mean)

    def _make_ina3221(self) -> None:
        self._files.write(f"{INA3221}/name", "ina3221")
        self._files.link("sys/class/hwmon/hwmon4", INA3221)
        for number, rail in enumerate(self._kind.rails, start=1):
            self._files.write(f"{INA3221}/in{number}_label", rail.label)
            self._files.write(f"{INA3221}/in{number}_enable", "1")
            self._files.write(f"{INA3221}/shunt{number}_resistor", str(_SHUNT_UOHM))
        self._files.write(f"{INA3221}/in7_label", "sum of shunt voltages")
        self._files.write(f"{INA3221}/samples", "512")
        self._files.write(f"{INA3221}/update_interval", "1693")

    def _show_ina3221(self, watts: Mapping[str, float]) -> None:
        total = 0.0
        for number, rail in enumerate(self._kind.rails, start=1):
            step = _STEP_MA["ina3221"]
            milliamperes = round(1e6 * watts[rail.label] / rail.millivolts / step) * step
            total += milliamperes
            self._files.write(f"{INA3221}/in{number}_input", str(rail.millivolts))
            self._files.write(f"{INA3221}/curr{number}_input", f"{milliamperes:.0f}")
            self._files.write(f"{INA3221}/in{number + 3}_input", f"{milliamperes * _SHUNT_UOHM / 1000:.0f}")
        self._files.write(f"{INA3221}/in7_input", f"{total * _SHUNT_UOHM / 1000:.0f}")
        self._files.write(f"{INA3221}/curr4_input", f"{total:.0f}")

    def _pmic(self, watts: Mapping[str, float]) -> str:
        rails = self._kind.rails
        amperes = [
            f"{rail.label + '_A':>14} current({_PMIC_NUMBERS[rail.label][0]})="
            f"{1000 * watts[rail.label] / rail.millivolts:.8f}A"
            for rail in rails
        ]
        volts = [
            f"{rail.label + '_V':>14} volt({_PMIC_NUMBERS[rail.label][1]})={rail.millivolts / 1000:.8f}V"
            for rail in rails
        ]
        supply = [f"{'EXT5V_V':>14} volt(24)=5.08530000V", f"{'BATT_V':>14} volt(25)=0.00000000V"]
        return "\n".join([*amperes, *volts, *supply])
