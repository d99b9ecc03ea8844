import type { Shape } from "../../codegen/ir/graph.js";
import { CortadoError } from "../../proto/errors/index.js";
import { quotedPath } from "../../proto/words/names.js";
import type { SinkSpec } from "./feed-spec.js";

/** Takes the values of each forward. */
export interface Sink {
  readonly path: string;
  write(values: readonly Float32Array[]): Promise<void>;
  close(): Promise<void>;
}

/** @throws CortadoError always, at the layer's place: a page has no files */
export async function openSink(
  { path, span }: SinkSpec,
  _shapes: readonly Shape[],
  _root: string,
): Promise<Sink> {
  const message = `the file ${quotedPath(path)} cannot be written: a page has no files`;
  const hint = "leave the layer out (include rules, or another phase), and read the blobs with keep";
  throw new CortadoError([{ severity: "error", message, span, hint }]);
}
