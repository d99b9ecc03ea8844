/** Parsing for users: a text by the schema and by what their own layer types declare. */
import { schemaWith } from "../layers/index.js";
import {
  type NetDef,
  parseNet as parseNetBy,
  parseSolver as parseSolverBy,
  type SolverDef,
} from "../net-text/index.js";
import type { ParseOptions } from "./compile-options.js";
import { PARSE_NET, PARSE_SOLVER } from "./net-arguments.js";

export type { ParseOptions } from "./compile-options.js";

/**
 * Reads the prototxt of a net of any generation: its text, or the bytes of that text.
 *
 * @throws CortadoError with every mistake of the arguments, or of the text
 */
export function parseNet(text: string | Uint8Array | ArrayBuffer, options?: ParseOptions): NetDef {
  const { text: given, options: { name, layers } = {} } = PARSE_NET(text, options);
  return parseNetBy(given, { name, schema: schemaWith(layers) });
}

/**
 * Reads the prototxt of a solver, and the nets that stand in it: its text, or the bytes of that text.
 *
 * @throws CortadoError with every mistake of the arguments, or of the text
 */
export function parseSolver(text: string | Uint8Array | ArrayBuffer, options?: ParseOptions): SolverDef {
  const { text: given, options: { name, layers } = {} } = PARSE_SOLVER(text, options);
  return parseSolverBy(given, { name, schema: schemaWith(layers) });
}
