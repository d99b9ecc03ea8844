"""What this machine does, by numpy, where there is no C++ compiler: the rate of a large product instead of the peak, and
memory read and copied. Prints one line of JSON as machine_speed.cc does; the threads are those of numpy's BLAS."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np

SIDE = 1536
FLOATS = 64 << 20
REPETITIONS = 5


def seconds(work: Callable[[], object]) -> float:
    """The shortest of several runs."""
    work()
    times = []
    for _ in range(REPETITIONS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


a = np.ones((SIDE, SIDE), np.float32)
product = np.empty_like(a)
source = np.ones(FLOATS, np.float32)
target = np.empty_like(source)
print(
    json.dumps(
        {
            "flops": 2 * SIDE**3 / seconds(lambda: np.matmul(a, a, product)),
            "read": source.nbytes / seconds(source.max),
            "copy": 2 * source.nbytes / seconds(lambda: np.copyto(target, source)),
        }
    )
)
