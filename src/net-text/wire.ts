/**
 * Which layer reads what: blob names, which a prototxt reuses in place, become versions that are each written
 * once.
 */

import type { Diagnostic, Diagnostics } from "../../proto/errors/index.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import type { LayerParameter } from "../../proto/index.js";
import { spanOf } from "../../proto/text/spans.js";
import { quoted, quotedLayer } from "../../proto/words/names.js";
import { compareByBytes } from "../../proto/words/text-bytes.js";
import type { NetDef } from "./net-def.js";

/** One value of a blob. The same version is the same object wherever it is read. */
export interface BlobVersion {
  readonly blob: string;
  /** 0 for the first value, one more for each layer that works in place. */
  readonly version: number;
  /** Index of the layer that makes it; -1 only where an error was reported, for a blob that nobody makes. */
  readonly layer: number;
  /** Which of that layer's tops it is. */
  readonly top: number;
}

export interface WiredLayer {
  readonly layer: LayerParameter;
  readonly bottoms: readonly BlobVersion[];
  readonly tops: readonly BlobVersion[];
}

export interface Wiring {
  readonly layers: readonly WiredLayer[];
  /**
   * What the net returns: the versions that no layer reads, and those with a loss weight of their own, in Caffe's
   * order: by the bytes of their names.
   */
  readonly outputs: readonly BlobVersion[];
}

/** Looking for near names and for cycles walks the net; after so many missing blobs it is not done any more. */
const MOST_EXPLAINED = 20;

/**
 * Connects the layers of a net whose phase is selected. A top that equals the bottom at the same position is in place
 * and makes the next version; another layer's top of the same name is an error, as is a bottom that no layer
 * further up makes. Both are reported and wiring goes on.
 */
export function wireNet(netDef: NetDef, diagnostics: Diagnostics): Wiring {
  const layers = netDef.net.layer;
  const current = new Map<string, BlobVersion>();
  const read = new Set<BlobVersion>();
  const wired: WiredLayer[] = [];
  const makers = makersOf(layers);
  const makersLeftOut = makersOf(netDef.leftOut);
  let missing = 0;

  layers.forEach((layer, index) => {
    const bottoms = layer.bottom.map((blob, position) => {
      const found = current.get(blob);
      if (found !== undefined) {
        read.add(found);
        return found;
      }
      const place = { index, position, explain: missing++ < MOST_EXPLAINED };
      reportMissing(netDef, place, { makers, makersLeftOut, known: current.keys() }, diagnostics);
      return { blob, version: 0, layer: -1, top: -1 };
    });
    const before = new Map(layer.top.map((blob) => [blob, current.get(blob)] as const));
    const made = new Set<string>();
    const tops = layer.top.map((blob, top) => {
      const old = before.get(blob);
      const inPlace = layer.bottom[top] === blob && !made.has(blob);
      if (!inPlace && (old !== undefined || made.has(blob)))
        reportDuplicate(layers, index, top, made.has(blob) ? index : (old?.layer ?? index), diagnostics);
      made.add(blob);
      const version: BlobVersion = {
        blob,
        version: old === undefined ? 0 : old.version + 1,
        layer: index,
        top,
      };
      current.set(blob, version);
      return version;
    });
    wired.push({ layer, bottoms, tops });
  });

  const readWithLoss = [...read].filter(({ layer, top }) => (layers[layer]?.loss_weight[top] ?? 0) !== 0);
  const unread = [...current.values()].filter((version) => !read.has(version));
  const outputs = [
    ...readWithLoss.map((version) => ({ version, key: splitName(layers, version) })),
    ...unread.map((version) => ({ version, key: version.blob })),
  ];
  outputs.sort((a, b) => compareByBytes(a.key, b.key));
  return { layers: wired, outputs: outputs.map(({ version }) => version) };
}

/**
 * The name that Caffe gives an output that is read as well: it puts a Split layer after a blob with several readers, of
 * which the loss weight is the first. Outputs are ordered by the bytes of these names.
 */
export function splitName(layers: readonly LayerParameter[], version: BlobVersion): string {
  return `${version.blob}_${layers[version.layer]?.name}_${version.top}_split_0`;
}

const layerName = (layer: LayerParameter): string => quotedLayer(layer.name, layer.type);

function reportDuplicate(
  layers: readonly LayerParameter[],
  index: number,
  top: number,
  first: number,
  diagnostics: Diagnostics,
): void {
  const layer = layers[index];
  const blob = layer.top[top];
  const maker = layers[first];
  const position = layer.bottom.indexOf(blob);
  const inPlaceHint =
    position === -1
      ? "give one of the two tops another name"
      : `to work in place, the blob must be the same in the order of bottoms and tops: here it is bottom ${position + 1} and top ${top + 1}`;
  diagnostics.error(
    first === index
      ? `${layerName(layer)}: two of its tops have the name ${quoted(blob)}`
      : `${layerName(layer)}: top ${quoted(blob)} is already made by ${layerName(maker)}`,
    spanOf(layer, "top", top) ?? spanOf(layer),
    {
      hint: inPlaceHint,
      related: [
        {
          message: `${quoted(blob)} is made here first`,
          span: spanOf(maker, "top", maker.top.indexOf(blob)) ?? spanOf(maker),
        },
      ],
    },
  );
}

/** Which layers have a blob among their tops, in order. */
type Makers = ReadonlyMap<string, readonly number[]>;

function makersOf(layers: readonly LayerParameter[]): Makers {
  const makers = new Map<string, number[]>();
  layers.forEach((layer, index) => {
    for (const blob of layer.top) {
      const found = makers.get(blob);
      if (found) found.push(index);
      else makers.set(blob, [index]);
    }
  });
  return makers;
}

/** A bottom that nothing further up makes: it may come later, be left out in this phase, or be mistyped. */
function reportMissing(
  netDef: NetDef,
  place: { readonly index: number; readonly position: number; readonly explain: boolean },
  names: { readonly makers: Makers; readonly makersLeftOut: Makers; readonly known: Iterable<string> },
  diagnostics: Diagnostics,
): void {
  const { index, position, explain } = place;
  const layers = netDef.net.layer;
  const layer = layers[index];
  const blob = layer.bottom[position];
  const report = (message: string, extra?: Pick<Diagnostic, "hint" | "related">): void =>
    diagnostics.error(
      `${layerName(layer)}: ${message}`,
      spanOf(layer, "bottom", position) ?? spanOf(layer),
      explain ? extra : undefined,
    );
  const madeBy = (maker: LayerParameter): NonNullable<Diagnostic["related"]> => [
    { message: `${layerName(maker)} makes it here`, span: spanOf(maker, "top", maker.top.indexOf(blob)) },
  ];

  // Nothing before this layer makes the blob, so the first of all makers is this layer or a later one.
  const later = names.makers.get(blob)?.[0];
  if (later === index) {
    report(`bottom ${quoted(blob)} is made by no layer before; this layer itself makes it`, {
      hint: "a layer that works in place needs a layer before it that makes the blob",
    });
    return;
  }
  if (later !== undefined) {
    const maker = layers[later];
    const cycle = explain && dependsOn(layers, names.makers, later, index);
    report(`bottom ${quoted(blob)} is made only further down, by ${layerName(maker)}`, {
      hint: cycle
        ? `that layer needs what ${layerName(layer)} makes: the two wait for each other in a cycle`
        : "layers stand in the order in which they run: move that layer up",
      related: madeBy(maker),
    });
    return;
  }
  const left = names.makersLeftOut.get(blob)?.[0];
  if (left !== undefined) {
    const maker = netDef.leftOut[left];
    report(`bottom ${quoted(blob)} is made by no layer of this phase`, {
      hint: `${layerName(maker)} makes it, but its rules leave it out of phase ${netDef.net.state?.phase ?? "TEST"}`,
      related: madeBy(maker),
    });
    return;
  }
  report(`bottom ${quoted(blob)} is made by no layer`, {
    hint: explain ? didYouMean(blob, names.known) : undefined,
  });
}

/** Whether layer `from` needs, through the blobs' names, what layer `to` makes. Each layer and name is met once. */
function dependsOn(layers: readonly LayerParameter[], makers: Makers, from: number, to: number): boolean {
  const seenLayers = new Set<number>([from]);
  const seenBlobs = new Set<string>();
  const waiting = [from];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (at === to) return true;
    for (const blob of layers[at].bottom) {
      if (seenBlobs.has(blob)) continue;
      seenBlobs.add(blob);
      for (const maker of makers.get(blob) ?? []) {
        if (seenLayers.has(maker)) continue;
        seenLayers.add(maker);
        waiting.push(maker);
      }
    }
  }
  return false;
}
