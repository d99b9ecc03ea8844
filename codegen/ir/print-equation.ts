import { visible } from "../../proto/words/names.js";
import type { ConvGeometry, Node, NodeOf, WindowAxis } from "./graph.js";
import { attributesKey } from "./key.js";
import { printScalar } from "./print-graph.js";

/** A value's name in an equation. */
export type NameOf = (node: Node) => string;

/**
 * A node as arithmetic over indices, an element at a time:
 *
 *     y[n,o,h,w] = Σ(c<1, i<5, j<5) x[n,c,h + i,w + j] · W0[o,c,i,j]
 *
 * What has no short form of this kind is written as operation and operands.
 */
export function printEquation(node: Node, nameOf: NameOf): string {
  const own = lettersOf(node);
  return `${nameOf(node)}${indices(own)} = ${rightSide(node, own, nameOf)}`;
}

function rightSide(node: Node, own: readonly string[], nameOf: NameOf): string {
  const at = (input: number, letters: readonly string[]): string => {
    const x = node.inputs[input];
    return x.op === "constant" ? String(x.value) : `${nameOf(x)}${indices(indexed(x, letters))}`;
  };
  switch (node.op) {
    case "map":
      // Operands and coordinates are the only places of these signs.
      return printScalar(node.expr)
        .replace(/\$(\d+)/g, (_, i: string) => at(Number(i), own))
        .replace(/@(\d+)/g, (_, axis: string) => own[Number(axis)]);
    case "reduce": {
      const [x] = node.inputs;
      const letters = lettersOf(x);
      const over = node.axes.map((axis) => [letters[axis], x.shape[axis]] as const);
      return `${node.kind === "sum" ? "Σ" : node.kind}${ranges(over)} ${at(0, letters)}`;
    }
    case "matmul": {
      const [batch, i, j] = own;
      const k = node.inputs[0].shape[node.transA ? 1 : 2];
      const left = node.transA ? [batch, "k", i] : [batch, i, "k"];
      const right = node.transB ? [batch, j, "k"] : [batch, "k", j];
      return `Σ${ranges([["k", k]])} ${at(0, left)} · ${at(1, right)}`;
    }
    case "conv":
    case "convData":
    case "convFilter":
      return convolution(node, at);
    case "windowMax":
    case "windowArgmax":
    case "windowSum": {
      const sign = { windowMax: "max", windowArgmax: "argmax", windowSum: "Σ" }[node.op];
      const { over, letters } = windowed(node.window, own);
      return `${sign}${ranges(over)} ${at(0, letters)}`;
    }
    case "transpose": {
      const letters: string[] = [];
      for (const [axis, from] of node.perm.entries()) letters[from] = own[axis];
      return at(0, letters);
    }
    case "slice":
      return at(
        0,
        own.map((letter, axis) => (axis === node.axis ? affine(letter, 1, -node.start) : letter)),
      );
    case "reshape":
      return `${nameOf(node.inputs[0])} as [${node.shape.join("×")}]`;
    case "blob":
    case "stop":
    case "instead":
      return at(0, own);
    default: {
      const attributes = visible(attributesKey(node));
      return `${node.op}${attributes ? ` ${attributes}` : ""} (${node.inputs.map(nameOf).join(", ")})`;
    }
  }
}

/** Letters of the axes, where an axis of extent 1 has none but 0. */
function lettersOf(node: Node): readonly string[] {
  const names =
    convolved(node) ?? BY_RANK[node.shape.length] ?? node.shape.map((_extent, axis) => `i${axis}`);
  return indexed(node, names);
}

const BY_RANK: readonly (readonly string[])[] = [
  [],
  ["i"],
  ["i", "j"],
  ["b", "i", "j"],
  ["n", "c", "h", "w"],
  ["n", "c", "d", "h", "w"],
];

const indexed = ({ shape }: Node, letters: readonly string[]): readonly string[] =>
  shape.map((extent, axis) => (extent === 1 ? "0" : letters[axis]));

const indices = (letters: readonly string[]): string =>
  letters.length === 0 ? "" : `[${letters.join(",")}]`;

/** A letter and how many values it takes. */
type Range = readonly [letter: string, extent: number];

/** What is summed over; a letter of one value is written 0 wherever it would stand. */
function ranges(over: readonly Range[], where: readonly string[] = []): string {
  const parts = over.filter(([, extent]) => extent !== 1).map(([letter, extent]) => `${letter}<${extent}`);
  return `(${[...parts, ...(where.length > 0 ? [`where ${where.join(", ")}`] : [])].join(", ")})`;
}

/** `stride · letter − pad`, then what is added to it. */
function affine(letter: string, stride: number, pad: number, more = ""): string {
  const scaled = letter === "0" ? [] : [stride === 1 ? letter : `${stride}${letter}`];
  const sum = [...scaled, ...(more === "" ? [] : [more])].join(" + ") || "0";
  return pad === 0 ? sum : `${sum} ${pad > 0 ? "−" : "+"} ${Math.abs(pad)}`;
}

const KERNEL = ["i", "j", "k", "l"];

/** Names of the axes of what a convolution makes. */
function convolved(node: Node): readonly string[] | undefined {
  if (node.op !== "conv" && node.op !== "convData" && node.op !== "convFilter") return undefined;
  const { image, kernel } = spatialLetters(node.geometry);
  if (node.op === "conv") return ["n", "o", ...image];
  return node.op === "convData" ? ["n", "c", ...image] : ["o", "c", ...kernel];
}

function spatialLetters({ spatial }: ConvGeometry): { readonly image: string[]; readonly kernel: string[] } {
  const image = ["d", "h", "w"].slice(-spatial.length);
  return {
    image: image.length === spatial.length ? image : spatial.map((_, axis) => `p${axis}`),
    kernel: spatial.map((_, axis) => KERNEL[axis] ?? `k${axis}`),
  };
}

function convolution(
  node: NodeOf<"conv" | "convData" | "convFilter">,
  at: (input: number, letters: readonly string[]) => string,
): string {
  const { geometry } = node;
  const { groups, spatial } = geometry;
  const { image, kernel } = spatialLetters(geometry);
  const [left, right] = node.inputs;
  const taps = spatial.map(({ kernel: size }, axis) => [kernel[axis], size] as const);
  const place = (letters: readonly string[]): readonly string[] =>
    spatial.map(({ kernel: size, stride, pad, dilation }, axis) => {
      const tap = `${dilation === 1 ? "" : dilation}${kernel[axis]}`;
      return affine(letters[axis], stride, pad, size === 1 ? "" : tap);
    });
  // With groups, the channels of the group that the output channel is in.
  const channel = groups === 1 ? "c" : "c of o's group";
  switch (node.op) {
    case "conv":
      return `Σ${ranges([["c", right.shape[1]], ...taps])} ${at(0, ["n", channel, ...place(image)])} · ${at(1, ["o", "c", ...kernel])}`;
    case "convData": {
      const from = image.map((letter) => `${letter}'`);
      const where = place(from).map((at, axis) => `${at} = ${image[axis]}`);
      return `Σ${ranges([["o", left.shape[1]], ...taps], where)} ${at(0, ["n", "o", ...from])} · ${at(1, ["o", "c", ...kernel])}`;
    }
    case "convFilter": {
      const over = spatial.map(({ output }, axis) => [image[axis], output] as const);
      return `Σ${ranges([["n", left.shape[0]], ...over])} ${at(0, ["n", channel, ...place(image)])} · ${at(1, ["n", "o", ...image])}`;
    }
    default:
      return node satisfies never;
  }
}

function windowed(
  window: readonly WindowAxis[],
  own: readonly string[],
): {
  readonly over: readonly Range[];
  readonly letters: readonly string[];
} {
  const letters = [...own];
  const over = window.map(({ axis, size, stride, pad }, i) => {
    letters[axis] = affine(own[axis], stride, pad, size === 1 ? "" : KERNEL[i]);
    return [KERNEL[i], size] as const;
  });
  return { over, letters };
}
