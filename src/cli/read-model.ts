import type { Command } from "commander";
import type { LayerType, NetDef } from "../index.js";
import { openFeeds, readDefinition, selectLayers, withShapeHint } from "../tools.js";
import { type End, type ModelOptions, type StateOptions, theFile } from "./command-options.js";
import type { Io } from "./io.js";
import { loadLayers } from "./layers.js";
import type { Shapes } from "./option-values.js";
import { pathOf } from "./text.js";
import { showWarnings } from "./warnings.js";

/** A net, read, and all that says which of it is meant. */
export interface Model {
  readonly definition: NetDef;
  readonly state: {
    readonly phase: "TRAIN" | "TEST";
    readonly level?: number;
    readonly stages?: readonly string[];
  };
  /** Where relative paths of its data start. */
  readonly root: string;
  readonly layers: readonly LayerType[] | undefined;
}

/** Reads the net that a command is about, and shows its warnings. */
export async function readModel(
  file: string,
  options: StateOptions & { readonly phase: "TRAIN" | "TEST"; readonly root?: string },
  io: Io,
): Promise<Model> {
  const state = { phase: options.phase, level: options.level, stages: options.stage };
  const layers = await loadLayers(options.layers, io);
  const { definition, root } = await readDefinition(
    { path: pathOf(io, file) },
    given(io, options.root),
    state,
    layers,
  );
  showWarnings(definition.warnings, io);
  return { definition, state, root, layers };
}

/** Looks into the net's data for the shapes that nobody gives. @throws CortadoError with how to do without, where it is not there */
export async function requireShapes(
  { definition, state, root, layers }: Model,
  shapes: Shapes | undefined,
): Promise<void> {
  const selected = selectLayers(definition, state);
  const { phase } = state;
  const feeds = await openFeeds(selected, { root, phase, seed: 0, shapes, layers }).catch(
    (error: unknown) => {
      throw withShapeHint(error, selected, phase);
    },
  );
  await feeds.close();
}

/** A path that may be missing. */
export const given = (io: Io, path: string | undefined): string | undefined =>
  path === undefined ? undefined : pathOf(io, path);

/** Runs a command on the net that is named by argument or option. */
export const onModel = <O extends Pick<ModelOptions, "model">>(
  command: Command,
  { io, end }: { readonly io: Io; readonly end: End },
  run: (file: string, options: O, io: Io) => Promise<number>,
): Command =>
  command.action(async (model: string | undefined, options: O) => {
    const file = theFile(model, options.model, { command: command.name(), what: "a net", flag: "model" });
    end(await run(file, options, io));
  });
