/** Parsing for users: a text by the schema and by what their own layer types declare. */
import { type LayerType, schemaWith } from "../layers/index.js";
import {
  type NetDef,
  parseNet as parseNetBy,
  parseSolver as parseSolverBy,
  type SolverDef,
} from "../net-text/index.js";

/** What `parseNet` and `parseSolver` take as options. */
export interface ParseOptions {
  /** How messages name the text: a path. */
  readonly name?: string;
  /** Layer types whose settings the text may hold, beside Caffe's: as `compile`'s. */
  readonly layers?: readonly LayerType[];
}

/**
 * Reads the prototxt of a net of any generation.
 *
 * @throws CortadoError with every mistake of the text
 */
export const parseNet = (text: string, { name, layers }: ParseOptions = {}): NetDef =>
  parseNetBy(text, { name, schema: schemaWith(layers) });

/**
 * Reads the prototxt of a solver, and the nets that stand in it.
 *
 * @throws CortadoError with every mistake of the text
 */
export const parseSolver = (text: string, { name, layers }: ParseOptions = {}): SolverDef =>
  parseSolverBy(text, { name, schema: schemaWith(layers) });
