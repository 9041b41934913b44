"""The process that holds TensorFlow: jobs as JSON lines on stdin, answers as JSON lines on stdout.

Standard output is moved away at start, because the converter prints on it; that text ends on stderr.
"""

import os
import sys
from typing import TextIO

from harness.pipeline.building.jobs import BuildJob, WorkerAnswer
from harness.records.errors import BuildError


def main() -> None:
    """Serve jobs until stdin ends."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        _make_deterministic()
        for line in sys.stdin:
            _answer(answers, _serve(BuildJob.model_validate_json(line), answers))


def _serve(job: BuildJob, answers: TextIO) -> WorkerAnswer:
    from harness.pipeline.conversion.convert import convert
    from harness.pipeline.conversion.prepare import prepare

    def say(message: str) -> None:
        _answer(answers, WorkerAnswer(event="progress", message=message))

    try:
        prepared = prepare(job, say)
        say("converting")
        convert(job, prepared)
    except BuildError as error:
        return WorkerAnswer(event="error", message=str(error))
    return WorkerAnswer(event="done")


def _answer(answers: TextIO, answer: WorkerAnswer) -> None:
    answers.write(answer.model_dump_json() + "\n")
    answers.flush()


def _make_deterministic() -> None:
    """One thread and deterministic kernels: the same key gives the same bytes, whatever the machine's load."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


if __name__ == "__main__":
    main()
