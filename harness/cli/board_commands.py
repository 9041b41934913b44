"""The commands on boards and their profiles. Each body imports what it needs, so that --help stays quick."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import CacheDir, DevicesDir, Json


def add(  # noqa: PLR0913, PLR0917 - one parameter an option
    name: Annotated[str, typer.Argument(help="name of the new profile")],
    address: Annotated[
        str,
        typer.Argument(
            metavar="USER@HOST[:PORT]", help="or ssh://..., a Host of ~/.ssh/config; USER@[::1]:PORT for IPv6"
        ),
    ],
    devices_dir: DevicesDir = None,
    identity_file: Annotated[str | None, typer.Option(help="private key")] = None,
    known_hosts: Annotated[str | None, typer.Option(help="file of accepted host keys")] = None,
    proxy_jump: Annotated[str | None, typer.Option(help="jump host")] = None,
    as_json: Json = False,
) -> None:
    """Probe a board, write its profile, and say what is missing."""
    from harness.cli.boards import add_device

    extra = {"identity_file": identity_file, "known_hosts": known_hosts, "proxy_jump": proxy_jump}
    add_device(
        name,
        address,
        devices_dir=devices_dir,
        extra={key: value for key, value in extra.items() if value is not None},
        as_json=as_json,
    )


def provision(  # noqa: PLR0913, PLR0917 - typer's way of declaring options
    name: Annotated[str, typer.Argument(help="device to provision")],
    devices_dir: DevicesDir = None,
    cache_dir: CacheDir = None,
    runtime: Annotated[str | None, typer.Option(help="litert or tflite (default: what fits the board)")] = None,
    wheels: Annotated[
        Path | None, typer.Option("--from", metavar="DIR", help="folder with the wheels; no package index is asked")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="instead, remove the runtimes that were put there")] = False,
    clean: Annotated[bool, typer.Option("--clean", help="instead, remove all that was ever put on the board")] = False,
    as_json: Json = False,
) -> None:
    """Put a runtime on a board that has no internet, and prove it by running a model."""
    from harness.cli.boards import clean_device, provision_device

    if clean or remove:
        clean_device(name, devices_dir=devices_dir, runtimes_only=not clean, as_json=as_json)
        return
    provision_device(
        name, devices_dir=devices_dir, cache_dir=cache_dir, package=runtime, wheels=wheels, as_json=as_json
    )


def doctor(  # noqa: PLR0913, PLR0917 - one parameter an option
    name: Annotated[str, typer.Argument(help="device to examine")],
    devices_dir: DevicesDir = None,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="show what is ok too")] = False,
    accept: Annotated[
        bool, typer.Option("--accept", help="write what the board says of itself into the profile's [hardware]")
    ] = False,
    rights: Annotated[
        bool, typer.Option("--rights", help="print the script that lets the board's account tune it, and no more")
    ] = False,
    footprint: Annotated[
        bool, typer.Option("--footprint", help="instead, tell what its operating system takes before any model")
    ] = False,
    archive: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write all of it into a zip file too, for a bug report")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(metavar="FILE", help="footprint to compare with, as --footprint --json printed it")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what is wrong with a board, what that does to numbers, and the command that mends it."""
    from harness.cli import doctor as words

    if footprint or against is not None:
        from harness.cli.footprint import show_footprint

        show_footprint(name, devices_dir=devices_dir, against=against, as_json=as_json)
    elif rights:
        words.print_rights(name, devices_dir=devices_dir)
    elif accept:
        words.accept_board(name, devices_dir=devices_dir)
    else:
        raise typer.Exit(
            words.examine_device(name, devices_dir=devices_dir, as_json=as_json, verbose=verbose, archive=archive)
        )


def emulate(  # noqa: PLR0913, PLR0917 - one parameter an option
    release: Annotated[str, typer.Option(help="Debian's: bookworm, bullseye or trixie")] = "bookworm",
    memory: Annotated[str, typer.Option(help='its memory, such as "512 MB"')] = "2 GB",
    cpus: Annotated[int, typer.Option(min=1, max=8, help="its processors")] = 4,
    name: Annotated[str, typer.Option(help="of several that run at a time")] = "emulated",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="on 127.0.0.1 (default: a free one)")] = None,
    mirror: Annotated[
        str | None, typer.Option(metavar="URL", help="Debian's packages (default: where apt's are)")
    ] = None,
    cache_dir: CacheDir = None,
    stop: Annotated[bool, typer.Option("--stop", help="instead, end the one that runs")] = False,
    as_json: Json = False,
) -> None:
    """Boot an emulated ARM board, which proves that benchmarks run there, never how fast."""
    from harness.cli.emulate import start_emulated, stop_emulated
    from harness.testing.emulated import EmulatedBoard

    if stop:
        stop_emulated(name, cache_dir)
        return
    board = EmulatedBoard(
        release=release,
        memory=memory,
        cpus=cpus,
        name=name,
        port=port,
        mirror=mirror,
        cache_dir=cache_dir,
        detached=True,
        say=lambda text: typer.echo(text, err=True),
    )
    start_emulated(board, as_json=as_json)


def simulate(
    kind: Annotated[str, typer.Argument(help="rpi4, rpi5, jetson-orin-nano, rock-5b or imx8mp-evk")],
    name: Annotated[str | None, typer.Option(help="of its profile (default: scripted-KIND)")] = None,
    devices_dir: DevicesDir = None,
    script: Annotated[Path | None, typer.Option(metavar="FILE", help="what happens on it, and when (TOML)")] = None,
    stub_cycles: Annotated[
        float | None, typer.Option(min=1.0, help="an inference takes stub-cycles / (clock x threads)")
    ] = None,
) -> None:
    """Run a board made of files, on which a script has things happen, until Ctrl-C. Needs root."""
    from harness.cli.simulate import simulate_board

    folder = devices_dir or Path("devices")
    simulate_board(kind, name=name, devices_dir=folder, script=script, cycles=stub_cycles)


def calibrate(
    name: Annotated[str, typer.Argument(help="device whose power model is fitted")],
    meter: Annotated[Path, typer.Option("--meter", metavar="FILE", help="the meter's readings: CSV, time_s,watts")],
    steps: Annotated[
        Path | None,
        typer.Option("--steps", metavar="FILE", help="load steps that were driven before; no board is asked"),
    ] = None,
    devices_dir: DevicesDir = None,
    as_json: Json = False,
) -> None:
    """Drive load steps on a board, find them in a meter's readings, and write the profile's power model."""
    from harness.cli.calibrate import calibrate_device

    calibrate_device(name, meter, steps=steps, devices_dir=devices_dir, as_json=as_json)


def devices(devices_dir: DevicesDir = None, as_json: Json = False) -> None:
    """List the devices there are profiles for."""
    from harness.cli.boards import list_devices

    list_devices(devices_dir, as_json=as_json)
