import { showShape } from "../../proto/words/amounts.js";
import { layerKeys } from "../../proto/words/by-place.js";
import type { NamedShape, Tables } from "../../runtime/net/tables.js";
import { BUILT_MARK } from "./built-mark.js";
import { stringLiteral } from "./literal.js";
import type { TargetParts } from "./target-parts.js";

const PLAIN = /^[A-Za-z_$][A-Za-z0-9_$]*$/;
const property = (name: string): string =>
  PLAIN.test(name) && name !== "__proto__" ? name : stringLiteral(name);
const shapeComment = (shape: readonly number[]): string => `/* ${showShape(shape)} */`;
const union = (names: readonly string[]): string =>
  names.length === 0 ? "never" : names.map(stringLiteral).join(" | ");

const NET_PARAM = `/** A parameter of the net, with the diff that the last call left: its gradient, or after a step what the update took. */
export interface NetParam extends Param {
  readDiff(): Promise<Float32Array>;
}
`;

/** What is said of what forward takes and gives. */
function batchComments({ batch }: Tables): { readonly inputs: string; readonly outputs: string } {
  const takes = "What `forward` takes: row-major, of the shape beside it";
  const gives = "What `forward` gives: fresh arrays, row-major";
  return batch && batch.whole === undefined
    ? {
        inputs: `${takes}, or of all inputs equally many of its first ${batch.rows} rows.`,
        outputs: `${gives}, of as many rows as it was given.`,
      }
    : { inputs: `${takes}.`, outputs: `${gives}.` };
}

/** The type declarations of a built module: the net's own names, so that a wrong one does not compile. `options`: those that `load` has for the target. */
export function declarationsOf(tables: Tables, options: TargetParts["options"]): string {
  const shapes = new Map(tables.blobs.map(({ name, shape }) => [name, shape]));
  const { seeds, inputDiffs, train } = tables;
  const given = tables.inputs.map(({ name }) => name);
  const array = ({ name, shape }: NamedShape, optional = false): string =>
    `  readonly ${property(name)}${optional ? "?" : ""}: Float32Array; ${shapeComment(shape)}\n`;
  const arrays = (names: readonly string[], optional = false): string =>
    names.map((name) => array({ name, shape: shapes.get(name) ?? [] }, optional)).join("");
  const record = (name: string, comment: string, body: string): string =>
    `/** ${comment} */\nexport interface ${name} {\n${body}}\n`;
  const keys = layerKeys(tables.layers);
  const learning = tables.layers
    .map(({ params }, place) => ({ key: keys[place], params }))
    .filter(({ params }) => params.length > 0);
  const perLayer = (type: string): string =>
    learning
      .map(
        ({ key, params }) =>
          `  readonly ${property(key)}: readonly [${params.map(({ shape }) => `${type} ${shapeComment(shape)}`).join(", ")}];\n`,
      )
      .join("");
  const readable = [...new Set([...tables.outputs, ...tables.kept, ...given])];
  const diffs = seeds ? [...new Set([...tables.kept, ...inputDiffs])] : [];
  const inputs = `inputs${given.length === 0 ? "?" : ""}: Inputs`;
  const batches = train && train.batches > 1 ? " | readonly Inputs[]" : "";
  const scalars = train && [`rate${train.rate ? "?" : ""}`, ...train.scalars.map((name) => `${name}?`)];

  return [
    `// ${BUILT_MARK} Types of net.js.\n`,
    record("Inputs", batchComments(tables).inputs, tables.inputs.map((input) => array(input)).join("")),
    record("Outputs", batchComments(tables).outputs, arrays(tables.outputs)),
    record(
      "Shapes",
      "The shape of every blob.",
      tables.blobs
        .map(({ name, shape }) => `  readonly ${property(name)}: readonly [${shape.join(", ")}];\n`)
        .join(""),
    ),
    record(
      "Param",
      "A parameter. Both functions copy.",
      "  readonly shape: readonly number[];\n  read(): Promise<Float32Array>;\n  /** As many numbers as the shape has. */\n  write(data: Float32Array): Promise<void>;\n",
    ),
    ...(seeds || train ? [NET_PARAM] : []),
    record("Params", "The parameters, by layer.", perLayer(seeds || train ? "NetParam" : "Param")),
    ...(seeds
      ? [
          record(
            "Diffs",
            "Diffs that `backward` takes; a blob that is left out starts from its loss weight, or from 0.",
            arrays(seeds, true),
          ),
          record(
            "InputDiffs",
            "Diffs of inputs.",
            tables.inputs
              .filter(({ name }) => inputDiffs.includes(name))
              .map((input) => array(input))
              .join(""),
          ),
          record("ParamDiffs", "Gradients, by layer.", perLayer("Float32Array")),
        ]
      : []),
    ...(scalars
      ? [
          record(
            "Scalars",
            "What a step may be told instead of what the solver computes.",
            scalars.map((name) => `  readonly ${name}: number;\n`).join(""),
          ),
        ]
      : []),
    "/** The net. Its functions can be taken apart from it; calls are served in the order they were made. */",
    "export interface Net {",
    "  readonly shapes: Shapes;",
    `  readonly inputs: readonly (${union(given)})[];`,
    `  readonly outputs: readonly (${union(tables.outputs)})[];`,
    "  readonly params: Params;",
    `  forward(${inputs}): Promise<Outputs>;`,
    "  /** The value of an input, an output or a blob that the build keeps, as the last call computed it. */",
    `  read(blob: ${union(readable)}): Promise<Float32Array>;`,
    ...(seeds
      ? [
          "  /** Differentiates the last forward. */",
          "  backward(diffs?: Diffs): Promise<{ readonly inputs: InputDiffs; readonly params: ParamDiffs }>;",
          ...(diffs.length === 0
            ? []
            : [
                "  /** The diff that the last backward or step left on a blob. */",
                `  readDiff(blob: ${union(diffs)}): Promise<Float32Array>;`,
              ]),
        ]
      : []),
    ...(train
      ? [
          `  /** One iteration: forward, backward and the update${train.batches > 1 ? `, over ${train.batches} batches (one given serves for all)` : ""}. */`,
          `  step(${inputs}${batches}, scalars${train.rate ? "?" : ""}: Scalars): Promise<{ readonly loss: number; readonly outputs: Outputs }>;`,
          "  /** Updates made. */",
          "  readonly iteration: number;",
          "  /** The update's states in Caffe's order. */",
          "  readonly history: readonly Param[];",
        ]
      : []),
    "  /** The parameters as they are now, as the bytes of a .safetensors file. */",
    "  save(): Promise<Uint8Array>;",
    "  /** Frees the memory. Calls after it are refused. */",
    "  close(): Promise<void>;",
    "}\n",
    "export interface LoadOptions {",
    "  /** Other weights than those beside the module: the bytes of a .safetensors file, or where it lies. */",
    "  readonly weights?: ArrayBuffer | Uint8Array | string | { readonly href: string };",
    ...options.flatMap(({ name, type, about }) => [`  /** ${about} */`, `  readonly ${name}?: ${type};`]),
    "}\n",
    "export declare function load(options?: LoadOptions): Promise<Net>;",
    "",
  ].join("\n");
}
