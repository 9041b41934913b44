"""The program that draws: a list of Vega-Lite specifications a line in, a list of SVG texts a line out.

It runs in a process of its own: the engine takes most of a second to start and holds Python's lock
meanwhile, so it is started before it is needed, beside the work. It imports nothing of the harness.
"""

import json
import os
import sys
from typing import Any

_FIRST = {"data": {"values": [{"a": 1}]}, "mark": "point", "encoding": {"x": {"field": "a", "type": "quantitative"}}}


def main() -> None:
    """Draw until stdin ends; fd 1 carries answers only, whatever native code prints."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    draw([_FIRST])
    for line in sys.stdin:
        answers.write(json.dumps(_answer(line)) + "\n")
        answers.flush()


def draw(specs: list[dict[str, Any]]) -> list[str]:
    """SVG texts of some specifications; nothing is fetched from anywhere."""
    import vl_convert

    return [vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]) for spec in specs]


def _answer(line: str) -> dict[str, Any]:
    try:
        return {"svgs": draw(json.loads(line))}
    except ValueError as error:
        return {"error": " ".join(str(error).split())}


if __name__ == "__main__":
    main()
