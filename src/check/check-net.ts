/** Every mistake of a net, in the phases that it is written for, whether its data is there or not. */

import type { Shape } from "../../codegen/ir/graph.js";
import { CortadoError, createDiagnostics, type Diagnostic, formatPlace } from "../../proto/errors/index.js";
import { has, type LayerParameter, type NetStateRule } from "../../proto/index.js";
import { showShape } from "../../proto/words/amounts.js";
import { quoted, quotedPath, unquoted } from "../../proto/words/names.js";
import { fixedSizeOf } from "../../runtime/data/feed-spec.js";
import { locateSource } from "../../runtime/data/locate.js";
import { type Feed, openFeed } from "../../runtime/data/open-feed.js";
import {
  type BlobFile,
  type FeedShapes,
  feedsOf,
  knownLayerTypes,
  type LayerFeed,
  type LayerType,
  type LoweredNet,
  lowerNet,
  NOT_OPENED,
} from "../layers/index.js";
import type { CompileOptions } from "../net/compile-options.js";
import { readConstants } from "../net/constants.js";
import { checkFillers } from "../net/fill-params.js";
import { type NetDef, selectLayers, wireNet } from "../net-text/index.js";

export type Phase = "TRAIN" | "TEST";

export interface NetCheckOptions {
  readonly level?: number;
  readonly stages?: readonly string[];
  readonly root?: string;
  readonly shapes?: CompileOptions["shapes"];
  readonly layers?: readonly LayerType[];
  /**
   * Default: both, or the one that the net has sources for. Then mistakes in TRAIN alone, of a net in which nothing
   * trains, are notes.
   */
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
  let phases = options.phases ?? phasesOf(net, options);
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
  if (options.phases === undefined && phases.length > 1 && !trains(net, options.layers)) {
    const idle = [...found].filter(
      ([, { diagnostic, phases: seen }]) =>
        diagnostic.severity === "error" && seen.every((phase) => phase === "TRAIN"),
    );
    if (idle.length > 0) phases = ["TEST"];
    for (const [key, { diagnostic }] of idle) {
      const { message, span } = diagnostic;
      const place = span ? `, at ${formatPlace(span)}` : "";
      notes.add(`not in phase TRAIN, in which nothing trains here (--phase TRAIN)${place}: ${message}`);
      found.delete(key);
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

/** Whether anything of a net is for training: a loss, or a layer that a rule keeps for TRAIN. */
function trains({ net }: NetDef, types: readonly LayerType[] | undefined): boolean {
  const known = knownLayerTypes(types);
  const isLoss = ({ type, loss_weight }: LayerParameter): boolean => {
    if (loss_weight.length > 0) return loss_weight.some((weight) => weight !== 0);
    const record = known.get(type);
    return record ? (record.lossWeight ?? 0) !== 0 : /loss/i.test(type);
  };
  const names = (rules: readonly NetStateRule[], phase: Phase): boolean =>
    rules.some((rule) => has(rule, "phase") && rule.phase === phase);
  return net.layer.some(
    (layer) => isLoss(layer) || names(layer.include, "TRAIN") || names(layer.exclude, "TEST"),
  );
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
  const best = others.reduce(
    (least, next) => (next.diagnostics.length < least.diagnostics.length ? next : least),
    first,
  );
  const constants = best.lowered ? await checkConstants(best.lowered, options.root) : NOTHING;
  return {
    diagnostics: [...sources.diagnostics, ...best.diagnostics, ...constants.diagnostics],
    notes: [...sources.notes, ...constants.notes],
  };
}

const NOTHING: Findings = { diagnostics: [], notes: [] };

/** Of the files that layers read constants from, those that are there: compile reads them. */
async function checkConstants({ files }: LoweredNet, root: string): Promise<Findings> {
  const notes: string[] = [];
  const there: BlobFile[] = [];
  for (const file of files)
    try {
      await locateSource(file.source, [root], file.what);
      there.push(file);
    } catch {
      notes.push(`${file.what} of ${file.layer} (${quotedPath(file.source)}) is not there`);
    }
  try {
    await readConstants({ files: there }, root);
  } catch (error) {
    if (!(error instanceof CortadoError)) throw error;
    return { diagnostics: error.diagnostics, notes };
  }
  return { diagnostics: [], notes };
}

/** Wires and lowers with these shapes; where some are unknown, what lies above is not looked at. */
function lower(
  definition: NetDef,
  phase: Phase,
  feedShapes: FeedShapes,
  { shapes, layers: types }: NetCheckOptions,
): { readonly diagnostics: readonly Diagnostic[]; readonly lowered: LoweredNet | undefined } {
  const diagnostics = createDiagnostics();
  const wiring = wireNet(definition, definition.incomplete ? createDiagnostics() : diagnostics);
  checkFillers(definition, diagnostics);
  const lowered = lowerNet(definition, wiring, { phase, shapes, feedShapes, diagnostics, types });
  return { diagnostics: diagnostics.all.filter(({ message }) => !message.endsWith(NOT_OPENED)), lowered };
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
    // A database that is there is to be sound.
    if (spec.kind === "records" && transform && (await isThere(spec.source, root)))
      return { misfits: error.diagnostics.map((one) => ({ ...one, span: one.span ?? spec.span })) };
    const place = transform?.span;
    return { misfits: error.diagnostics.filter(({ span }) => span !== undefined && span === place) };
  }
  const { shapes } = feed;
  await feed.close();
  return { shapes, misfits: [] };
}

const isThere = (source: string, root: string): Promise<boolean> =>
  locateSource(source, [root], "the data source").then(
    () => true,
    () => false,
  );
