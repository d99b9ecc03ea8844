import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { CortadoError, createDiagnostics } from "../../../proto/errors/index.js";
import {
  createMessage,
  decodeMessage,
  encodeMessage,
  type NetParameter,
  withFields,
} from "../../../proto/index.js";
import {
  formatNet,
  parseNet,
  parseSolver,
  selectLayers,
  upgradeNet,
  wireNet,
} from "../../../src/net-text/index.js";
import { fuzzRuns, mutatedBytes, mutatedText, seedNets } from "../../support/mutate.js";
import { hasOracle, oraclePath } from "../../support/oracle.js";
import { createSlowest, growth } from "../../support/work.js";

/** Calls of functions: ten times what the longest of these files takes; a quadratic pass would exceed it. */
const MOST_CALLS = 1_000_000;

const SMALL_FILE = 20_000;

/** Files that people wrote, as far as they are small. */
function writtenByPeople(select: (name: string) => boolean): string[] {
  if (!hasOracle()) return [];
  return ["ok", "bad"].flatMap((folder) =>
    readdirSync(oraclePath("syntax", folder))
      .filter(select)
      .map((name) => readFileSync(oraclePath("syntax", folder, name), "utf8"))
      .filter((text) => text.length < SMALL_FILE),
  );
}

/** Runs something that may refuse its input, but only with a CortadoError. */
function refusedAtMost(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    expect(error.diagnostics.some(({ severity }) => severity === "error")).toBe(true);
    expect(error.message).not.toMatch(/\bat .*\.[jt]s:\d+/);
  }
}

function throughTheFrontEnd(text: string): void {
  const def = parseNet(text);
  for (const phase of ["TRAIN", "TEST"] as const)
    refusedAtMost(() => {
      wireNet(selectLayers(def, { phase }), createDiagnostics());
    });
  expect(parseNet(formatNet(def.net)).net).toEqual(def.net);
}

/** A small net with weights, as a .caffemodel holds it. */
function withWeights(text: string): NetParameter {
  const { net } = parseNet(text);
  const blob = createMessage("BlobProto", {
    shape: createMessage("BlobShape", { dim: [3] }),
    data: Float32Array.of(1, 2, 3),
    double_data: Float64Array.of(0.5),
  });
  return withFields(net, { layer: net.layer.map((layer) => withFields(layer, { blobs: [blob, blob] })) });
}

describe("damaged files are refused in words, or read", () => {
  const slowest = createSlowest();
  const tried = (run: () => void): void => slowest.run(() => refusedAtMost(run));
  afterEach(() => {
    expect(slowest.calls()).toBeLessThan(MOST_CALLS);
  });

  it("nets", { timeout: 3_600_000 }, () => {
    const sources = [...seedNets, ...writtenByPeople((name) => name.includes(".net."))];
    fc.assert(
      fc.property(mutatedText(sources), (text) => tried(() => throughTheFrontEnd(text))),
      { numRuns: fuzzRuns },
    );
  });

  it("solvers", { timeout: 3_600_000 }, () => {
    const sources = [
      'net: "lenet.prototxt" test_iter: 100 test_interval: 500 base_lr: 0.01 lr_policy: "inv" gamma: 1e-4 solver_type: ADAM',
      ...writtenByPeople((name) => name.includes(".solver.")),
    ];
    fc.assert(
      fc.property(mutatedText(sources), (text) => tried(() => void parseSolver(text))),
      { numRuns: Math.ceil(fuzzRuns / 4) },
    );
  });

  it("weight files", { timeout: 3_600_000 }, () => {
    const sources = seedNets.map((text) => encodeMessage("NetParameter", withWeights(text)));
    fc.assert(
      fc.property(mutatedBytes(sources), (bytes) =>
        tried(() => {
          const net = decodeMessage("NetParameter", bytes, "x.caffemodel");
          upgradeNet(net, createDiagnostics());
          decodeMessage("NetParameter", encodeMessage("NetParameter", net));
        }),
      ),
      { numRuns: fuzzRuns },
    );
  });
});

describe("hostile sizes take work in proportion", () => {
  const manyTimes = (many: number) =>
    [
      ["brackets that open", "{".repeat(many)],
      ["brackets that close", "}".repeat(many)],
      ["nested unknown messages", "foo { ".repeat(many)],
      ["nested layers", "layer { ".repeat(many)],
      ["unknown fields", "num_outputs: 3\n".repeat(many)],
      ["one long word", "a".repeat(20 * many)],
      ["one long number", `input_dim: ${"7".repeat(20 * many)}`],
      ["one long string", `name: "${"\\x41".repeat(5 * many)}"`],
      ["an open list", `layer { loss_weight: [${"1, ".repeat(many)}`],
      // Behind a field: nothing but prose would be refused by that.
      ...[" ", "\n", '\\"', ":", "'", "a:1,", "# \n"].map(
        (unit) => [`only ${JSON.stringify(unit)}`, `name: "a"\n${unit.repeat(many)}`] as const,
      ),
      ["bytes that are no characters", "\ud800\u0001".repeat(many)],
      ["layers with unknown bottoms", 'layer { name: "a" bottom: "b" }\n'.repeat(many)],
      ["layers that make the same blob", 'layer { name: "a" top: "b" }\n'.repeat(many)],
      [
        "layers that wait for each other",
        'layer { bottom: "a" top: "b" } layer { bottom: "b" top: "a" }\n'.repeat(many / 4),
      ],
    ] as const;
  it.each(manyTimes(50_000).map(([what, text], i) => [what, text, i] as const))(
    "%s",
    { timeout: 60_000 },
    (_, text, i) => {
      const refuse = (hostile: string): void =>
        refusedAtMost(() => {
          const diagnostics = createDiagnostics();
          wireNet(selectLayers(parseNet(hostile), { phase: "TEST" }), diagnostics);
          if (diagnostics.hasErrors) throw new CortadoError(diagnostics.all);
        });
      refuse(text);
      const power = growth(400, (many) => {
        const [, small] = manyTimes(many)[i];
        return () => refuse(small);
      });
      expect(power).toBeLessThan(1.2);
    },
  );
});
