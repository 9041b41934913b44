"""Files made wrong, the same way for the same seed: values within and beyond a schema, damaged bytes, odd files."""

import json
import os
import random
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

WORDS = (
    "",
    " ",
    "x" * 5000,
    "a\nb\r\nc",
    "\x1b[31m\x1b]0;title\x07\x9b2J",
    "::error::x",
    "##[group]x",
    "\u202egpj",
    "\ufffe\uffff",
    "\U0001fffe",
    "a\x00b",
    "../../outside/mine.txt",
    "/etc/passwd",
    "~",
    "%s%n{0}{x!r}",
    "[red]x[/red]",
    "<script>alert(1)</script>",
    "`|*_#",
    "４ ms",
    "٤ ms",
    "4 ms",
    "-1",
    "nan",
    "1e400",
    "1" * 400,
    "latency_p50",
    "candidate",
    "2026-13-45T99:99:99Z",
    "9999-12-31T23:59:59+14:00",
    "0001-01-01T00:00:00+14:00",
    "PASS",
    "$HOME",
    "int8+int8",
    "prune(" * 200,
    "prune(1e400)",
)
NUMBERS = (
    0,
    -0.0,
    1,
    -1,
    0.5,
    2,
    255,
    2**31,
    2**63 - 1,
    -(2**63),
    2**64,
    10**30,
    10**400,
    1e30,
    -1e30,
    1e300,
    5e-324,
    1e-30,
    1e18,
)
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], {"": None}, [None] * 300)
RAW = ("NaN", "Infinity", "-Infinity", "1e999", "-" + "9" * 5000, "[" * 3000 + "]" * 3000, '"\\ud800"', "01", "'x'")
ODD_BYTES = (
    b"\x00",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\x1b[2J",
    b"\n\n",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b"\\",
    b"\xc3",
)


def mutated_json(rng: random.Random, document: Any) -> bytes:
    """The document with one to four changes, most of them within its schema; now and then damaged bytes."""
    document = json.loads(json.dumps(document))
    raw: dict[str, str] = {}
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        _change(rng, document, raw)
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5)
    for mark, literal in raw.items():
        text = text.replace(json.dumps(mark), literal, 1)
    content = text.encode("utf-8", "surrogatepass")
    return mutated_bytes(rng, content) if rng.random() < 0.1 else content


def mutated_text(rng: random.Random, text: str) -> bytes:
    """A text of lines, as TOML has them, with one to four changes: values, lines, letters, bytes."""
    for _ in range(rng.choice((1, 1, 2, 4))):
        text = rng.choice(TEXT_CHANGES)(rng, text)
    content = text.encode("utf-8", "surrogatepass")
    return mutated_bytes(rng, content) if rng.random() < 0.15 else content


def mutated_bytes(rng: random.Random, content: bytes) -> bytes:
    """Bytes cut off, flipped, put in, or of another encoding."""
    at = rng.randrange(len(content) + 1)
    how = rng.randrange(6)
    if how == 0:
        return content[:at]
    if how == 1:
        return content[:at] + rng.choice(ODD_BYTES) * rng.choice((1, 1, 50)) + content[at:]
    if how == 2 and at < len(content):
        return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]
    if how == 3:
        return content + content
    if how == 4:
        return content.decode("utf-8", "replace").encode("utf-16")
    return rng.choice(ODD_BYTES) + content


def odd_file(rng: random.Random, path: Path, outside: Path) -> None:
    """Put something in a file's place that no program expects there."""
    content = path.read_bytes() if path.is_file() else b"x"
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    rng.choice(ODD_FILES)(path, outside, content)


def odd_neighbours(rng: random.Random, folder: Path, outside: Path) -> None:
    """Links and pipes under names that a program may write or read in a folder."""
    names = [*NEIGHBOURS, *(f".{name}.{os.getpid()}" for name in NEIGHBOURS)]
    for name in rng.sample(names, 4):
        path = folder / name
        if not path.exists() and not path.is_symlink():
            rng.choice(ODD_FILES)(path, outside, b"{}")
    if rng.random() < 0.3:
        Path(os.fsdecode(os.fsencode(folder) + b"/2026-\xff\xfe")).mkdir(exist_ok=True)


NEIGHBOURS = (
    "report.html",
    ".report.html.draft",
    "summary.md",
    "github-action-benchmark.json",
    "index.html",
    "index.jsonl",
    ".index.jsonl.lock",
    "latest",
    "latest.txt",
    ".latest",
    "trials.jsonl",
    "golden",
    "stages",
    "history.db",
    "history.db-journal",
)
ODD_FILES: tuple[Callable[[Path, Path, bytes], None], ...] = (
    lambda path, _outside, _content: os.mkfifo(path),
    lambda path, _outside, _content: path.symlink_to("/dev/zero"),
    lambda path, _outside, _content: path.mkdir(),
    lambda path, outside, _content: path.symlink_to(outside / "mine.txt"),
    lambda path, outside, _content: path.symlink_to(outside),
    lambda path, outside, _content: path.symlink_to(outside / "absent"),
    lambda path, _outside, _content: path.symlink_to(path.name),
    lambda path, _outside, _content: path.write_bytes(b"") and None,
    lambda path, _outside, content: path.write_bytes(content[: len(content) // 2]) and None,
    lambda path, _outside, _content: path.write_bytes(bytes(range(256))) and None,
)


def _change(rng: random.Random, document: Any, raw: dict[str, str]) -> None:
    places = list(_places(document))
    if not places:
        return
    holder, key = rng.choice(places)
    old = holder[key]
    how = rng.random()
    if how < 0.55:
        holder[key] = _alike(rng, old)
    elif how < 0.65:
        holder[key] = rng.choice((*WORDS, *NUMBERS, *OTHERS))
    elif how < 0.72:
        mark = f"mark-{rng.random()}"
        raw[mark] = rng.choice(RAW)
        holder[key] = mark
    elif how < 0.82:
        del holder[key]
    elif how < 0.9 and isinstance(holder, list):
        holder.extend([old] * rng.choice((1, 5, 60)))
    elif how < 0.95 and isinstance(holder, dict):
        holder[rng.choice(WORDS)] = old
    else:
        other, name = rng.choice(places)
        holder[key] = json.loads(json.dumps(other[name]))


def _alike(rng: random.Random, old: Any) -> Any:
    """Another value of the same type, so that most changes stay within a schema."""
    if isinstance(old, bool):
        return not old
    for kind, others in ALIKE.items():
        if isinstance(old, kind):
            return rng.choice(others(old))
    return rng.choice((*NUMBERS, *WORDS)) if old is None else {}


ALIKE: dict[type, Callable[[Any], Sequence[Any]]] = {
    int: lambda _old: [number for number in NUMBERS if isinstance(number, int)],
    float: lambda old: (*map(_as_float, NUMBERS), old * 1e9, -old),
    str: lambda old: (*WORDS, *(old + word for word in WORDS), old[: len(old) // 2]),
    list: lambda old: ([], old[:1], old * 3, old[::-1]),
}


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return 1e308


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in list(items):
        yield value, key
        yield from _places(below)


def _another_value(rng: random.Random, text: str) -> str:
    values = list(re.finditer(r'(?<== )("[^"\n]*"|[^"\s\[{][^\n,}\]]*)', text))
    if not values:
        return text
    found = rng.choice(values)
    new = rng.choice(
        (
            json.dumps(rng.choice(WORDS), ensure_ascii=False),
            repr(rng.choice(NUMBERS)),
            rng.choice(RAW),
            "true",
            "[]",
            "{}",
            "2026-01-01",
            "inf",
            "0x" + "f" * 5000,
            "[" * 3000 + "]" * 3000,
        )
    )
    return text[: found.start()] + new + text[found.end() :]


def _another_line(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    how = rng.randrange(5)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(at, lines[rng.randrange(len(lines))])
    elif how == 2:
        word = rng.choice(WORDS)
        lines.insert(at, f"{json.dumps(word)} = {json.dumps(rng.choice(WORDS))}")
    elif how == 3:
        lines.insert(at, f"[{'.'.join(['a'] * rng.choice((2, 1500)))}]")
    else:
        lines[at] = lines[at].replace(" = ", rng.choice((" ", " == ", "=[", ' = """')))
    return "\n".join(lines)


def _another_letter(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice((*WORDS, "\ud800", "=", "[", '"', "#")) + text[at + rng.randrange(3) :]


def _plausible_value(rng: random.Random, text: str) -> str:
    """A value that the file's reader may take."""
    values = list(re.finditer(r'(?<=[ \[])("[^"\n]*"|-?[0-9.]+)(?=[],}\s])', text))
    if not values:
        return text
    found = rng.choice(values)
    word = json.dumps(rng.choice((*PLAUSIBLE, rng.choice(WORDS))))
    new = (
        word if found[0].startswith('"') else rng.choice(("0", "1", "0.5", "1e-300", "1e30", "255", "0.0", "-0.0", "7"))
    )
    return text[: found.start()] + new + text[found.end() :]


PLAUSIBLE = (
    "0 ms",
    "1e29 s",
    "1e-300 us",
    "99 %",
    "100 %",
    "0 %",
    "5 pt",
    "1 B",
    "999 TB",
    "0.001 /s",
    "4 mJ",
    "none",
    "auto",
    "litert",
    "system==1.0",
    "exec",
    "local",
    "rpi4",
    "*",
    "kws_ds_cnn/int8",
    "0",
    "0-255",
    "0,0,0",
    "performance",
    "4x Cortex-A72 @ 1.2.3 GHz",
    "1.2.3 GB",
    ". GB",
    "9" * 400 + " GB",
    "rapl",
    "hwmon:../../x",
)
TEXT_CHANGES = (*[_plausible_value] * 6, _another_value, _another_value, _another_line, _another_letter)
