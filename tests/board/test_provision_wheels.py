"""Which wheels fit which board."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.board.wheels import choose_wheels, platform_tags
from harness.records.errors import BoardUnfitError


@pytest.mark.parametrize(
    ("board", "package", "requirements"),
    [
        (("aarch64", "3.11.2", "glibc 2.36"), "auto", ("ai-edge-litert==2.3.0", "numpy==2.4.6")),
        (("aarch64", "3.10.12", "glibc 2.35"), "auto", ("ai-edge-litert==2.3.0", "numpy==2.2.6")),
        (("aarch64", "3.14.0", "glibc 2.41"), "auto", ("ai-edge-litert==2.3.0", "numpy==2.4.6")),
        (("aarch64", "3.11.0", "glibc 2.31"), "auto", ("ai-edge-litert==1.4.0", "numpy==2.2.6")),
        (("aarch64", "3.9.2", "glibc 2.31"), "auto", ("tflite-runtime==2.13.0", "numpy==1.26.4")),
        (("aarch64", "3.8.10", "glibc 2.31"), "auto", ("tflite-runtime==2.13.0", "numpy==1.24.4")),
        (("aarch64", "3.9.18", "glibc 2.34"), "auto", ("tflite-runtime==2.14.0", "numpy==1.26.4")),
        (("aarch64", "3.11.2", "glibc 2.36"), "tflite", ("tflite-runtime==2.14.0", "numpy==1.26.4")),
        (("aarch64", "3.10.2", "glibc 2.36"), "tflite==2.13.0", ("tflite-runtime==2.13.0", "numpy==1.26.4")),
        (("aarch64", "3.11.2", "glibc 2.36"), "litert==2.1.0", ("ai-edge-litert==2.1.0", "numpy==2.4.6")),
        (("x86_64", "3.12.1", "glibc 2.31"), "auto", ("ai-edge-litert==2.3.0", "numpy==2.4.6")),
        (("x86_64", "3.11.7", "2.36"), "tflite", ("tflite-runtime==2.14.0", "numpy==1.26.4")),
        (("armv7l", "3.11.2", "glibc 2.36"), "auto", ("tflite-runtime==2.14.0",)),
    ],
)
def test_what_fits(board, package, requirements):
    assert choose_wheels(*board, package=package).requirements == requirements


@pytest.mark.parametrize(
    ("board", "package", "said"),
    [
        (("aarch64", "3.12.3", "glibc 2.39"), "tflite", "tflite 2.14.0 needs Python 3.9-3.11 and glibc 2.34"),
        (("armv7l", "3.13.0", "glibc 2.41"), "auto", "tflite 2.14.0 needs Python 3.9-3.11"),
        (("aarch64", "3.6.9", "glibc 2.27"), "auto", "no runtime fits"),
        (("aarch64", "3.6.9", "glibc 2.27"), "auto", "name it as connection.python"),
        (("aarch64", "2.7.18", "glibc 2.31"), "auto", "no runtime fits"),
        (("armv6l", "3.11.2", "glibc 2.36"), "auto", "expected one of aarch64, x86_64, armv7l"),
        (("armv7l", "3.11.2", "glibc 2.36"), "litert", "no such runtime is published for this machine"),
        (("aarch64", "3.11.2", "musl 1.2.4"), "auto", "C library is musl 1.2.4"),
        (("aarch64", "3.11.2", None), "auto", "C library is unknown"),
        (("aarch64", "PyPy", "glibc 2.36"), "auto", "expected a version such as 3.11.2"),
        (("aarch64", "3.11.2", "glibc 2.36"), "system", "comes with the board's own system"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(board, package, said):
    with pytest.raises(BoardUnfitError) as caught:
        choose_wheels(*board, package=package)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_environments_of_different_pythons_and_versions_do_not_share_a_name():
    names = {
        choose_wheels("aarch64", python, "glibc 2.36", package=package).env
        for python in ("3.10.1", "3.11.2")
        for package in ("litert", "tflite", "tflite==2.12.0")
    }
    assert len(names) == 6


def test_tags_go_from_the_boards_own_glibc_down():
    tags = platform_tags("aarch64", 36)
    assert tags[:3] == ("manylinux_2_36_aarch64", "manylinux_2_35_aarch64", "manylinux_2_34_aarch64")
    assert tags[-2:] == ("manylinux_2_17_aarch64", "manylinux2014_aarch64")
    assert platform_tags("armv7l", 17) == ("manylinux_2_17_armv7l", "manylinux2014_armv7l")


@given(
    st.sampled_from(["aarch64", "armv7l", "x86_64", "riscv64"]),
    st.integers(6, 20),
    st.integers(10, 60),
    st.sampled_from(["auto", "litert", "tflite"]),
)
def test_nothing_is_chosen_beyond_what_was_measured(arch, minor, glibc, package):
    try:
        wheels = choose_wheels(arch, f"3.{minor}.1", f"glibc 2.{glibc}", package=package)
    except BoardUnfitError:
        return
    assert package in ("auto", wheels.package)
    assert wheels.python == (3, minor)
    if wheels.package == "tflite":
        assert minor <= 11
        assert wheels.numpy is None or wheels.numpy.startswith("1.")
    if arch == "aarch64" and wheels.version in ("2.3.0", "2.14.0"):
        assert glibc >= 34


def test_a_pinned_version_that_is_known_not_to_load_is_refused_by_its_own_needs():
    said = (
        "aarch64, Python 3.9.2, glibc 2.31: no runtime fits: tflite 2.14.0 needs Python 3.9-3.11 and glibc 2.34; "
        "put a system with such a glibc on the board, or take another version"
    )
    with pytest.raises(BoardUnfitError, match=re.escape(said)):
        choose_wheels("aarch64", "3.9.2", "glibc 2.31", package="tflite==2.14.0")
    assert choose_wheels("aarch64", "3.9.2", "glibc 2.31", package="tflite==2.12.0").version == "2.12.0"
