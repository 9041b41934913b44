"""What a limited process starts with: limits set before anything heavy is imported, stdout kept for answers.

Arguments: the module that does the job, then bytes of memory, bytes of a file, seconds of the processor. The job is
on stdin. Standard output is moved away at start, because native code and users' code may print on it.
"""

import importlib
import os
import resource
import sys

from harness.records.base import Record


def main() -> None:
    """Have one job done by a module's ``main(text, tell)``; each answer is a JSON line."""
    module, *limits = sys.argv[1:]
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        _limit(*map(int, limits))

        def tell(answer: Record) -> None:
            answers.write(answer.model_dump_json() + "\n")
            answers.flush()

        importlib.import_module(module).main(sys.stdin.read(), tell)


def _limit(memory_bytes: int, file_bytes: int, cpu_s: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for what, most in (
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
    ):
        _, hard = resource.getrlimit(what)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (allowed, allowed))


if __name__ == "__main__":
    main()
    os._exit(0)  # a runtime's own ending can take seconds, or crash
