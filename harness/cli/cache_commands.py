"""``harness cache`` and its commands. Each body imports what it needs, so that --help stays quick."""

from typing import Annotated

import typer

from harness.cli.exit_codes import list_exit_codes
from harness.cli.options import CacheDir, Json

cache = typer.Typer(
    help="Show what builds left on this machine, and remove it.", no_args_is_help=True, rich_markup_mode=None
)


@cache.command("list", epilog=list_exit_codes("cache list"))
def cache_list(cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """List what was built, what was used last first."""
    from harness.cli.cache import list_cache

    list_cache(cache_dir, as_json=as_json)


@cache.command("size", epilog=list_exit_codes("cache size"))
def cache_size(cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """Say how much room each kind takes."""
    from harness.cli.cache import size_of_cache

    size_of_cache(cache_dir, as_json=as_json)


@cache.command("prune", epilog=list_exit_codes("cache prune"))
def cache_prune(
    kinds: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KIND]...", help="weights, prepared, artifacts, golden, stages (default: all but weights)"
        ),
    ] = None,
    older_than: Annotated[float, typer.Option(metavar="DAYS", help="only what was not used for so long")] = 0.0,
    cache_dir: CacheDir = None,
    as_json: Json = False,
) -> None:
    """Remove what was built; what a build is at work on stays."""
    from harness.cli.cache import prune_cache

    prune_cache(kinds or [], cache_dir, older_than=older_than, as_json=as_json)
