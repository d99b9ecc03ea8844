"""Runs a training step again and again: FOLDER/steps.json says for how many steps, with which inputs and rates."""
import json
import os
import sys

import numpy
import onnx
import onnxruntime

folder = sys.argv[1]
with open(os.path.join(folder, "steps.json")) as file:
    given = json.load(file)

path = os.path.join(folder, "step.onnx")
onnx.checker.check_model(path, full_check=True)
settings = onnxruntime.SessionOptions()
settings.log_severity_level = 3
session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
names = [value.name for value in session.get_outputs()]
batches = {
    name: numpy.fromfile(os.path.join(folder, values), dtype="<f4").reshape([-1, *shape])
    for name, (shape, values) in given["inputs"].items()
}
state = {}
losses = []
for step in range(given["steps"]):
    inputs = {name: batch[step] for name, batch in batches.items()}
    inputs.update({name: numpy.array(values[step], dtype=numpy.float32) for name, values in given["scalars"].items()})
    made = dict(zip(names, session.run(None, {**inputs, **state})))
    # What a step gives as the next value of an input is that input of the one after it.
    state = {name[len("next:"):]: value for name, value in made.items() if name.startswith("next:")}
    losses.append(float(made[given["loss"]]))
json.dump(losses, sys.stdout)
