/** Every mistake of a net, in the phases that it is written for, whether its data is there or not. */

import type { Shape } from "../../codegen/ir/graph.js";
import { CortadoError, createDiagnostics, type Diagnostic } from "../../proto/errors/index.js";
import type { LayerParameter } from "../../proto/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted, quotedPath, unquoted } from "../../proto/words/names.js";
import { fixedSizeOf } from "../../runtime/data/feed-spec.js";
import { type Feed, openFeed } from "../../runtime/data/open-feed.js";
import {
  type FeedShapes,
  feedsOf,
  type LayerFeed,
  type LayerType,
  lowerNet,
  NOT_OPENED,
} from "../layers/index.js";
import type { CompileOptions } from "../net/compile-options.js";
import { checkFillers } from "../net/fill-params.js";
import { type NetDef, selectLayers, wireNet } from "../net-text/index.js";

export type Phase = "TRAIN" | "TEST";

export interface NetCheckOptions {
  readonly level?: number;
  readonly stages?: readonly string[];
  readonly root?: string;
  readonly shapes?: CompileOptions["shapes"];
  readonly layers?: readonly LayerType[];
  /** Default: both, or the one that the net has sources for. */
  readonly phases?: readonly Phase[];
}

export interface NetCheck {
  /** Those that were looked at. */
  readonly phases: readonly Phase[];
  readonly diagnostics: readonly Diagnostic[];
  readonly notes: readonly string[];
}

const BOTH: readonly Phase[] = ["TRAIN", "TEST"];

export async function checkNet(
  net: NetDef,
  options: NetCheckOptions & { readonly root: string },
): Promise<NetCheck> {
  const phases = options.phases ?? phasesOf(net, options);
  const notes = new Set<string>();
  /** By text and place; with the phases in which each was found. */
  const found = new Map<string, { readonly diagnostic: Diagnostic; readonly phases: Phase[] }>();
  for (const phase of phases) {
    const checked = await checkPhase(net, phase, options);
    for (const note of checked.notes) notes.add(note);
    for (const diagnostic of checked.diagnostics) {
      const { span, message } = diagnostic;
      const key = `${span?.source.name} ${span?.start} ${message}`;
      const known = found.get(key);
      if (!known) found.set(key, { diagnostic, phases: [phase] });
      else if (!known.phases.includes(phase)) known.phases.push(phase);
    }
  }
  const diagnostics = [...found.values()]
    .map(({ diagnostic, phases: seen }) =>
      seen.length === phases.length || phases.length === 1
        ? diagnostic
        : { ...diagnostic, message: `${diagnostic.message} (in phase ${seen[0]})` },
    )
    .sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0));
  return { phases, diagnostics, notes: [...notes] };
}

/**
 * The phases that a net is written for: not one whose every source of data the net's rules leave out while the
 * other keeps some, as in a file for training alone.
 */
function phasesOf(net: NetDef, options: NetCheckOptions): readonly Phase[] {
  const withSources = BOTH.filter((phase) => {
    try {
      return selectLayers(net, { ...options, phase }).net.layer.some(
        ({ bottom, top }) => bottom.length === 0 && top.length > 0,
      );
    } catch (error) {
      if (error instanceof CortadoError) return true;
      throw error;
    }
  });
  return withSources.length > 0 ? withSources : BOTH;
}

type Findings = Pick<NetCheck, "diagnostics" | "notes">;

async function checkPhase(
  net: NetDef,
  phase: Phase,
  options: NetCheckOptions & { readonly root: string },
): Promise<Findings> {
  let definition: NetDef;
  try {
    definition = selectLayers(net, { ...options, phase });
  } catch (error) {
    if (error instanceof CortadoError) return { diagnostics: error.diagnostics, notes: [] };
    throw error;
  }
  const sources = await shapesOfSources(definition, phase, options);
  const [first, ...others] = sources.guesses.map((feedShapes) =>
    lower(definition, phase, feedShapes, options),
  );
  // Of several guesses the one counts that leaves least to complain about.
  const diagnostics = others.reduce((best, next) => (next.length < best.length ? next : best), first);
  return { diagnostics: [...sources.diagnostics, ...diagnostics], notes: sources.notes };
}

/** Wires and lowers with these shapes; where some are unknown, what lies above is not looked at. */
function lower(
  definition: NetDef,
  phase: Phase,
  feedShapes: FeedShapes,
  { shapes, layers: types }: NetCheckOptions,
): readonly Diagnostic[] {
  const diagnostics = createDiagnostics();
  // A layer that lost its tops to a mistake in its text would make its readers look wrong.
  const complete = [...definition.damaged].every(({ top }) => top.length > 0);
  const wiring = wireNet(definition, complete ? diagnostics : createDiagnostics());
  checkFillers(definition, diagnostics);
  lowerNet(definition, wiring, { phase, shapes, feedShapes, diagnostics, types });
  return diagnostics.all.filter(({ message }) => !message.endsWith(NOT_OPENED));
}

interface Sources {
  /** Shapes by layer: several where they are guessed. */
  readonly guesses: readonly FeedShapes[];
  readonly notes: readonly string[];
  /** Settings that do not fit the data that is there. */
  readonly diagnostics: readonly Diagnostic[];
}

/** The shapes that data layers give: as given, from the data, or guessed from what their settings say. */
async function shapesOfSources(
  definition: NetDef,
  phase: Phase,
  { root, shapes = {}, layers }: NetCheckOptions & { readonly root: string },
): Promise<Sources> {
  const known = new Map<LayerParameter, readonly Shape[]>();
  const guessed: { readonly feed: LayerFeed; readonly guess: (channels: number) => readonly Shape[] }[] = [];
  const notes: string[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const feed of feedsOf(definition, phase, layers)) {
    const { layer, spec } = feed;
    if (layer.top.every((top) => Object.hasOwn(shapes, top))) {
      known.set(
        layer,
        layer.top.map((top) => shapes[top]),
      );
      continue;
    }
    const opened = await shapesOfFeed(feed, root, phase);
    if (opened.shapes) {
      known.set(layer, opened.shapes);
      continue;
    }
    diagnostics.push(...opened.misfits);
    if (opened.misfits.length > 0) continue;
    if (spec.kind === "filler") continue;
    const source = `the data of layer ${quoted(layer.name)} (${quotedPath(spec.source)}) could not be opened`;
    const size = fixedSizeOf(spec);
    if (size) {
      const { batchSize } = spec;
      const guess = (channels: number): readonly Shape[] => [[batchSize, channels, ...size], [batchSize]];
      guessed.push({ feed, guess });
      notes.push(
        `${source}; shapes follow from its ${"transform" in spec && spec.transform.cropSize > 0 ? "crop_size" : "new_height and new_width"}: ${showShape(guess(3)[0])}`,
      );
    } else {
      const flags = layer.top.map(
        (top, i) => `--shape ${unquoted(top)}=${i === 0 ? `${spec.batchSize},C,H,W` : spec.batchSize}`,
      );
      notes.push(`${source}; the shapes that follow from it were not checked: give ${flags.join(" ")}`);
    }
  }
  const withChannels = (channels: number): FeedShapes =>
    new Map([...known, ...guessed.map(({ feed, guess }) => [feed.layer, guess(channels)] as const)]);
  return { guesses: guessed.length > 0 ? [withChannels(3), withChannels(1)] : [known], notes, diagnostics };
}

/**
 * The shapes of a data layer's tops; none where its source is not there, or cannot be read. `misfits`: what is wrong
 * with other settings than the source, a crop larger than the images.
 */
async function shapesOfFeed(
  { spec }: LayerFeed,
  root: string,
  phase: Phase,
): Promise<{ readonly shapes?: readonly Shape[]; readonly misfits: readonly Diagnostic[] }> {
  let feed: Feed;
  try {
    feed = await openFeed(spec, { root, phase, seed: 0 });
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    // A mean image need not be there either.
    const transform =
      "transform" in spec && spec.transform.meanFile === undefined ? spec.transform : undefined;
    const place = transform?.span;
    return { misfits: error.diagnostics.filter(({ span }) => span !== undefined && span === place) };
  }
  const { shapes } = feed;
  await feed.close();
  return { shapes, misfits: [] };
}
