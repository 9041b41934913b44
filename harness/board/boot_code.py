"""What ``python3 -c`` runs on the board before anything of ours lies there; valid Python 2.7 and 3.

Words: the agent's sha256, the name of an upload of it (or ""), then the agent's own words, in which the word
CACHE stands for the cache folder. It prints one JSON line; where the agent is there, whole, and Python is new
enough, it then becomes the steward, so that a warm board is ready after one round trip.

A power cut leaves files empty, cut off or missing. So every module is hashed at every boot, and an agent that is
not what its name says is removed, for the host to send again. Compiled modules carry no checksum that Python would
look at: they are made here, held against what was noted of them, and made again where they differ.

The zip is unpacked beside its name: from a folder Python keeps compiled modules, from a zip it compiles them at
every start (0.10 against 0.22 s on a PC, several times that on a board, and every block of trials is a start).

This module is sent as source text; the host takes the constant and `digest_of` from it.
"""

# Python 2 has neither annotations nor pathlib nor keyword-only print:
# ruff: noqa: ANN001, ANN201, T201, S606, UP024, UP031
# ruff: noqa: PTH103, PTH104, PTH107, PTH111, PTH112, PTH114, PTH118, PTH119, PTH120, PTH123

import hashlib
import json
import os
import shutil
import sys

MINIMUM_PYTHON = (3, 7)
COMPILED = "__pycache__"
NOTE = ".compiled"
"""Ending of the file beside the agent that says what its modules were compiled to, and by which Python."""


def cache_folder():
    # type: () -> str
    """The one folder of ours on a board."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "edge-harness")


def make(folder):
    # type: (str) -> None
    """Make a folder for this user alone; another session may be making it too."""
    try:
        os.makedirs(folder, 0o700)
    except EnvironmentError:
        if not os.path.isdir(folder):
            raise


def digest_of(contents):
    # type: (dict[str, bytes]) -> str
    """The sha256 of files given as relative name -> content: of every name and every content's own sha256."""
    lines = ["%s %s\n" % (hashlib.sha256(contents[name]).hexdigest(), name) for name in sorted(contents)]
    return hashlib.sha256("".join(lines).encode("utf-8")).hexdigest()


def read_files(folder, compiled):
    # type: (str, bool) -> dict[str, bytes]
    """The folder's files by relative name, either the compiled ones or all others."""
    found = {}
    for where, _, names in os.walk(folder):
        if (os.path.basename(where) == COMPILED) != compiled:
            continue
        for name in names:
            path = os.path.join(where, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def is_whole(agent, sha256):
    # type: (str, str) -> bool
    """Whether a folder holds the agent of that sha256, no more and no less."""
    try:
        return os.path.isdir(agent) and digest_of(read_files(agent, False)) == sha256
    except EnvironmentError:
        return False


def remove(path):
    # type: (str) -> None
    """Remove what is in a place, whatever it is."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


def take_in(upload, sha256, agent):
    # type: (str, str, str) -> None
    """Unpack an upload, if it is whole, to where the agent belongs; on disk before it has its name."""
    import zipfile

    making = "%s.%d" % (upload, os.getpid())
    try:
        with zipfile.ZipFile(upload) as archive:
            for name in archive.namelist():
                with open(archive.extract(name, making), "rb") as file:
                    os.fsync(file.fileno())
        if is_whole(making, sha256) and not is_whole(agent, sha256):
            remove(agent)
            os.rename(making, agent)
    except EnvironmentError:
        if not is_whole(agent, sha256):  # else another session put the same agent there meanwhile
            raise
    except Exception as problem:  # zipfile and zlib have many words for a damaged file
        sys.stderr.write("the upload of the agent is damaged: %s\n" % problem)
    finally:
        shutil.rmtree(making, ignore_errors=True)
        os.remove(upload)


def compile_all(agent):
    # type: (str) -> bool
    """Whether the compiled modules are what they were made to be, or could be made again, by this Python."""
    note = agent + NOTE
    try:
        with open(note) as file:
            if file.read() == compute_note(agent):
                return True
    except (EnvironmentError, ValueError):
        # Never compiled, or what is noted is damaged too.
        remove(note)
    try:
        compile_anew(agent)
        making = "%s.%d" % (note, os.getpid())
        with open(making, "w") as file:
            file.write(compute_note(agent))
        os.rename(making, note)
    except Exception as problem:  # compilers, marshal and disks have many words
        sys.stderr.write("the agent runs uncompiled: %s\n" % problem)
        for folder, _, _ in list(os.walk(agent)):
            remove(os.path.join(folder, COMPILED))
        return False
    return True


def compile_anew(agent):
    # type: (str) -> None
    """Compile every module; where the disk is full, Python itself may leave a part of one without a word."""
    import marshal
    import py_compile

    sources = [name for name in read_files(agent, False) if name.endswith(".py")]
    for folder in {os.path.dirname(name) for name in sources}:
        remove(os.path.join(agent, folder, COMPILED))
    for name in sources:
        py_compile.compile(os.path.join(agent, name), doraise=True)
    for content in read_files(agent, True).values():
        marshal.loads(content[16:])  # noqa: S302 - compiled a moment ago


def compute_note(agent):
    # type: (str) -> str
    """What the note says while all is well: the compiled modules' sha256, and which Python made them."""
    return "%s %s" % (digest_of(read_files(agent, True)), " ".join(sys.version.split()))


def boot(sha256, upload, words):
    # type: (str, str, list[str]) -> None
    """Say what is here, take an upload in, become the steward."""
    cache = cache_folder()
    agent = os.path.join(cache, "agents", sha256)
    fault = None
    there = False
    able = sys.version_info >= MINIMUM_PYTHON
    try:
        make(os.path.join(cache, "agents"))
        make(os.path.join(cache, "incoming"))
        if upload:
            take_in(os.path.join(cache, "incoming", upload), sha256, agent)
        there = able and is_whole(agent, sha256)
        if able and not there:
            remove(agent)
    except EnvironmentError as problem:
        fault = "%s: %s" % (problem.filename or cache, problem.strerror or problem)
    version = list(sys.version_info[:3])
    print(json.dumps({"python": version, "cache": cache, "agent": there, "error": fault}))
    sys.stdout.flush()
    if there and not fault:
        if not compile_all(agent):
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        os.execv(sys.executable, [sys.executable, agent] + [cache if w == "CACHE" else w for w in words])


if __name__ == "__main__":
    boot(sys.argv[1], sys.argv[2], sys.argv[3:])
