/** What an ONNX file says of itself: Cortado writes such files and reads no net from one, but people give them all the same. */

import { CortadoError } from "../proto/errors/index.js";
import type { ModelProto } from "../proto/generated/onnx.js";
import { decodeMessage, fieldInfo, messageInfo } from "../proto/index.js";
import { showCount } from "../proto/words/amounts.js";
import { quoted, unquoted } from "../proto/words/names.js";

/** Fields that are looked at, whatever message they are of: weights and nodes are passed over. */
const LOOKED_AT: ReadonlySet<string> = new Set([
  ...["ir_version", "producer_name", "producer_version", "opset_import", "graph"],
  ...["domain", "version", "name", "node"],
]);
/** No version of the format has come near it. */
const MOST_FORMATS = 99;

/** The model that bytes are; undefined for another message, or only the beginning of one. */
function modelIn(bytes: Uint8Array): ModelProto | undefined {
  // The first field that every writer writes: it spares most files the look at all of them.
  if (bytes[0] !== 8 * fieldInfo(messageInfo("ModelProto"), "ir_version").id) return undefined;
  try {
    return decodeMessage("ModelProto", bytes, undefined, ({ name }) => !LOOKED_AT.has(name));
  } catch (error) {
    if (error instanceof CortadoError) return undefined;
    throw error;
  }
}

/** What an ONNX file is, to follow "it is"; undefined for what is none, or only the beginning of one. */
export function onnxWords(bytes: Uint8Array): string | undefined {
  const model = modelIn(bytes);
  if (!model?.graph || model.ir_version < 1 || model.ir_version > MOST_FORMATS) return undefined;
  const { graph, producer_name: producer, producer_version: version, opset_import: sets } = model;
  // ONNX's own operators, else the first others.
  const opset = (sets.find(({ domain }) => domain === "") ?? sets[0])?.version;
  if (!opset) return undefined;
  const by = unquoted([producer, version].filter(Boolean).join(" "));
  const origin =
    producer === "cortado" ? `the export of net ${quoted(graph.name)} by ${by}` : by && `written by ${by}`;
  const facts = [origin, `opset ${opset}`, showCount(graph.node.length, "node")];
  return `a model of ONNX (${facts.filter(Boolean).join(", ")})`;
}
