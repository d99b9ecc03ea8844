import { orThrow, takeBy } from "../../proto/arguments/argument-rules.js";
import { messageRule, type Plain } from "../../proto/arguments/message-rules.js";
import { CortadoError, createDiagnostics } from "../../proto/errors/index.js";
import type { Message, MessageName, NetParameter, SolverParameter } from "../../proto/index.js";
import { workingFolder } from "../../runtime/host-process.js";
import { type LayerType, schemaWith, withLayerMistakes } from "../layers/index.js";
import {
  folderOf,
  type NetDef,
  readNet,
  readSolver,
  readTextFile,
  type SelectedState,
  type SolverDef,
  upgradeNet,
  upgradeSolver,
} from "../net-text/index.js";
import { furtherMistakes } from "./lower-definition.js";

/** A net as a program gives it: its text, path, file: URL, the bytes of its text, what `parseNet` gives, or plain objects. */
export type NetSource = string | URL | Uint8Array | ArrayBuffer | NetDef | Plain<NetParameter>;
/** A solver likewise. */
export type SolverSource = string | URL | Uint8Array | ArrayBuffer | SolverDef | Plain<SolverParameter>;

/** A net or solver, taken at the call, that has not been read: where its text is, that text, or its fields. */
export type Unread =
  | { readonly path: string }
  | { readonly text: string }
  /** A plain object. */
  | { readonly fields: object };

/** What of the two a string is. */
const unread = (given: string): Unread => (looksLikeText(given) ? { text: given } : { path: given });

/**
 * A text cannot be mistaken for a path: a net has fields, so it has braces or lines, or a colon with a value in quotes or
 * behind white space. Paths may have colons.
 */
export const looksLikeText = (given: string): boolean => /[{}\n]|:\s|:[^:]*["']/.test(given);

/**
 * A net by text, path or value, and the folder that its relative paths start from.
 *
 * @throws CortadoError with every mistake: of the text, and of the layers that the text leaves whole
 */
export async function readDefinition(
  net: string | NetDef | Unread,
  root: string | undefined,
  state: SelectedState,
  layers?: readonly LayerType[],
): Promise<{ readonly definition: NetDef; readonly root: string }> {
  const given = typeof net === "string" ? unread(net) : net;
  const start = root ?? workingFolder();
  if ("net" in given) return { definition: given, root: start };
  if ("fields" in given) return { definition: netOf(given.fields, layers), root: start };
  const name = "path" in given ? given.path : undefined;
  const text = "path" in given ? await readTextFile(given.path, "net") : given.text;
  const { definition, errors } = readNet(text, { name, schema: schemaWith(layers) });
  if (errors.length > 0)
    throw new CortadoError(withLayerMistakes(errors, furtherMistakes(definition, state, layers), definition));
  return { definition, root: root ?? (name === undefined ? workingFolder() : folderOf(name)) };
}

/** A net by value. */
export const netByValue = (given: NetDef | Unread): NetParameter => {
  if ("net" in given) return given.net;
  return made("NetParameter", "the net", "fields" in given ? given.fields : {}) as NetParameter;
};

/** A solver by text, path or value, and the path of its file where it was read from one; its text's mistakes are in it. */
export async function readGivenSolver(
  solver: string | SolverDef | Unread,
  layers?: readonly LayerType[],
): Promise<{ readonly definition: SolverDef; readonly file?: string }> {
  const given = typeof solver === "string" ? unread(solver) : solver;
  const schema = schemaWith(layers);
  if ("solver" in given) return { definition: given };
  if ("fields" in given) return { definition: solverOf(given.fields, layers) };
  if ("text" in given) return { definition: readSolver(given.text, { schema }) };
  const text = await readTextFile(given.path, "solver");
  return { definition: readSolver(text, { name: given.path, schema }), file: given.path };
}

/** The message of a plain object. @throws CortadoError with every mistake in it */
const made = (type: MessageName, what: string, plain: object, layers?: readonly LayerType[]): Message =>
  orThrow((say) => takeBy(messageRule(schemaWith(layers)(type)), plain, what, say));

function netOf(plain: object, layers?: readonly LayerType[]): NetDef {
  const diagnostics = createDiagnostics();
  const net = upgradeNet(made("NetParameter", "the net", plain, layers) as NetParameter, diagnostics);
  if (diagnostics.hasErrors) throw new CortadoError(diagnostics.all);
  const source = { name: "<net>", text: "" };
  return { net, source, warnings: diagnostics.all, leftOut: [], damaged: new Set() };
}

function solverOf(plain: object, layers?: readonly LayerType[]): SolverDef {
  const diagnostics = createDiagnostics();
  const parsed = made("SolverParameter", "the solver", plain, layers) as SolverParameter;
  const solver = upgradeSolver(parsed, diagnostics);
  if (diagnostics.hasErrors) throw new CortadoError(diagnostics.all);
  return { solver, source: { name: "<solver>", text: "" }, warnings: diagnostics.all };
}
