"""Builds a baseline's candidates in a process of its own: a request as JSON on stdin, what became of it on stdout."""

import json
import sys
from pathlib import Path
from typing import Any

from harness.pipeline.builder.artifact_folder import export_artifacts
from harness.pipeline.builder.build import Builder
from harness.records.artifact import Artifact
from harness.records.errors import HarnessError
from harness.session.collect_benchmarks import collect_benchmarks


def main() -> None:
    """Collect, build what is asked for, write a folder of artifacts; a failure of all is one line and exit code 1."""
    try:
        failed = build_base(json.load(sys.stdin))
    except HarnessError as error:
        sys.exit(" ".join(str(error).split()))
    sys.stdout.write(json.dumps({"failed": failed}) + "\n")


def build_base(request: dict[str, Any]) -> dict[str, str]:
    """Reasons, by label, of the candidates that are there and did not build. Raises UsageError."""
    only = set(request["only"])
    found = dict.fromkeys(one.candidate for one in collect_benchmarks(request["paths"], some=False))
    wanted = [candidate for candidate in found if str(candidate) in only]
    if not wanted:
        return {}
    cache_dir = request["cache_dir"] and Path(request["cache_dir"])
    with Builder(cache_dir=cache_dir, seed=request["seed"], jobs=request["jobs"]) as builder:
        results = builder.build_all(wanted)
    pairs = list(zip(wanted, results, strict=True))
    export_artifacts(Path(request["out"]), [(one, made) for one, made in pairs if isinstance(made, Artifact)])
    return {str(one): str(made) for one, made in pairs if not isinstance(made, Artifact)}
