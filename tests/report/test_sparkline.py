import re
import xml.etree.ElementTree as ET

import pytest

from harness.report.charts.sparkline import HEIGHT, MOST, WIDTH, sparkline


def path_of(values):
    return re.search(r'd="([^"]+)"', sparkline(values, "s").svg)[1]


def heights(values):
    return [float(y) for y in re.findall(r"[ML][\d.]+,([\d.]+)", path_of(values))]


def test_it_is_a_line_from_the_oldest_to_the_newest_run_with_its_words():
    found = sparkline([0.004, 0.005, 0.0046], "s")
    shapes = [element.tag for element in ET.fromstring(found.svg).iter()]  # noqa: S314 - written a line above
    assert shapes == ["svg", "path", "circle"]
    assert found.alternative == "3 runs: 4 ms to 5 ms, now 4.6 ms"
    first, second, last = heights([0.004, 0.005, 0.0046])
    assert second < last < first
    assert f'cy="{last:.1f}"' in found.svg


def test_every_point_lies_inside_of_it():
    values = [0.001 * 3**place for place in range(MOST + 9)]
    xs = [float(x) for x in re.findall(r"[ML]([\d.]+),", path_of(values))]
    assert len(xs) == MOST and min(xs) > 0 and max(xs) < WIDTH
    assert all(0 < y < HEIGHT for y in heights(values))


def test_noise_looks_level():
    ends = heights([0.004, 0.00401, 0.00399])
    assert max(ends) - min(ends) < 2


@pytest.mark.parametrize(
    ("values", "moves"), [([1.0, 2.0, None, 3.0, 4.0], 2), ([1.0, None, 2.0], 2), ([None, 1.0, 1.0, None], 1)]
)
def test_a_run_without_the_figure_is_a_gap(values, moves):
    assert path_of(values).count("M") == moves


@pytest.mark.parametrize("values", [[], [1.0], [None, 1.0], [None, None]])
def test_one_figure_is_no_way(values):
    assert sparkline(values, "s") is None


def test_figures_of_zero_are_level():
    assert len({*heights([0.0, 0.0, 0.0])}) == 1
