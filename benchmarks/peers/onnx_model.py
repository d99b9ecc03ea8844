"""The layers of a net's description as an ONNX graph, in phase TEST. Run with a task and a path, it writes the model there."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper
from peer_task import Array, Layer, Net, Task, read_task

OPSET = 17


class Graph:
    """An ONNX graph that grows: each write of a blob has a name of its own."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        self.names: dict[str, str] = {name: name for name in task.forward.inputs}

    def constant(self, name: str, values: Array) -> str:
        """An initializer."""
        self.initializers.append(numpy_helper.from_array(values, name))
        return name

    def param(self, layer: Layer, index: int) -> str:
        """A parameter of a layer."""
        name = f"{layer.name}/{index}"
        return self.constant(name, self.task.weights[name])

    def node(self, op: str, inputs: list[str], layer: Layer, **attributes: Any) -> None:
        """Appends what makes a layer's top."""
        self.nodes.append(helper.make_node(op, inputs, [layer.name], layer.name, **attributes))
        self.names[layer.tops[0]] = layer.name

    def window(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The attributes that convolution and pooling have in common."""
        kernel, stride, pad = settings["kernel"], settings["stride"], settings["pad"]
        return {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4}

    def pool(self, layer: Layer, x: str) -> None:
        """Caffe's pooling rounds up."""
        window = self.window(layer.settings)
        if layer.settings["method"] == "MAX":
            self.node("MaxPool", [x], layer, ceil_mode=1, **window)
        else:
            self.node("AveragePool", [x], layer, ceil_mode=1, count_include_pad=1, **window)

    def normalize(self, layer: Layer, x: str) -> None:
        """BatchNorm alone: the Scale behind it is a product and a sum, which the runtime folds."""
        mean, variance, weight = (self.task.weights[f"{layer.name}/{i}"] for i in range(3))
        ones = np.ones_like(mean)
        inputs = {"scale": ones, "bias": 0 * ones, "mean": mean / weight, "variance": variance / weight}
        names = [self.constant(f"{layer.name}/{name}", values) for name, values in inputs.items()]
        self.node("BatchNormalization", [x, *names], layer, epsilon=float(layer.settings["epsilon"]))

    def fold_scale(self, layer: Layer) -> bool:
        """Puts a Scale into the BatchNorm that is the last node: ONNX's own is both."""
        last = self.nodes[-1] if self.nodes else None
        if (
            last is None
            or last.op_type != "BatchNormalization"
            or self.names[layer.bottoms[0]] != last.output[0]
        ):
            return False
        last.input[1], last.input[2] = self.param(layer, 0), self.param(layer, 1)
        self.names[layer.tops[0]] = last.output[0]
        return True

    def add(self, layer: Layer) -> None:
        """Appends a layer."""
        bottoms = [self.names[name] for name in layer.bottoms]
        x, s = bottoms[0], layer.settings
        if layer.type == "Convolution":
            inputs = [x, self.param(layer, 0), *([self.param(layer, 1)] if s["bias"] else [])]
            self.node(
                "Conv", inputs, layer, group=s["group"], dilations=[s["dilation"]] * 2, **self.window(s)
            )
        elif layer.type == "InnerProduct":
            flat = f"{layer.name}/flat"
            self.nodes.append(helper.make_node("Flatten", [x], [flat]))
            inputs = [flat, self.param(layer, 0), *([self.param(layer, 1)] if s["bias"] else [])]
            self.node("Gemm", inputs, layer, transB=1)
        elif layer.type == "Pooling":
            self.pool(layer, x)
        elif layer.type == "BatchNorm":
            self.normalize(layer, x)
        elif layer.type == "Scale":
            if not self.fold_scale(layer):
                raise ValueError(f"layer {layer.name}: a Scale that follows no BatchNorm")
        elif layer.type == "LRN":
            # Whole numbers come as such, and ONNX tells them from floats.
            floats = {"alpha": float(s["alpha"]), "beta": float(s["beta"]), "bias": float(s["k"])}
            self.node("LRN", [x], layer, size=s["size"], **floats)
        elif layer.type == "Dropout":
            self.names[layer.tops[0]] = x
        elif layer.type in ("ReLU", "Softmax", "Concat", "Eltwise"):
            op = {"ReLU": "Relu", "Eltwise": "Sum"}.get(layer.type, layer.type)
            axis = {"axis": 1} if layer.type in ("Softmax", "Concat") else {}
            self.node(op, bottoms, layer, **axis)
        else:
            raise ValueError(f"layer {layer.name}: no type {layer.type}")


def model_of(task: Task, net: Net) -> bytes:
    """The net as the bytes of an ONNX model."""
    graph = Graph(task)
    for layer in net.layers:
        graph.add(layer)
    shapes = {name: shape for layer in net.layers for name, shape in zip(layer.tops, layer.shapes)}
    output = net.outputs[0]
    value = helper.make_tensor_value_info
    made = helper.make_graph(
        graph.nodes,
        "net",
        [value(name, TensorProto.FLOAT, shape) for name, shape in net.inputs.items()],
        [value(graph.names[output], TensorProto.FLOAT, shapes[output])],
        graph.initializers,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    serialized: bytes = model.SerializeToString()
    return serialized


if __name__ == "__main__":
    written = read_task(sys.argv[1])
    Path(sys.argv[2]).write_bytes(model_of(written, written.forward))
