"""ONNX Runtime as a program that the harness asks to run a model: onnx_runner.py MODEL.onnx."""

import os
import sys
import time

import numpy as np
import onnxruntime

TYPES = {"tensor(float)": "float32", "tensor(int8)": "int8", "tensor(uint8)": "uint8", "tensor(int64)": "int64"}


def main() -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["EDGE_HARNESS_THREADS"])
    session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
    inputs = {one.name: np.zeros(one.shape, TYPES[one.type]) for one in session.get_inputs()}
    for one in session.get_inputs():
        tell(f"input {one.name} {TYPES[one.type]} {'x'.join(map(str, one.shape))}\n".encode())
    for one in session.get_outputs():
        tell(f"output {one.name} {TYPES[one.type]} {'x'.join(map(str, one.shape))}\n".encode())
    tell(b"ready ONNX Runtime " + onnxruntime.__version__.encode() + b"\n")
    while line := sys.stdin.buffer.readline():
        word, *numbers = line.split()
        if word == b"input":
            name = list(inputs)[int(numbers[0])]
            data = np.frombuffer(sys.stdin.buffer.read(int(numbers[1])), inputs[name].dtype)
            inputs[name] = data.reshape(inputs[name].shape)
            continue
        durations = []
        for _ in range(int(numbers[0])):
            started = time.perf_counter_ns()
            results = session.run(None, inputs)
            durations.append(time.perf_counter_ns() - started)
        tell(b"durations " + b" ".join(b"%d" % one for one in durations) + b"\n")
        for place, result in enumerate(results):
            tell(b"output %d %d\n" % (place, result.nbytes) + result.tobytes())


def tell(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
