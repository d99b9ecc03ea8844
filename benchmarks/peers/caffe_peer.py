"""Caffe as a peer, by pycaffe: it reads the prototxt itself. Its threads are those of its BLAS."""

from __future__ import annotations

import os
import sys

# Caffe logs every layer, and reads this when it is loaded.
os.environ.setdefault("GLOG_minloglevel", "2")

import caffe  # type: ignore[import-not-found] # noqa: E402
import numpy as np  # noqa: E402
from peer_task import Array, Net, Peer, Task, serve  # noqa: E402


def load(task: Task, net: Net) -> caffe.Net:
    """The net of a phase, with the task's weights and inputs."""
    loaded = caffe.Net(task.prototxt, caffe.TEST if net.phase == "TEST" else caffe.TRAIN)
    for layer in net.layers:
        for i in range(len(layer.params)):
            loaded.params[layer.name][i].data[...] = task.weights[f"{layer.name}/{i}"]
    for name in net.inputs:
        loaded.blobs[name].data[...] = task.inputs[name]
    return loaded


def make(task: Task) -> Peer:
    """The peer of a task."""
    caffe.set_mode_cpu()
    print(f"Caffe {getattr(caffe, '__version__', '')}", file=sys.stderr)
    test, train = load(task, task.forward), load(task, task.step)

    def forward() -> None:
        test.forward()

    def step() -> None:
        # Caffe adds gradients up: a solver clears them in each step.
        train.clear_param_diffs()
        train.forward()
        train.backward()

    def output() -> Array:
        forward()
        values: Array = test.blobs[task.forward.outputs[0]].data.copy()
        return values

    def gradient() -> Array:
        step()
        loss = sum(weight * float(train.blobs[name].data) for name, weight in task.step.losses.items())
        values = train.params[task.step.first_param][0].diff.ravel()
        return np.concatenate([[loss], values]).astype(np.float32)

    return Peer({"forward": forward, "step": step}, {"forward": output, "step": gradient})


serve(make)
