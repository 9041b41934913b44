"""Drawn charts, checked before they go into the page as they are."""

import xml.etree.ElementTree as ET

from harness.records.errors import HarnessError

ENLARGED = 1.12
"""Charts are drawn for a phone's width; a wide page shows them a little larger, all by the same factor."""
_SVG = "{http://www.w3.org/2000/svg}"
_ALLOWED_TAGS = {f"{_SVG}{tag}" for tag in ("svg", "g", "path", "text", "tspan", "line", "rect", "circle", "title")}
_FORBIDDEN_ATTRIBUTES = ("href", "src", "style", "id", "class")


def checked(svg: str) -> str:
    """The chart, scalable by the style sheet; HarnessError if it holds more than shapes and text."""
    root = ET.fromstring(svg)  # noqa: S314 - our own renderer's output, and no entity survives its writer
    for element in root.iter():
        if element.tag not in _ALLOWED_TAGS:
            raise HarnessError(
                f"report.html: a chart holds {element.tag!r}: expected shapes and text only; report this"
            )
        for attribute in list(element.attrib):
            name = attribute.rpartition("}")[2]
            if name in _FORBIDDEN_ATTRIBUTES or name.startswith("on"):
                del element.attrib[attribute]
    root.attrib.pop("height", None)
    root.set("width", f"{float(root.get('width', '0')) * ENLARGED:.0f}")
    ET.register_namespace("", _SVG[1:-1])
    return ET.tostring(root, encoding="unicode")
