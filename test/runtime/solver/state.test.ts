import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { decodeMessage, encodeMessage } from "../../../proto/index.js";
import { writeHdf5 } from "../../../runtime/hdf5-file.js";
import type { Param } from "../../../runtime/net-types.js";
import { currentState, restoreState, snapshotNames } from "../../../runtime/solver/state.js";
import { writeState } from "../../../runtime/solver/state-file.js";
import { encodeState } from "../../../runtime/solver/state-message.js";
import { encodeWeights } from "../../../runtime/weights/index.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";

const folder = mkdtempSync(join(tmpdir(), "cortado-state-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function slot(shape: readonly number[], first = 0): Param & { readonly values: Float32Array } {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => first + i / 3);
  return {
    shape,
    lrMult: 1,
    decayMult: 1,
    values,
    read: async () => values.slice(),
    write: async (data) => values.set(data),
  };
}

const noWeights = async (): Promise<void> => {};
const LENET = [[20, 1, 5, 5], [20], [50, 20, 5, 5], [50], [500, 800], [500], [10, 500], [10]];

test.each(["back.solverstate", "back.solverstate.h5"])("a state comes back as it went: %s", async (name) => {
  const history = [slot([2, 3], 1), slot([4], -7)];
  const file = join(folder, name);
  await writeState(
    file,
    await currentState({ iteration: 33554433, currentStep: 3 }, "lenet_iter_12.caffemodel", history),
  );
  const fresh = [slot([2, 3]), slot([4])];
  const asked: (string | Uint8Array)[] = [];
  const position = await restoreState(file, fresh, async (path) => void asked.push(path));
  expect(position).toEqual({ iteration: 33554433, currentStep: 3 });
  expect(fresh.map(({ values }) => values)).toEqual(history.map(({ values }) => values));
  expect(asked).toEqual(["lenet_iter_12.caffemodel"]);
});

test("weights are found beside the state, wherever it was written", async () => {
  const file = join(folder, "moved.solverstate");
  writeFileSync(join(folder, "w.caffemodel"), "");
  await writeState(
    file,
    await currentState({ iteration: 1, currentStep: 0 }, "/somewhere/else/w.caffemodel", []),
  );
  const asked: (string | Uint8Array)[] = [];
  await restoreState(file, [], async (path) => void asked.push(path));
  expect(asked).toEqual([join(folder, "w.caffemodel")]);
});

test("what a snapshot gave comes back with its weights", async () => {
  const history = [slot([2, 3], 1), slot([4], -7)];
  const state = encodeState(await currentState({ iteration: 7, currentStep: 2 }, "w.caffemodel", history));
  const fresh = [slot([2, 3]), slot([4])];
  const model = Uint8Array.of(1, 2, 3);
  const asked: (string | Uint8Array)[] = [];
  const position = await restoreState({ state, model }, fresh, async (weights) => void asked.push(weights));
  expect(position).toEqual({ iteration: 7, currentStep: 2 });
  expect(fresh.map(({ values }) => values)).toEqual(history.map(({ values }) => values));
  expect(asked).toEqual([model]);
  await expect(restoreState({ state: model, model }, [], noWeights)).rejects.toThrow("the solver state");
});

test("names are Caffe's", () => {
  expect(snapshotNames("a/lenet", 500, "BINARYPROTO")).toEqual({
    model: "a/lenet_iter_500.caffemodel",
    state: "a/lenet_iter_500.solverstate",
  });
  expect(snapshotNames("lenet", 1, "HDF5")).toEqual({
    model: "lenet_iter_1.caffemodel.h5",
    state: "lenet_iter_1.solverstate.h5",
  });
});

describe("what is refused, before anything is changed", () => {
  async function refusal(history: readonly Param[], bytes: Uint8Array): Promise<string> {
    const file = join(folder, "refused.solverstate");
    writeFileSync(file, bytes);
    let loaded = false;
    const error = await restoreState(file, history, async () => {
      loaded = true;
    }).then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error?.name).toBe("CortadoError");
    expect(loaded).toBe(false);
    return error!.message;
  }
  const stateOf = (more: Parameters<typeof encodeMessage<"SolverState">>[1]): Uint8Array =>
    encodeMessage("SolverState", { iter: 5, learned_net: "w.caffemodel", ...more });

  test("the state of another solver type", async () => {
    expect(await refusal([slot([2])], stateOf({}))).toContain("it holds 0 history blobs; this solver has 1");
  });
  test("the state of another net", async () => {
    const history = [{ ...decodeMessage("BlobProto", new Uint8Array()), data: new Float32Array(3) }];
    expect(await refusal([slot([2])], stateOf({ history }))).toContain("has 3 elements; this solver's has 2");
  });
  test.each(["caffemodel", "safetensors", "hdf5"] as const)("a weight file, %s", async (format) => {
    const weights = {
      layers: [{ name: "ip", type: "", blobs: [{ shape: [1], data: new Float32Array(1) }] }],
    };
    const said = await refusal([slot([2])], await encodeWeights(weights, format));
    expect(said).toMatch(/is a weight file \(.*\), not a solver state\n {2}--weights starts from it/);
  });
  test("a mean image", async () => {
    const mean = encodeMessage("BlobProto", { channels: 1, data: new Float32Array(1) });
    expect(await refusal([slot([2])], mean)).toContain("is a mean image, or another single blob");
  });
  test("an HDF5 file that is no state, and one that is no HDF5 file", async () => {
    const file = join(folder, "other.solverstate.h5");
    await writeHdf5(file, [{ path: "data/0", shape: [1], data: Float32Array.of(1) }]);
    await expect(restoreState(file, [], noWeights)).rejects.toThrow(
      /is a weight file \(\.caffemodel\.h5\), not a/,
    );
    await writeHdf5(file, [{ path: "label", shape: [1], data: Float32Array.of(1) }]);
    await expect(restoreState(file, [], noWeights)).rejects.toThrow("it has no number iter");
    writeFileSync(file, "nothing");
    await expect(restoreState(file, [], noWeights)).rejects.toThrow("not an HDF5 file");
  });
  test("a negative iteration, something else, nothing", async () => {
    expect(await refusal([], stateOf({ iter: -1 }))).toContain("it says iteration -1");
    expect(await refusal([], new TextEncoder().encode("not a state at all"))).toContain("SolverState");
    await expect(restoreState(join(folder, "none"), [], noWeights)).rejects.toThrow("cannot be read");
  });
});

describe.skipIf(!hasOracle())("Caffe's own states", () => {
  test.each([
    ["snapshot-sgd-inv", 1],
    ["snapshot-adam", 2],
  ])("%s", async (name, slots) => {
    const from = oraclePath("files", name);
    const history = Array.from({ length: slots }, () => LENET.map((shape) => slot(shape))).flat();
    const asked: (string | Uint8Array)[] = [];
    const position = await restoreState(join(from, "lenet_iter_60.solverstate"), history, async (path) => {
      asked.push(path);
    });
    expect(position).toEqual({ iteration: 60, currentStep: 0 });
    expect(asked).toEqual([join(from, "lenet_iter_60.caffemodel")]);
    expect(history.every(({ values }) => values.some((value) => value !== 0))).toBe(true);

    // Written again, the bytes are Caffe's own.
    const theirs = readFileSync(join(from, "lenet_iter_60.solverstate"));
    const { learned_net } = decodeMessage("SolverState", theirs);
    const ours = join(folder, `${name}.solverstate`);
    await writeState(ours, await currentState(position, learned_net, history));
    expect(readFileSync(ours).equals(theirs)).toBe(true);
  });
});
