/** Layer types as arguments of public functions. */

import type { Scalar } from "../../codegen/ir/scalar.js";
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
  type Rule,
  real,
  text,
  word,
} from "../../proto/arguments/argument-rules.js";
import { didYouMean } from "../../proto/errors/suggest.js";
import { type DeclaredMessage, messageInfo } from "../../proto/index.js";
import type { Domain, Values } from "./domain.js";
import type { ElementwiseRecord } from "./elementwise.js";
import type { Arity, LayerRecord, LayerType, ParameterField } from "./record.js";

const closed = (who: string) => (): string => `${who} has no field`;

/** Checked, and the caller's own: two layer types share their settings by sharing the declaration. */
const asGiven = <T>(rule: Rule<T>): Rule<T> => ({
  ...rule,
  take(value, where, say) {
    rule.take(value, where, say);
    return value as T;
  },
});

/** A field as `declareField` reads it: what of its parts go together is said there. */
interface LooseDeclaration {
  readonly type: string;
  readonly number: number;
  readonly default: number | string | boolean;
  readonly repeated: boolean;
  readonly values: readonly string[];
  readonly fields: object;
}

const declaration: Rule<LooseDeclaration> = fields<LooseDeclaration>(
  {
    type: text(),
    number: real(),
    default: either<number | string | boolean>(real(), text(), flag),
    repeated: flag,
    values: listOf("an array of names", text()),
    fields: {
      nouns: ["an object of declared fields"],
      is: isFields,
      take: (value, where, say) =>
        byName("an object of declared fields", declaration).take(value, where, say),
    },
  },
  { noun: "a declared field, { type }", needed: ["type"], closed: closed("a declared field") },
);

const declared = asGiven(
  fields<{ readonly name: string; readonly number?: number; readonly fields: object }>(
    { name: text(), number: real(), fields: byName("an object of declared fields", declaration) },
    {
      noun: "a declared message, { name, fields }",
      needed: ["name", "fields"],
      closed: closed("a declared message"),
    },
  ),
) as unknown as Rule<DeclaredMessage>;

const arity = fields<Arity>(
  { exact: integer(0), min: integer(0), max: integer(0) },
  { noun: "a number of blobs, { exact } or { min, max }", closed: closed("a number of blobs") },
);

const parameter = kind<ParameterField>(
  "a field of a layer that holds settings, as relu_param",
  (value) => typeof value === "string" && value.endsWith("_param") && fieldNames().includes(value),
  (value) => (typeof value === "string" ? didYouMean(value, fieldNames()) : undefined),
);
const fieldNames = (): readonly string[] => messageInfo("LayerParameter").fields.map(({ name }) => name);

const values = fields<{
  kind: string;
  min?: number;
  max?: number;
  bounded?: boolean;
  away?: readonly number[];
  distance?: number;
  gap?: number;
  offset?: number;
  below?: number;
  or?: number;
}>(
  {
    kind: word(["real", "distinct", "label"]),
    min: real(),
    max: real(),
    bounded: flag,
    away: listOf("an array of numbers", real()),
    distance: real(0),
    gap: real(0),
    offset: real(),
    below: integer(1),
    or: real(),
  },
  { noun: "what values may be, { kind }", needed: ["kind"], closed: closed("what values may be") },
) as unknown as Rule<Values>;

const domain = fields<Domain>(
  {
    shapes: callback(),
    settings: callback(),
    tops: callback(),
    values: callback(),
    differentiable: listOf("an array of positions", integer(0)),
  },
  { noun: "a domain of test inputs", closed: closed("a domain") },
);

const notes = listOf("an array of sentences", text());

/** What every layer type has, by whatever function it is made. */
const common = { type: text("a name"), parameter, param: declared, summary: text(), equation: text(), notes };

const layerRecord = fields<LayerType>(
  {
    ...common,
    bottoms: arity,
    tops: arity,
    topPerBottom: flag,
    autoTop: flag,
    lossWeight: real(),
    inPlace: flag,
    forceBackward: callback(),
    lower: callback(),
    feed: callback(),
    domain,
    declared: kind("what defineLayer made of param", isFields),
  },
  {
    noun: "the record of a layer type",
    needed: ["type", "summary", "bottoms", "tops"],
    closed: closed("a layer type"),
  },
) as Rule<LayerRecord>;

export const DEFINE_LAYER_TYPE = argumentsOf("defineLayer", { record: layerRecord });

export const ELEMENTWISE = argumentsOf("elementwise", {
  record: fields<ElementwiseRecord<ParameterField>>(
    {
      ...common,
      apply: callback<(x: Scalar) => Scalar>(),
      slope: callback(),
      refuse: callback(),
      inPlace: flag,
      values: either<never>(values as Rule<never>, callback()),
      settings: callback(),
      differentiable: flag,
    },
    {
      noun: "the record of a function of one value",
      needed: ["type", "summary", "equation", "apply"],
      closed: closed("an elementwise layer type"),
    },
  ),
});

const hasDefinition = (value: unknown): value is LayerType => {
  if (!isFields(value)) return false;
  const { type, lower, feed, param, declared: table } = value;
  const isDefined = typeof type === "string" && typeof (lower ?? feed) === "function";
  return isDefined && (param === undefined || table !== undefined);
};

/** A layer type: what `defineLayer` made, here or by another copy of this package. */
export const isLayerType = (value: unknown): value is LayerType => {
  try {
    return hasDefinition(value);
  } catch {
    return false;
  }
};

/** One layer type. */
export const layerType: Rule<LayerType> = {
  nouns: ["a layer type"],
  is: hasDefinition,
  take: (value, where, say) => asGiven(layerRecord as Rule<LayerType>).take(value, where, say),
  hint: () => "defineLayer and elementwise make one",
};

/** Layer types beside Cortado's own. */
export const layerTypes: Rule<readonly LayerType[]> = {
  ...listOf("an array of layer types", layerType),
  hint: () => "write layers: [myLayer], or layers: extras",
};

export const KNOWN_LAYER_TYPES = argumentsOf("knownLayerTypes", { more: optional(layerTypes) });

export const AWAY_FROM = argumentsOf("awayFrom", { kinks: listOf("an array of numbers", real()) });
