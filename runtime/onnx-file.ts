/** What an ONNX file says of itself: Cortado writes such files and reads none, but people give them all the same. */

import { showCount } from "../proto/words/amounts.js";
import { quoted, unquoted } from "../proto/words/names.js";
import { textOfBytes } from "../proto/words/text-bytes.js";

/** A field of a message: its number, and a whole number or where its bytes lie. */
interface Field {
  readonly id: number;
  readonly value: number | undefined;
  readonly bytes: Uint8Array | undefined;
}

/** The fields of a message one by one; what is no message, or cut off, ends in `undefined`. */
function* fieldsIn(message: Uint8Array): Generator<Field | undefined> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < message.length; factor *= 128) {
      const byte = message[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  while (at < message.length) {
    const tag = varint();
    const [id, wire] = [Math.floor(tag / 8), tag % 8];
    if (!(id >= 1) || ![0, 1, 2, 5].includes(wire)) return yield undefined;
    const value = wire === 0 ? varint() : undefined;
    const size = wire === 2 ? varint() : wire === 0 ? 0 : wire === 1 ? 8 : 4;
    if (Number.isNaN(value) || !(at + size <= message.length)) return yield undefined;
    const bytes = wire === 2 ? message.subarray(at, at + size) : undefined;
    at += size;
    yield { id, value, bytes };
  }
}

/** Fields of ModelProto, GraphProto and OperatorSetIdProto. */
const MODEL = { format: 1, producer: 2, version: 3, graph: 7, operators: 8 } as const;
const GRAPH = { node: 1, name: 2 } as const;
const OPERATORS = { domain: 1, version: 2 } as const;
/** No version of the format has come near it. */
const MOST_FORMATS = 99;
/** All but the graph are few: a blob whose numbers are fields is not gone through. */
const MOST_FIELDS = 10_000;

/** All fields of a message; undefined for what is none, or has more. */
function allFieldsIn(message: Uint8Array, most = Number.POSITIVE_INFINITY): readonly Field[] | undefined {
  const all: Field[] = [];
  for (const field of fieldsIn(message)) {
    if (!field || all.length === most) return undefined;
    all.push(field);
  }
  return all;
}

const textIn = (fields: readonly Field[], id: number): string =>
  textOfBytes(fields.findLast((field) => field.id === id)?.bytes ?? new Uint8Array());

/** The version of ONNX's own operators, else of the first others; undefined where there are none. */
function opsetIn(model: readonly Field[]): number | undefined {
  const sets = model.flatMap(({ id, bytes }) => {
    const fields = id === MODEL.operators && bytes ? allFieldsIn(bytes) : undefined;
    const version = fields?.find((field) => field.id === OPERATORS.version)?.value;
    return fields && version ? [{ version, domain: textIn(fields, OPERATORS.domain) }] : [];
  });
  return (sets.find(({ domain }) => domain === "") ?? sets[0])?.version;
}

/** What an ONNX file is, to follow "it is"; undefined for what is none, or only the beginning of one. */
export function onnxWords(bytes: Uint8Array): string | undefined {
  // The first field that every writer writes: it spares most files the look at all of them.
  const model = bytes[0] === 8 * MODEL.format ? allFieldsIn(bytes, MOST_FIELDS) : undefined;
  const [format, ...others] = model ?? [];
  const graphBytes = others.find(({ id }) => id === MODEL.graph)?.bytes;
  const graph = graphBytes && allFieldsIn(graphBytes);
  const opset = opsetIn(others);
  if (!(format?.value && format.value <= MOST_FORMATS) || !graph || opset === undefined) return undefined;
  const producer = textIn(others, MODEL.producer);
  const by = unquoted([producer, textIn(others, MODEL.version)].filter(Boolean).join(" "));
  const net = quoted(textIn(graph, GRAPH.name));
  const origin = producer === "cortado" ? `the export of net ${net} by ${by}` : by && `written by ${by}`;
  const nodes = graph.filter(({ id }) => id === GRAPH.node).length;
  return `a model of ONNX (${[origin, `opset ${opset}`, showCount(nodes, "node")].filter(Boolean).join(", ")})`;
}
