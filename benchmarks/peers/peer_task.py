"""The side of a peer written in Python: reads its task, then answers one request after another (see task.ts)."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

# Passes longer than this are not run untimed before they are timed.
LONG_MILLISECONDS = 500.0
WARM_PASSES = 2
WARM_MILLISECONDS = 1000.0


@dataclass(frozen=True)
class Layer:
    """A layer of a net's description; its settings have their defaults filled in."""

    name: str
    type: str
    bottoms: list[str]
    tops: list[str]
    shapes: list[list[int]]
    params: list[list[int]]
    settings: dict[str, Any]


@dataclass(frozen=True)
class Net:
    """The net of one phase: layers in the order in which they run."""

    phase: str
    inputs: dict[str, list[int]]
    outputs: list[str]
    losses: dict[str, float]
    layers: list[Layer]

    @property
    def first_param(self) -> str:
        """The name of the first layer with parameters."""
        return next(layer.name for layer in self.layers if layer.params)


@dataclass(frozen=True)
class Task:
    """What a peer is to build, with weights by `<layer>/<index>` and inputs by blob."""

    threads: int
    mode: str
    forward: Net
    step: Net
    prototxt: str
    exported: str
    weights: dict[str, Array]
    inputs: dict[str, Array]


def read_safetensors(path: str) -> dict[str, Array]:
    """The float32 tensors of a safetensors file."""
    with open(path, "rb") as file:
        header: dict[str, Any] = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        body = file.read()
    tensors: dict[str, Array] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        values = np.frombuffer(body[start:end], dtype=np.float32)
        tensors[name] = values.reshape(entry["shape"]).copy()
    return tensors


def read_net(given: dict[str, Any]) -> Net:
    """A net's description as it stands in the task."""
    layers = [Layer(**layer) for layer in given["layers"]]
    return Net(given["phase"], given["inputs"], given["outputs"], given["losses"], layers)


def read_task(path: str) -> Task:
    """The task in a file."""
    with open(path, encoding="utf8") as file:
        given: dict[str, Any] = json.load(file)
    forward, step = (read_net(given["nets"][name]) for name in ("forward", "step"))
    inputs = {
        name: np.fromfile(source, dtype=np.float32).reshape(step.inputs[name])
        for name, source in given["inputs"].items()
    }
    weights = read_safetensors(given["weights"])
    return Task(
        given["threads"],
        given["mode"],
        forward,
        step,
        given["prototxt"],
        given["exported"],
        weights,
        inputs,
    )


class Peer:
    """What a framework does with a task: a function for each pass that it has, and what each computes."""

    def __init__(self, run: dict[str, Callable[[], object]], values: dict[str, Callable[[], Array]]) -> None:
        self.run = run
        self.values = values


class Server:
    """Carries requests out on a peer."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.took: dict[str, float] = {}

    def repeat(self, name: str, passes: int, milliseconds: float) -> list[float]:
        """Times a pass at least so often and so long: milliseconds of each."""
        run = self.peer.run[name]
        samples: list[float] = []
        begin = time.perf_counter()
        while True:
            start = time.perf_counter()
            run()
            end = time.perf_counter()
            samples.append(1e3 * (end - start))
            if len(samples) >= passes and 1e3 * (end - begin) >= milliseconds:
                break
        self.took[name] = statistics.median(samples)
        return samples

    def carry_out(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request."""
        name: str = request["pass"]
        if request["do"] == "warm":
            return {"samples": self.repeat(name, WARM_PASSES, WARM_MILLISECONDS)}
        if request["do"] == "round":
            if self.took.get(name, 0.0) < LONG_MILLISECONDS:
                self.peer.run[name]()
            return {"samples": self.repeat(name, 1, request["milliseconds"])}
        return {"values": [float(value) for value in self.peer.values[name]().ravel()]}


def serve(make: Callable[[Task], Peer]) -> None:
    """Makes the peer of the task that the command line names, and serves it until standard input ends."""
    # What a framework prints must not come between the answers.
    answers = sys.stdout
    sys.stdout = sys.stderr

    def answer(line: dict[str, Any]) -> None:
        answers.write(json.dumps(line) + "\n")
        answers.flush()

    peer = make(read_task(sys.argv[1]))
    server = Server(peer)
    answer({"ready": True, "passes": list(peer.run)})
    for line in sys.stdin:
        try:
            answer(server.carry_out(json.loads(line)))
        except Exception as error:  # noqa: BLE001 - told to the one who asked
            answer({"error": f"{type(error).__name__}: {error}".splitlines()[0]})
