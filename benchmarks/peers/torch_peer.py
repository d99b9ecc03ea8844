"""PyTorch as a peer: a module that carries out the layers of a net's description, in one of four modes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from peer_task import Array, Layer, Net, Peer, Task, serve
from torch import Tensor, nn

MODES = {
    "eager": (False, False),
    "channels_last": (True, False),
    "compile": (False, True),
    "channels_last compile": (True, True),
}


class Weights(nn.Module):
    """The parameters of a net, shared by the modules of its phases; BatchNorm's statistics as buffers."""

    def __init__(self, net: Net, weights: dict[str, Array]) -> None:
        super().__init__()
        self.names: dict[str, str] = {}
        for place, layer in enumerate(net.layers):
            tensors = [torch.from_numpy(weights[f"{layer.name}/{i}"]) for i in range(len(layer.params))]
            if layer.type == "BatchNorm":
                mean, variance, weight = tensors
                self.register_buffer(f"p{place}_0", mean / weight)
                self.register_buffer(f"p{place}_1", variance / weight)
            else:
                for i, tensor in enumerate(tensors):
                    self.register_parameter(f"p{place}_{i}", nn.Parameter(tensor))
            self.names[layer.name] = f"p{place}"

    def of(self, layer: Layer, index: int) -> Tensor:
        """A parameter of a layer."""
        tensor = getattr(self, f"{self.names[layer.name]}_{index}")
        assert isinstance(tensor, Tensor)
        return tensor


def fused(layers: list[Layer]) -> list[tuple[Layer, Layer | None]]:
    """The layers; a BatchNorm comes with the Scale behind it, as PyTorch's own batch_norm is both."""
    pairs: list[tuple[Layer, Layer | None]] = []
    taken: set[str] = set()
    for layer, after in zip(layers, [*layers[1:], None]):
        if layer.name in taken:
            continue
        scale = after if layer.type == "BatchNorm" and after is not None and after.type == "Scale" else None
        if scale is not None:
            taken.add(scale.name)
        pairs.append((layer, scale))
    return pairs


class CaffeNet(nn.Module):
    """Carries out the layers of a net; gives its first output, in TRAIN its weighted loss."""

    def __init__(self, net: Net, weights: Weights) -> None:
        super().__init__()
        self.net = net
        self.weights = weights
        self.pairs = fused(net.layers)

    def pool(self, layer: Layer, x: Tensor) -> Tensor:
        """Caffe's pooling: windows start inside the padded image, and the last may reach over its end."""
        s = layer.settings
        if s["method"] == "MAX":
            return F.max_pool2d(x, s["kernel"], s["stride"], s["pad"], ceil_mode=True)
        return F.avg_pool2d(x, s["kernel"], s["stride"], s["pad"], ceil_mode=True, count_include_pad=True)

    def normalize(self, layer: Layer, scale: Layer | None, x: Tensor) -> Tensor:
        """BatchNorm, with the Scale behind it."""
        gamma = self.weights.of(scale, 0) if scale else None
        beta = self.weights.of(scale, 1) if scale else None
        s = layer.settings
        mean, variance = self.weights.of(layer, 0), self.weights.of(layer, 1)
        training = self.net.phase == "TRAIN"
        return F.batch_norm(x, mean, variance, gamma, beta, training, 1 - s["fraction"], s["epsilon"])

    def top(self, layer: Layer, scale: Layer | None, bottoms: list[Tensor]) -> Tensor:
        """What one layer computes."""
        x = bottoms[0]
        s: dict[str, Any] = layer.settings
        of = self.weights.of
        if layer.type == "Convolution":
            bias = of(layer, 1) if s["bias"] else None
            return F.conv2d(x, of(layer, 0), bias, s["stride"], s["pad"], s["dilation"], s["group"])
        if layer.type == "InnerProduct":
            return F.linear(x.flatten(1), of(layer, 0), of(layer, 1) if s["bias"] else None)
        if layer.type == "Pooling":
            return self.pool(layer, x)
        if layer.type == "BatchNorm":
            return self.normalize(layer, scale, x)
        if layer.type == "LRN":
            return F.local_response_norm(x, s["size"], s["alpha"], s["beta"], s["k"])
        if layer.type == "Dropout":
            return F.dropout(x, s["ratio"], self.net.phase == "TRAIN")
        if layer.type == "ReLU":
            return F.relu(x, inplace=True)
        if layer.type == "Concat":
            return torch.cat(bottoms, 1)
        if layer.type == "Eltwise":
            total = x
            for other in bottoms[1:]:
                total = total + other
            return total
        if layer.type == "Softmax":
            return F.softmax(x, 1)
        if layer.type == "SoftmaxWithLoss":
            return F.cross_entropy(x, bottoms[1])
        raise ValueError(f"layer {layer.name}: no type {layer.type}")

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """Runs the layers."""
        blobs = dict(inputs)
        for layer, scale in self.pairs:
            blobs[layer.tops[0]] = self.top(layer, scale, [blobs[name] for name in layer.bottoms])
        if self.net.losses:
            terms = [weight * blobs[name] for name, weight in self.net.losses.items()]
            return torch.stack(terms).sum()
        return blobs[self.net.outputs[0]]


def make(task: Task) -> Peer:
    """The peer of a task."""
    torch.set_num_threads(task.threads)
    torch.manual_seed(1)
    channels_last, compiled = MODES[task.mode]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    weights = Weights(task.step, task.weights).to(memory_format=layout)
    inputs: dict[str, Tensor] = {
        "data": torch.from_numpy(task.inputs["data"]).contiguous(memory_format=layout)
    }
    labelled = {**inputs, "label": torch.from_numpy(task.inputs["label"]).long()}

    def module(net: Net) -> nn.Module:
        made = CaffeNet(net, weights).train(net.phase == "TRAIN")
        return torch.compile(made, fullgraph=True) if compiled else made  # type: ignore[return-value]

    test, train = module(task.forward), module(task.step)

    def forward() -> Tensor:
        with torch.inference_mode():
            result: Tensor = test(inputs)
            return result

    def step() -> Tensor:
        weights.zero_grad(set_to_none=True)
        loss: Tensor = train(labelled)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    def first_gradient() -> Array:
        layer = next(layer for layer in task.step.layers if layer.name == task.step.first_param)
        loss = step()
        gradient = weights.of(layer, 0).grad
        assert gradient is not None
        return np.concatenate([[loss.item()], gradient.contiguous().numpy().ravel()]).astype(np.float32)

    return Peer(
        {"forward": forward, "step": step},
        {"forward": lambda: forward().numpy(), "step": first_gradient},
    )


serve(make)
