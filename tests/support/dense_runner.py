"""A program that runs a model of its own in numpy and speaks the command runtime's words; told how to misbehave.

``dense_runner.py MODEL.npz [MISBEHAVIOUR]``: the model has one array "w", and computes tanh(x @ w).
"""

import os
import sys
import time

import numpy as np

weights = np.load(sys.argv[1])["w"]
bad = sys.argv[2] if len(sys.argv) > 2 else ""
rows, units = weights.shape
if bad == "silent":
    time.sleep(60)
if bad == "refuses":
    sys.exit("no such device: /dev/npu0")
told = [f"input x {'float99' if bad == 'type' else 'float32'} 1x{rows}"]
sys.stdout.write("\n".join([*told, f"output y float32 1x{units}", "ready dense 1.0", ""]))
sys.stdout.flush()
inputs = np.zeros((1, rows), np.float32)
while line := sys.stdin.buffer.readline():
    word, *numbers = line.split()
    if word == b"input":
        inputs = np.frombuffer(sys.stdin.buffer.read(int(numbers[1])), np.float32).reshape(1, rows)
        continue
    durations = []
    for _ in range(int(numbers[0])):
        started = time.perf_counter_ns()
        result = np.tanh(inputs @ weights)
        durations.append(time.perf_counter_ns() - started)
    if bad == "dies":
        os.abort()
    durations = durations[1:] if bad == "few" else [9 * 10**9] * len(durations) if bad == "slow" else durations
    data = (result + (1 if bad == "wrong" else 0)).astype(np.float32).tobytes()[: -4 if bad == "short" else None]
    sys.stdout.buffer.write(b"durations " + b" ".join(b"%d" % one for one in durations) + b"\n")
    sys.stdout.buffer.write(b"output 0 %d\n" % len(data) + data)
    sys.stdout.buffer.flush()
