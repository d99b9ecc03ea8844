"""onnxruntime as a peer, with a model written layer by layer, or the one that Cortado exports. It has inference only."""

from __future__ import annotations

import onnxruntime  # type: ignore[import-untyped]
from onnx_model import model_of
from peer_task import Array, Peer, Task, serve


def make(task: Task) -> Peer:
    """The peer of a task."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = task.threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        task.exported if task.mode == "exported" else model_of(task, task.forward), options, providers=["CPUExecutionProvider"]
    )
    inputs = {name: task.inputs[name] for name in task.forward.inputs}

    def forward() -> Array:
        result: Array = session.run(None, inputs)[0]
        return result

    return Peer({"forward": forward}, {"forward": forward})


serve(make)
