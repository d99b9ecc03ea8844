"""Checks ONNX files and runs them: for each of the cases in FOLDER/cases.json what onnxruntime computes, or what is wrong."""
import json
import os
import sys

import numpy
import onnx
import onnxruntime

folder = sys.argv[1]
with open(os.path.join(folder, "cases.json")) as file:
    cases = json.load(file)

settings = onnxruntime.SessionOptions()
settings.intra_op_num_threads = 1
settings.log_severity_level = 3
results = []
for number, case in enumerate(cases):
    found = {"name": case["name"], "outputs": {}}
    try:
        path = case["model"]
        onnx.checker.check_model(path, full_check=True)
        onnx.shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True, data_prop=True)
        session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
        wanted = {value.name: value.type for value in session.get_inputs()}
        inputs = {}
        for name, (shape, values) in case["inputs"].items():
            # By its place, whatever its name.
            name = list(wanted)[int(name[1:])] if name.startswith("*") else name
            if name in wanted:
                values = numpy.fromfile(os.path.join(folder, values), dtype="<f4").reshape(shape)
                inputs[name] = values.astype(numpy.int64) if "int64" in wanted[name] else values
        for at, (value, array) in enumerate(zip(session.get_outputs(), session.run(None, inputs))):
            into = f"{number}.{at}.out"
            array.astype("<f4").tofile(os.path.join(folder, into))
            found["outputs"][value.name] = [list(array.shape), into]
    except Exception as error:  # whatever is wrong with one file must not hide the others
        found["error"] = str(error)[:2000]
    results.append(found)
json.dump(results, sys.stdout)
