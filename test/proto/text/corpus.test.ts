import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createDiagnostics } from "../../../proto/errors/index.js";
import { createMessage, type LayerParameter, type Phase, withFields } from "../../../proto/index.js";
import { formatNet, parseNet, selectLayers, wireNet } from "../../../src/net-text/index.js";
import { splitName } from "../../../src/net-text/wire.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";

/** The oracle's nets run on batches of at most two. */
const LARGEST_BATCH = 2;

/** An Input layer with its batch made as small as the oracle's. */
function smallBatch(layer: LayerParameter): LayerParameter {
  const { input_param } = layer;
  if (input_param === undefined) return layer;
  const shape = input_param.shape.map(({ dim: [batch, ...rest] }) =>
    createMessage("BlobShape", { dim: [Math.min(batch!, LARGEST_BATCH), ...rest] }),
  );
  return withFields(layer, { input_param: createMessage("InputParameter", { shape }) });
}

/** What Caffe made of one of the corpus's nets, for one phase. */
interface PhaseTruth {
  readonly layers: readonly (readonly [name: string, type: string])[];
  readonly outputs: readonly string[];
}

interface Truth {
  /** Data layers that the oracle replaced by Input: name, type, tops, shapes. */
  readonly substituted: readonly (readonly [
    string,
    string,
    readonly string[],
    readonly (readonly number[])[],
  ])[];
  readonly TRAIN?: PhaseTruth;
  readonly TEST?: PhaseTruth;
}

const isReplaced = ({ substituted }: Truth, layer: LayerParameter): boolean =>
  substituted.some(([name, type]) => layer.name === name && layer.type === type);

const PHASES: readonly Phase[] = ["TRAIN", "TEST"];

const cases = hasOracle() ? readdirSync(oraclePath("corpus")).sort() : [];
const read = (name: string, file: string): string => readFileSync(oraclePath("corpus", name, file), "utf8");

describe.runIf(hasOracle())("nets that people wrote", () => {
  it.each(cases)("%s: upgraded as Caffe upgrades it", (name) => {
    const truth: Truth = JSON.parse(read(name, "truth.json"));
    const ours = parseNet(read(name, "original.prototxt")).net;
    const caffe = parseNet(read(name, "net.prototxt")).net;
    expect(ours.layer.map((layer) => layer.name)).toEqual(caffe.layer.map((layer) => layer.name));
    ours.layer.forEach((layer, i) => {
      if (isReplaced(truth, layer)) expect(caffe.layer[i]!.type).toBe("Input");
      else expect(smallBatch(layer)).toEqual(smallBatch(caffe.layer[i]!));
    });
  });

  it.each(cases)("%s: the same layers and outputs in each phase", (name) => {
    const truth: Truth = JSON.parse(read(name, "truth.json"));
    for (const phase of PHASES) {
      const expected = truth[phase];
      if (expected === undefined) continue;
      const selected = selectLayers(parseNet(read(name, "original.prototxt")), { phase });
      // The truth leaves out Caffe's own Split layers by their names; one author wrote such layers out.
      const layers = selected.net.layer.filter(
        (layer) => !(layer.type === "Split" && layer.name.endsWith("_split")),
      );
      const seen = layers.map((layer) => [layer.name, isReplaced(truth, layer) ? "Input" : layer.type]);
      expect(seen).toEqual(expected.layers);
      const diagnostics = createDiagnostics();
      const { layers: wired, outputs } = wireNet(selected, diagnostics);
      expect(diagnostics.all).toEqual([]);
      const consumed = new Set(wired.flatMap(({ bottoms }) => bottoms));
      const names = outputs.map((version) =>
        consumed.has(version) ? splitName(selected.net.layer, version) : version.blob,
      );
      expect(names).toEqual(expected.outputs);
    }
  });

  it("Caffe refused one of the nets in one phase, and computed all others", () => {
    const missing = cases.flatMap((name) => {
      const truth: Truth = JSON.parse(read(name, "truth.json"));
      return PHASES.filter((phase) => truth[phase] === undefined).map((phase) => [name, phase]);
    });
    expect(cases).toHaveLength(105);
    expect(missing).toEqual([["003", "TEST"]]);
  });

  it.each(cases)("%s: printing and reading again gives the same net", (name) => {
    const { net } = parseNet(read(name, "original.prototxt"));
    expect(parseNet(formatNet(net)).net).toEqual(net);
  });
});
