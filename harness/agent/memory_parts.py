"""What a process' memory consists of: which pages came with the model, and what they hold.

Pages of files are told apart by their file. Anonymous ones that came since the baseline are told apart by their
content: what inferences write is the tensor arena, what they leave as it was is packed weights and heap. Of both only
what the allocator handed out, or gives back when asked to, counts as explained.
"""

from __future__ import annotations

import array
import ctypes
import gc
import os
import re
import resource
import time
import zlib
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

_PROC = Path("/proc/self")
_HEADER = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+)\s*(.*)")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PRESENT = 1 << 63
_USUAL_STACK = 2 << 20
"""A thread's stack where the process' own has no limit; glibc's own figure."""
_SHARED = ("/dev/", "/memfd:", "/SYSV")
"""Mappings with a name like a file's that are none: memory that processes share."""
_SMALL, _ARENA, _RESERVE = 400, 1 << 18, 3 << 18
_TRIES = 20

Range = Tuple[int, int]


class PartsUnknownError(Exception):
    """Why a kernel does not tell what memory consists of, in one line."""


class _Mapping(NamedTuple):
    start: int
    end: int
    path: str
    pss: int
    """Bytes; ``rss`` likewise."""
    rss: int

    @property
    def anonymous(self) -> bool:
        return not self.path or self.path == "[heap]" or self.path.startswith("[anon")


class Snapshot(NamedTuple):
    """The process' memory at one moment, in bytes; ``anonymous`` are the resident pages of no file and no stack."""

    pss: int
    files: Dict[str, Tuple[int, int]]
    """The proportional share of each file that is mapped, and its resident bytes, by its path."""
    stacks: int
    allocated: int
    """What the allocator has handed out."""
    anonymous: List[Range]


class Content(NamedTuple):
    """A checksum of each anonymous page that came since the baseline."""

    pages: List[Range]
    sums: Any


def settle() -> None:
    """Give back what imports left free, so that a model's growth is not hidden in it."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def reserve() -> List[bytes]:
    """What has Python keep free room for small objects, so that this reading's own take no pages while a model runs.

    An object of every arena's worth stays alive: without it Python would give the arena back.
    """
    objects = [bytes(_SMALL) for _ in range(_RESERVE // _SMALL)]
    return objects[:: _ARENA // _SMALL // 2]


def take_snapshot() -> Snapshot:
    """The process' memory now; raises PartsUnknownError."""
    mappings = list(_mappings())
    stacks = _stacks(mappings)
    spans = [(one.start, one.end) for one in mappings if one.anonymous and one.pss]
    files: Dict[str, Tuple[int, int]] = {}
    for one in mappings:
        if one.path.startswith("/") and not one.path.startswith(_SHARED):
            pss, rss = files.get(one.path, (0, 0))
            files[one.path] = (pss + one.pss, rss + one.rss)
    return Snapshot(
        pss=sum(one.pss for one in mappings),
        files=files,
        stacks=_size(_resident(stacks)),
        allocated=_allocated(),
        anonymous=_resident(_without(spans, stacks)),
    )


def read_content(before: Snapshot) -> Content:
    """What the pages hold that came since ``before``; raises PartsUnknownError."""
    pages = _without(take_snapshot().anonymous, before.anonymous)
    return Content(pages, _checksums(pages))


class Snapshots(NamedTuple):
    """What was taken on the way: the runtime alone, a model loaded, one that ran once, one that ran on other inputs."""

    before: Snapshot
    loaded: Content
    ran: Content
    after: Snapshot


def parts_of(stages: Snapshots, model: Path) -> Dict[str, Any]:
    """The MemoryParts record; ``model`` is the file. Gives free heap back, so it comes last."""
    before, after = stages.before, stages.after
    grown = _without(after.anonymous, before.anonymous)
    written = _written(stages, grown)
    settle()
    kept = _without(grown, _without(grown, take_snapshot().anonymous))
    freed = _size(grown) - _size(kept)
    known = max(0, min(_size(kept), after.allocated - before.allocated))
    arena = min(known, _size(_without(written, _without(grown, kept))))
    path = os.path.realpath(str(model))
    mapped = after.files[path][0] if path in after.files else None
    known_files, new_files = _shares(before, after, path)
    packed = known - arena + freed
    # A runtime that cannot map a file copies it to the heap.
    weights = mapped if mapped is not None else min(model.stat().st_size, packed)
    return {
        "pss_bytes": after.pss,
        "runtime_bytes": before.pss - sum(pss for pss, _ in before.files.values()) + known_files,
        "weights_bytes": weights,
        "weights_mapped": mapped is not None,
        "packed_bytes": packed - (0 if mapped is not None else weights),
        "arena_bytes": arena,
        "stacks_bytes": max(0, after.stacks - before.stacks),
        "libraries_bytes": new_files,
    }


def _written(stages: Snapshots, grown: List[Range]) -> List[Range]:
    """Pages that inferences write: whose content is not what loading left, nor what the first inference left.

    A page that came with the first inference and holds the same after one on other inputs is a weight packed late.
    """
    now = Content(grown, _checksums(grown))
    loaded, ran, last = map(_by_page, (stages.loaded, stages.ran, now))
    found: List[Range] = []
    for page, content in last.items():
        if page not in ran or content != ran[page] or loaded.get(page, content) != content:
            _append(found, page)
    return found


def _by_page(content: Content) -> Dict[int, int]:
    return dict(zip(_pages(content.pages), content.sums))


def _shares(before: Snapshot, after: Snapshot, model: str) -> Tuple[int, int]:
    """Of the files but the model's: the share in the end of pages that were there before, and of those that came since.

    By their resident bytes: shares change while a process that maps the same file comes or goes.
    """
    known = new = 0.0
    for path, (pss, rss) in after.files.items():
        if path != model and rss:
            there = min(before.files.get(path, (0, 0))[1], rss)
            known += pss * there / rss
            new += pss * (rss - there) / rss
    return round(known), round(new)


def _mappings() -> Iterator[_Mapping]:
    """The process' mappings; a line at a time, so that reading takes little memory itself."""
    try:
        with (_PROC / "smaps").open("r", encoding="utf-8", errors="surrogateescape") as lines:
            found: Optional["re.Match[str]"] = None
            rss = 0
            for line in lines:
                if line.startswith("Rss:"):
                    rss = int(line.split()[1]) * 1024
                elif line.startswith("Pss:") and found is not None:
                    start, end, _, _, path = found.groups()
                    yield _Mapping(int(start, 16), int(end, 16), path, int(line.split()[1]) * 1024, rss)
                    found = None
                elif "-" in line.partition(" ")[0]:
                    found = _HEADER.match(line)
    except OSError as error:
        raise PartsUnknownError("the board's kernel does not tell a process' mappings") from error


def _stacks(mappings: List[_Mapping]) -> List[Range]:
    """Where threads keep their stacks: the mapping a thread's stack pointer is in, from its guard page up."""
    size = resource.getrlimit(resource.RLIMIT_STACK)[0]
    most = _USUAL_STACK if size in (resource.RLIM_INFINITY, -1) else size
    found = set()
    for pointer in _stack_pointers():
        for one in mappings:
            if one.start <= pointer < one.end:
                whole = one.path.startswith("[stack")
                found.add((one.start, one.end if whole else min(one.end, one.start + most)))
    return sorted(found)


def _stack_pointers() -> Iterator[int]:
    """Of every other thread, as it waits in the kernel, and the start of this one's stack."""
    for task in _PROC.glob("task/*/syscall"):
        for _ in range(_TRIES):
            try:
                words = task.read_text().split()
            except OSError:
                break
            if len(words) > 2:
                yield int(words[-2], 16)
                break
            # It runs: after an inference threads wait for the next one a while before they sleep.
            time.sleep(0.001)


def _resident(spans: List[Range]) -> List[Range]:
    """The pages in these spans that are in memory, as ranges of addresses."""
    found: List[Range] = []
    try:
        fd = os.open(str(_PROC / "pagemap"), os.O_RDONLY)
    except OSError as error:
        raise PartsUnknownError("the board's kernel does not tell which pages are in memory") from error
    try:
        for start, end in spans:
            entries = array.array("Q")
            entries.frombytes(os.pread(fd, (end - start) // _PAGE * 8, start // _PAGE * 8))
            for at, entry in enumerate(entries):
                if entry & _PRESENT:
                    _append(found, start + at * _PAGE)
    finally:
        os.close(fd)
    return found


def _append(ranges: List[Range], page: int) -> None:
    if ranges and ranges[-1][1] == page:
        ranges[-1] = (ranges[-1][0], page + _PAGE)
    else:
        ranges.append((page, page + _PAGE))


def _without(ranges: List[Range], others: List[Range]) -> List[Range]:
    """What of sorted ranges is not in sorted others."""
    left: List[Range] = []
    for start, end in sorted(ranges):
        at = start
        for low, high in others:
            if high <= at or low >= end:
                continue
            if low > at:
                left.append((at, low))
            at = max(at, high)
        if at < end:
            left.append((at, end))
    return left


def _size(ranges: List[Range]) -> int:
    return sum(end - start for start, end in ranges)


def _pages(ranges: List[Range]) -> Iterator[int]:
    for start, end in ranges:
        yield from range(start, end, _PAGE)


def _checksums(ranges: List[Range]) -> Any:  # noqa: ANN401 - an array of numbers, which Python 3.7 cannot type
    sums = array.array("L")
    fd = os.open(str(_PROC / "mem"), os.O_RDONLY)
    try:
        for page in _pages(ranges):
            sums.append(_checksum(fd, page))
    finally:
        os.close(fd)
    return sums


def _checksum(fd: int, page: int) -> int:
    """Of a page's content; 0 of one that is not there any more."""
    try:
        return zlib.crc32(os.pread(fd, _PAGE, page))
    except OSError:
        return 0


class _Allocated(ctypes.Structure):
    """glibc's mallinfo2; mallinfo, before 2.33, has the same as int."""

    _fields_ = [(name, ctypes.c_size_t) for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd")] + [
        (name, ctypes.c_size_t) for name in ("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    ]


class _AllocatedOld(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint) for name, _ in _Allocated._fields_]


def _allocated() -> int:
    library = ctypes.CDLL(None)
    for name, kind in (("mallinfo2", _Allocated), ("mallinfo", _AllocatedOld)):
        function = getattr(library, name, None)
        if function is not None:
            function.restype = kind
            told = function()
            return int(told.uordblks) + int(told.hblkhd)
    raise PartsUnknownError("the board's C library does not tell what it allocated")
