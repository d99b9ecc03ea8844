import { describe, expect, it } from "vitest";
import { createDiagnostics, lineAndColumn } from "../../../proto/errors/index.js";
import {
  type BlobVersion,
  parseNet,
  selectLayers,
  type Wiring,
  wireNet,
} from "../../../src/net-text/index.js";

const show = ({ blob, version }: BlobVersion): string => `${blob}${version}`;

function wire(text: string, phase: "TRAIN" | "TEST" = "TEST"): { wiring: Wiring; mistakes: string[] } {
  const diagnostics = createDiagnostics();
  const wiring = wireNet(selectLayers(parseNet(text), { phase }), diagnostics);
  const mistakes = diagnostics.all.map(({ message, hint, span, related }) => {
    const line = (at: typeof span) => at && lineAndColumn(at.source, at.start).line;
    const places = [span, ...(related ?? []).map((other) => other.span)].map(line);
    return `${places.join(",")} ${message}${hint ? ` → ${hint}` : ""}`;
  });
  return { wiring, mistakes };
}

describe("wiring", () => {
  it("makes a new version of a blob for each layer that works in place", () => {
    const { wiring, mistakes } = wire(`
      layer { name: "d" top: "x" top: "label" }
      layer { name: "c" bottom: "x" top: "c" }
      layer { name: "r" bottom: "c" top: "c" }
      layer { name: "s" bottom: "c" top: "s" }
      layer { name: "p" bottom: "c" bottom: "s" top: "c" top: "p" }
      layer { name: "e" bottom: "c" bottom: "c" top: "e" }`);
    expect(mistakes).toEqual([]);
    expect(wiring.layers.map(({ bottoms, tops }) => [bottoms.map(show), tops.map(show)])).toEqual([
      [[], ["x0", "label0"]],
      [["x0"], ["c0"]],
      [["c0"], ["c1"]],
      [["c1"], ["s0"]],
      [
        ["c1", "s0"],
        ["c2", "p0"],
      ],
      [["c2", "c2"], ["e0"]],
    ]);
    expect(wiring.layers[3]!.bottoms[0]).toBe(wiring.layers[2]!.tops[0]);
    expect(wiring.layers[2]!.tops[0]).toEqual({ blob: "c", version: 1, layer: 2, top: 0 });
    expect(wiring.outputs.map(show)).toEqual(["e0", "label0", "p0"]);
  });

  it("returns in-place results, and blobs that are read but have a loss weight", () => {
    const { wiring } = wire(`
      layer { name: "d" top: "x" }
      layer { name: "l" bottom: "x" top: "loss" loss_weight: 1 }
      layer { name: "z" bottom: "loss" top: "a" }
      layer { name: "r" bottom: "a" top: "a" }`);
    expect(wiring.outputs.map(show)).toEqual(["a1", "loss0"]);
  });

  it("takes any text as a name", () => {
    const names = [
      "__proto__",
      "constructor",
      "toString",
      "hasOwnProperty",
      "",
      "a\\nb",
      "*/",
      "\\303\\251",
      "\\U0001F600",
      "\\uff5a",
    ];
    const { wiring, mistakes } = wire(
      names.map((name) => `layer { name: "${name}" top: "${name}" }`).join("\n"),
    );
    expect(mistakes).toEqual([]);
    expect(wiring.outputs.map(({ blob }) => blob)).toEqual([
      "",
      "*/",
      "__proto__",
      "a\nb",
      "constructor",
      "hasOwnProperty",
      "toString",
      "é",
      "ｚ",
      "😀",
    ]);
    expect(wire('layer { name: "a" bottom: "__proto__" top: "b" }').mistakes).toEqual([
      '1 layer "a": bottom "__proto__" is made by no layer',
    ]);
  });

  it("allows layers of the same name", () => {
    expect(wire('layer { name: "a" top: "x" } layer { name: "a" bottom: "x" top: "y" }').mistakes).toEqual(
      [],
    );
  });
});

describe("mistakes in wiring", () => {
  it("unknown bottoms are met with near names, and wiring goes on", () => {
    const { mistakes, wiring } = wire(`layer { name: "d" type: "Input" top: "data" }
layer { name: "c" type: "Convolution" bottom: "dta" top: "conv1" }
layer { name: "r" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "s" type: "Softmax" bottom: "conv" top: "s" }`);
    expect(mistakes).toEqual([
      '2 layer "c" (Convolution): bottom "dta" is made by no layer → did you mean "data"?',
      '3 layer "r" (ReLU): bottom "conv" is made by no layer before; this layer itself makes it → ' +
        "a layer that works in place needs a layer before it that makes the blob",
    ]);
    expect(wiring.layers[1]!.bottoms).toEqual([{ blob: "dta", version: 0, layer: -1, top: -1 }]);
  });

  it("blobs made further down, and cycles, are told apart", () => {
    expect(
      wire(`layer { name: "a" bottom: "y" top: "x" }
layer { name: "b" top: "y" }`).mistakes,
    ).toEqual([
      '1,2 layer "a": bottom "y" is made only further down, by layer "b" → layers stand in the order in which they run: move that layer up',
    ]);
    expect(
      wire(`layer { name: "a" bottom: "z" top: "x" }
layer { name: "b" bottom: "x" top: "y" }
layer { name: "c" bottom: "y" top: "z" }`).mistakes,
    ).toEqual([
      '1,3 layer "a": bottom "z" is made only further down, by layer "c" → ' +
        'that layer needs what layer "a" makes: the two wait for each other in a cycle',
    ]);
  });

  it("blobs of another phase are named", () => {
    const text = `layer { name: "d" type: "Data" top: "data" top: "label" include { phase: TRAIN } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "label" top: "l" }`;
    expect(wire(text, "TRAIN").mistakes).toEqual([]);
    expect(wire(text, "TEST").mistakes).toEqual([
      '2,1 layer "loss" (SoftmaxWithLoss): bottom "label" is made by no layer of this phase → ' +
        'layer "d" (Data) makes it, but its rules leave it out of phase TEST',
    ]);
  });

  it("blobs made twice point to both places", () => {
    expect(
      wire(`layer { name: "a" top: "x" }
layer { name: "b" top: "x" }
layer { name: "c" bottom: "x" bottom: "y" top: "z" top: "x" }
layer { name: "d" top: "w" top: "w" }`).mistakes,
    ).toEqual([
      '2,1 layer "b": top "x" is already made by layer "a" → give one of the two tops another name',
      '3 layer "c": bottom "y" is made by no layer',
      '3,2 layer "c": top "x" is already made by layer "b" → ' +
        "to work in place, the blob must be the same in the order of bottoms and tops: here it is bottom 1 and top 2",
      '4,4 layer "d": two of its tops have the name "w" → give one of the two tops another name',
    ]);
  });
});
