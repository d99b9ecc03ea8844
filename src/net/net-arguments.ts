/** Nets, solvers and options as arguments of public functions. */

import { TARGETS } from "../../codegen/targets/index.js";
import {
  argumentsOf,
  byName,
  callback,
  either,
  fields,
  flag,
  integer,
  isFields,
  kind,
  listOf,
  optional,
  optionsOf,
  type Rule,
  real,
  text,
  word,
} from "../../proto/arguments/argument-rules.js";
import { bytes, fileText, path } from "../../proto/arguments/file-rules.js";
import { copyOfPlain } from "../../proto/arguments/message-rules.js";
import { numbers } from "../../proto/arguments/number-rules.js";
import { isMessage, type Message, typeOf } from "../../proto/index.js";
import type { LayerRange } from "../../runtime/net-types.js";
import { weightSource } from "../../runtime/weights/weight-arguments.js";
import { layerTypes } from "../layers/layer-arguments.js";
import type { NetDef, SolverDef } from "../net-text/index.js";
import { targetRule } from "./choose-target.js";
import type { CompileOptions, ParseOptions, TakenOptions } from "./compile-options.js";
import type { CompiledNet } from "./compiled-net.js";
import { internalsOf } from "./internals.js";
import { looksLikeText, type Unread } from "./read-definition.js";
import { threadsRule } from "./threads.js";

const FORMS = {
  net: { message: "NetParameter", other: "a solver", hint: "createSolver takes a solver" },
  solver: { message: "SolverParameter", other: "a net", hint: "compile takes a net" },
} as const;

/** The text of a file, or where it is. */
const textOrPath: Rule<Unread> = {
  nouns: ["its text", ...path.nouns],
  is: path.is,
  take(value, where, say) {
    const isText = typeof value === "string" && looksLikeText(value) && !/^file:\/\//i.test(value);
    return isText ? { text: value } : { path: path.take(value, where, say) };
  },
};
const textBytes: Rule<Unread> = {
  ...bytes,
  take: (value, where, say) => ({ text: fileText.take(value, where, say) }),
};

/** What `parseNet` or `parseSolver` gave, or plain objects in its place. */
const asValue = <D extends NetDef | SolverDef>(form: "net" | "solver"): Rule<D | Unread> => ({
  nouns: [
    `what parse${form === "net" ? "Net" : "Solver"} gives`,
    `an object of fields of ${FORMS[form].message}`,
  ],
  is: isFields,
  take(value, where, say) {
    const given = value as Readonly<Record<string, unknown>>;
    const other = given[form === "net" ? "solver" : "net"];
    if (isFields(other)) say(`${where} is ${FORMS[form].other}`, FORMS[form].hint);
    const inside = given[form];
    if (!isFields(inside)) return { fields: copyOfPlain(given) as object };
    // What was read cannot change; what JSON made of it is read again.
    if (!isMessage(inside)) return { fields: copyOfPlain(inside) as object };
    if (typeOf(inside as Message) !== FORMS[form].message) say(`${where} holds no ${FORMS[form].message}`);
    const { source, warnings, leftOut, damaged, errors, incomplete } = given;
    return {
      [form]: inside,
      source: isFields(source) ? { ...source } : { name: `<${form}>`, text: "" },
      warnings: Array.isArray(warnings) ? [...warnings] : [],
      ...(Array.isArray(errors) && { errors: [...errors] }),
      ...(incomplete === true && { incomplete }),
      ...(form === "net" && {
        leftOut: Array.isArray(leftOut) ? [...leftOut] : [],
        damaged: damaged instanceof Set ? new Set(damaged) : new Set(),
      }),
    } as unknown as D;
  },
});

/** A net that is no text. */
export const netValue = asValue<NetDef>("net");
export const netSource = either<NetDef | Unread>(textOrPath, textBytes, netValue);
export const solverSource = either<SolverDef | Unread>(textOrPath, textBytes, asValue<SolverDef>("solver"));

/** A net that `compile` made in this process. */
export const compiledNet = kind<CompiledNet>(
  "a net that compile returned",
  (value) => typeof value === "object" && value !== null && internalsOf(value as CompiledNet) !== undefined,
);

const names = listOf("an array of strings", text());
/** Blobs to keep. */
export const keep = either<"all" | readonly string[]>(
  word(["all"] as const),
  listOf("an array of blob names", text()),
);
const keepDiffs = either<"all" | readonly string[]>(
  word(["all"] as const),
  listOf("an array of layer names", text()),
);

/** The passes that some target has beside those of all. */
export const PASS_NAMES: readonly string[] = [
  ...new Set(TARGETS.flatMap(({ passes }) => passes.map(({ name }) => name))),
];

/** Whether passes run, by the name of each that some target has. */
const passes = fields<Readonly<Record<string, boolean>>>(
  Object.fromEntries(PASS_NAMES.map((name) => [name, flag])),
  { noun: "an object of passes, { winograd: false }", closed: () => "no target has a pass" },
);

/** Options that several functions have, each by its rule. */
export const SHARED_OPTIONS = {
  phase: word(["TRAIN", "TEST"]),
  target: targetRule,
  dtype: word(["float32", "float64"]),
  fma: word(["auto", "never"]),
  debug: word(["finite"]),
  threads: threadsRule,
  seed: integer(0),
  level: integer(-(2 ** 31), 2 ** 31 - 1),
  shapes: byName("an object of shapes by blob name", listOf("an array of positive integers", integer(1))),
  layers: layerTypes,
  keep,
  keepDiffs,
  passes,
  forceBackward: flag,
  weights: weightSource,
  root: path,
  stages: names,
} as const;

const { phase, target, dtype, fma, debug, threads, seed, level, shapes, layers, weights, root, stages } =
  SHARED_OPTIONS;
const { forceBackward } = SHARED_OPTIONS;

export const COMPILE = argumentsOf("compile", {
  net: netSource,
  options: optional(
    optionsOf<TakenOptions<CompileOptions>>("compile", {
      ...{
        phase,
        target,
        dtype,
        fma,
        debug,
        threads,
        seed,
        level,
        shapes,
        layers,
        keep,
        weights,
        root,
        stages,
      },
      ...{ keepDiffs, forceBackward, passes },
      share: compiledNet,
      log: callback(),
    }),
  ),
});

const parseOptions = (name: string): Rule<ParseOptions | undefined> =>
  optional(optionsOf<ParseOptions>(name, { name: text(), layers }));

export const PARSE_NET = argumentsOf("parseNet", { text: fileText, options: parseOptions("parseNet") });
export const PARSE_SOLVER = argumentsOf("parseSolver", {
  text: fileText,
  options: parseOptions("parseSolver"),
});

export const LOAD_WEIGHTS = argumentsOf("loadWeights", { net: compiledNet, source: weightSource });
export const COLLECT_WEIGHTS = argumentsOf("collectWeights", { net: compiledNet });

/** Values by blob. */
export const blobValues = byName("an object of arrays by blob name", numbers);

const range = optional(
  fields<LayerRange>(
    { from: text("a layer's name"), to: text("a layer's name") },
    { noun: "a range of layers, { from, to }", closed: () => "a range of layers has no field" },
  ),
);
/** What a training step takes beside values: the rule's scalars, by name. */
export const stepArguments = (scalars: readonly string[]) =>
  argumentsOf("step", {
    scalars: fields<Readonly<Record<string, number>>>(
      Object.fromEntries(scalars.map((name) => [name, real()])),
      {
        noun: "an object of scalars, { rate }",
        needed: scalars,
        place: (name) => `scalar ${name}`,
        closed: () => "a step has no scalar",
      },
    ),
    log: optional(callback<(line: string) => void>()),
  });

/** What `forward` and `backward` take beside values, which are the running net's to look at. */
export const FORWARD = argumentsOf("forward", { range });
export const BACKWARD = argumentsOf("backward", { range });
