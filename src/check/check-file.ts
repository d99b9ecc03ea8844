/** What is wrong with one file, whatever kind of file it is. */

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import {
  CortadoError,
  createDiagnostics,
  type Diagnostic,
  fileError,
  userError,
} from "../../proto/errors/index.js";
import { decodeMessage } from "../../proto/index.js";
import { showCount, showShape } from "../../proto/words/amounts.js";
import { quotedPath } from "../../proto/words/names.js";
import { textOfBytes } from "../../proto/words/text-bytes.js";
import { valuesOfBlob } from "../../runtime/blob-proto.js";
import { kindOfFile } from "../../runtime/file-kind.js";
import { readState } from "../../runtime/solver/state-file.js";
import { readWeights } from "../../runtime/weights/index.js";
import { fillsShape } from "../../runtime/weights/weight-set.js";
import { schemaWith, withLayerMistakes } from "../layers/index.js";
import { foreignFile, kindOfText, readNet, readSolver, type SolverDef, UNKNOWN } from "../net-text/index.js";
import { checkSolver } from "../solvers/check-solver.js";
import { type NetPlan, resolveNets } from "../solvers/solver-nets.js";
import { checkNet, type NetCheckOptions } from "./check-net.js";
import { besides, distinct } from "./solver-mistakes.js";

export interface FileReport {
  /** For people: "net (TRAIN, TEST)", "solver", "weights". */
  readonly kind: string;
  readonly diagnostics: readonly Diagnostic[];
  /** What was assumed, or could not be looked at. */
  readonly notes: readonly string[];
}

/** Finds every mistake of a file; never throws for what is in it. */
export async function checkFile(path: string, options: NetCheckOptions): Promise<FileReport> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    return failed("file", fileError(`Cannot read ${quotedPath(path)}`, error));
  }
  const text = asText(bytes);
  const foreign = foreignFile(bytes);
  if (foreign?.is === "other" && foreign !== UNKNOWN)
    return failed(
      "file",
      userError(`${quotedPath(path)} is ${foreign.words}, and no net, solver or weights`, foreign.hint),
    );
  if (text === undefined) return checkBinary(path, bytes);
  return checkText(text, path, options);
}

const failed = (kind: string, error: unknown): FileReport => {
  if (!(error instanceof CortadoError)) throw error;
  return { kind, diagnostics: error.diagnostics, notes: [] };
};

/**
 * The text of a file, or undefined for bytes that are no text: without control characters, and UTF-8 or with fields of a net
 * or a solver all the same (comments in latin1).
 */
function asText(bytes: Uint8Array): string | undefined {
  const text = textOfBytes(bytes);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they tell a binary file from a text
  if (/[\u0000-\u0008\u000e-\u001f]/.test(text)) return undefined;
  return text.includes("\ufffd") && kindOfText(text) === undefined ? undefined : text;
}

/** Reads a text as what its fields say it is. */
async function checkText(text: string, path: string, options: NetCheckOptions): Promise<FileReport> {
  const kind = kindOfText(text)?.first;
  if (kind === undefined)
    return failed("file", userError(`${quotedPath(path)} has no field of a net or of a solver`));
  try {
    const schema = schemaWith(options.layers);
    return kind === "net"
      ? await netReport(readNet(text, { name: path, schema }), path, options)
      : await solverReport(readSolver(text, { name: path, schema }), path, options);
  } catch (error) {
    return failed(kind, error);
  }
}

async function netReport(
  { definition: net, errors }: ReturnType<typeof readNet>,
  path: string,
  options: NetCheckOptions,
): Promise<FileReport> {
  const root = options.root ?? dirname(resolve(path));
  const { phases, diagnostics, notes } = await checkNet(net, { ...options, root });
  const empty: readonly Diagnostic[] =
    net.net.layer.length > 0 || errors.length > 0
      ? []
      : [{ severity: "warning", message: `${path}: the net has no layers` }];
  return {
    kind: errors.length > 0 ? "net" : `net (${phases.join(", ")})`,
    diagnostics: [...net.warnings, ...empty, ...inOrder(withLayerMistakes(errors, diagnostics, net))],
    notes,
  };
}

/** By place in the text. */
const inOrder = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  [...diagnostics].sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0));

async function solverReport(
  definition: SolverDef,
  path: string,
  options: NetCheckOptions,
): Promise<FileReport> {
  const diagnostics = createDiagnostics();
  for (const warning of definition.warnings) diagnostics.report(warning);
  checkSolver(definition.solver, diagnostics);
  const notes = new Set<string>();
  const roots = options.root === undefined ? [] : [resolve(options.root)];
  const folders = [...new Set([...roots, process.cwd(), dirname(resolve(path))])];
  try {
    const { train, tests } = await resolveNets(definition, folders, schemaWith(options.layers));
    const reported = new Set<Diagnostic>();
    for (const plan of [train, ...tests]) {
      if (options.phases && !options.phases.includes(plan.phase)) continue;
      for (const warning of plan.definition.warnings) {
        if (!reported.has(warning)) diagnostics.report(warning);
        reported.add(warning);
      }
      const checked = await checkPlan(plan, path, options);
      for (const diagnostic of checked.diagnostics) diagnostics.report(diagnostic);
      for (const note of checked.notes) notes.add(note);
    }
  } catch (error) {
    for (const diagnostic of failed("solver", error).diagnostics) diagnostics.report(diagnostic);
  }
  const { errors = [], solver } = definition;
  return {
    kind: "solver",
    diagnostics: distinct([...errors, ...besides(errors, solver, diagnostics.all)]),
    notes: [...notes],
  };
}

const checkPlan = (plan: NetPlan, path: string, options: NetCheckOptions) =>
  checkNet(plan.definition, {
    ...options,
    root: options.root ?? plan.folder ?? dirname(resolve(path)),
    phases: [plan.phase],
    level: options.level ?? plan.level,
    stages: [...plan.stages, ...(options.stages ?? [])],
  });

/** Weights, a solver's state or a mean image: what its name or its content says, or whichever can be read. */
async function checkBinary(path: string, bytes: Uint8Array): Promise<FileReport> {
  const kind = kindOfFile(bytes)?.is;
  if (/\.solverstate(\.h5)?$/i.test(path) || kind === "state") return checkState(path);
  if (kind === "blob") return checkBlob(path, bytes);
  try {
    const { layers } = await readWeights(path);
    const blobs = layers.flatMap((layer) => layer.blobs);
    if (blobs.length === 0) throw userError(`${quotedPath(path)} holds no weights`);
    const values = blobs.reduce((sum, { data }) => sum + data.length, 0);
    const kind = `weights (${showCount(layers.length, "layer")}, ${showCount(values, "value")})`;
    return { kind, diagnostics: [], notes: [] };
  } catch (error) {
    const others = [await checkState(path), checkBlob(path, bytes)];
    return others.find(({ diagnostics }) => diagnostics.length === 0) ?? failed("binary file", error);
  }
}

/** A mean image is a blob by itself. */
function checkBlob(path: string, bytes: Uint8Array): FileReport {
  try {
    const { shape, data } = valuesOfBlob(decodeMessage("BlobProto", bytes, quotedPath(path)));
    if (data.length === 0 || !fillsShape(data.length, shape))
      throw userError(`${quotedPath(path)} has ${data.length} values for its shape ${showShape(shape)}`);
    return { kind: `blob (${showShape(shape)})`, diagnostics: [], notes: [] };
  } catch (error) {
    return failed("blob", error);
  }
}

async function checkState(path: string): Promise<FileReport> {
  try {
    const state = await readState(path);
    if (state.history.length === 0 && state.model === "")
      throw userError(`${quotedPath(path)} is no solver state: it has neither a net nor a history`);
    for (const [i, { shape, data }] of state.history.entries())
      if (!fillsShape(data.length, shape))
        throw userError(
          `${quotedPath(path)}: history blob ${i} has ${data.length} values for its shape ${showShape(shape)}`,
        );
    return {
      kind: `solver state (iteration ${state.iteration}, ${showCount(state.history.length, "history blob")})`,
      diagnostics: [],
      notes: [],
    };
  } catch (error) {
    return failed("solver state", error);
  }
}
