/** Messages that are declared in TypeScript, beside the schema: the settings of a layer type of one's own. */

import { userError } from "./errors/index.js";
import { didYouMean, orList } from "./errors/suggest.js";
import type { MessageTypes } from "./generated/caffe.js";
import { type FieldInfo, type FieldKind, type MessageInfo, messageInfo, tableOf, ZERO } from "./schema.js";
import { quoted } from "./words/names.js";

/** Messages of the schema that a declared field can hold: `type: "FillerParameter"`. */
type HeldMessage = Exclude<keyof MessageTypes, "NetParameter" | "SolverParameter" | `V${string}`>;

type NumberType = "float" | "double" | "int32" | "uint32" | "int64";

interface Common {
  /** The field's number in binary files. Without one the next free number is taken. */
  readonly number?: number;
}

/** A field: what it holds, and what it reads as where a file does not give it (0, false, "", an enum's first). */
export type FieldDeclaration = Common &
  (
    | { readonly type: NumberType; readonly default?: number; readonly repeated?: false }
    | { readonly type: "bool"; readonly default?: boolean; readonly repeated?: false }
    | { readonly type: "string"; readonly default?: string; readonly repeated?: false }
    | {
        readonly type: "enum";
        readonly values: readonly string[];
        readonly default?: string;
        readonly repeated?: false;
      }
    | { readonly type: NumberType | "bool" | "string"; readonly repeated: true }
    | { readonly type: "enum"; readonly values: readonly string[]; readonly repeated: true }
    | { readonly type: "message"; readonly fields: DeclaredFields; readonly repeated?: boolean }
    | { readonly type: HeldMessage; readonly repeated?: boolean }
  );

/** The fields of a declared message by name, in the order in which they are written. */
export interface DeclaredFields {
  readonly [name: string]: FieldDeclaration;
}

/** A field that holds a message, and the fields of that message. */
export interface DeclaredMessage<F extends DeclaredFields = DeclaredFields> extends Common {
  readonly name: `${string}_param`;
  readonly fields: F;
}

type OneOf<D> = D extends { readonly type: NumberType }
  ? number
  : D extends { readonly type: "bool" }
    ? boolean
    : D extends { readonly type: "string" }
      ? string
      : D extends { readonly type: "enum"; readonly values: readonly (infer V)[] }
        ? V
        : D extends { readonly type: "message"; readonly fields: infer F extends DeclaredFields }
          ? DeclaredOf<F>
          : D extends { readonly type: infer M extends keyof MessageTypes }
            ? MessageTypes[M]
            : never;

/** The message that declared fields make: a single message may not be given, all else has a default. */
export type DeclaredOf<F extends DeclaredFields> = {
  readonly [N in keyof F]: F[N] extends { readonly repeated: true }
    ? readonly OneOf<F[N]>[]
    : F[N] extends { readonly type: "message" | keyof MessageTypes }
      ? OneOf<F[N]> | undefined
      : OneOf<F[N]>;
};

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Numbers that nobody's file has: for fields that are only ever written as text. */
const FIRST_FREE = 20_000;
const LARGEST_NUMBER = 2 ** 29 - 1;

/**
 * The table of a field that holds a declared message.
 *
 * @param owner who declares it, for messages
 * @throws CortadoError where a name cannot stand in a prototxt, a number is taken twice or a default does not fit
 */
export function declareField(declared: DeclaredMessage, owner: string): FieldInfo {
  const { name, number } = declared;
  const wrong = (message: string, hint?: string): never => {
    throw userError(`${owner}: ${message}`, hint);
  };
  if (!NAME.test(name) || !name.endsWith("_param"))
    wrong(`a parameter block cannot be called ${quoted(name)}`, "write a name like my_layer_param");
  if (messageInfo("LayerParameter").byName.has(name))
    wrong(
      `${name} is a field that Caffe has`,
      `parameter: ${quoted(name)} takes it as it is; a block of your own needs another name`,
    );
  const info = declareMessage(name, declared.fields, wrong);
  const id = checkNumber(number, name, wrong) ?? FIRST_FREE;
  return fieldOf(name, id, { is: "message", message: name, info: () => info });
}

type Wrong = (message: string, hint?: string) => never;

function declareMessage(name: string, fields: DeclaredFields, wrong: Wrong): MessageInfo {
  const taken = new Set<number>();
  for (const [field, { number }] of Object.entries(fields)) {
    const checked = checkNumber(number, `${name}.${field}`, wrong);
    if (checked === undefined) continue;
    if (taken.has(checked)) wrong(`${name}: two fields have the number ${checked}`);
    taken.add(checked);
  }
  let free = 1;
  const next = (): number => {
    while (taken.has(free)) free++;
    taken.add(free);
    return free;
  };
  return tableOf(
    name,
    Object.entries(fields).map(([field, declaration]) => {
      const where = `${name}.${field}`;
      if (!NAME.test(field)) wrong(`${name}: a field cannot be called ${quoted(field)}`);
      return fieldOf(
        field,
        declaration.number ?? next(),
        kindOf(declaration, where, wrong),
        declaration.repeated === true,
        checkDefault(declaration, where, wrong),
      );
    }),
  );
}

function checkNumber(number: number | undefined, where: string, wrong: Wrong): number | undefined {
  if (number !== undefined && !(Number.isInteger(number) && number >= 1 && number <= LARGEST_NUMBER))
    wrong(`${where}: ${number} is no field number`, `it must be a whole number from 1 to ${LARGEST_NUMBER}`);
  return number;
}

function fieldOf(name: string, id: number, kind: FieldKind, repeated = false, given?: unknown): FieldInfo {
  const empty = kind.is === "message" ? undefined : kind.is === "enum" ? first(kind) : ZERO[kind.scalar];
  const defaultValue = repeated ? Object.freeze([]) : (given ?? empty);
  return { name, id, kind, repeated, required: false, packed: false, array: undefined, defaultValue };
}

const first = ({ byName }: Extract<FieldKind, { is: "enum" }>): unknown => byName.keys().next().value;

const WORDS: ReadonlySet<string> = new Set(Object.keys(ZERO).filter((word) => word !== "bytes"));

function kindOf(declaration: FieldDeclaration, where: string, wrong: Wrong): FieldKind {
  // What comes from plain JavaScript has not been checked by its types.
  const type: string = declaration.type;
  if (declaration.type === "enum") {
    const { values } = declaration;
    if (!Array.isArray(values) || values.length === 0) wrong(`${where}: an enum needs values`);
    for (const value of values)
      if (!NAME.test(value))
        wrong(`${where}: ${quoted(String(value))} cannot be the name of an enum's value`);
    const byName = new Map(values.map((value, index) => [value, index]));
    return { is: "enum", name: where, byName, byNumber: new Map(values.map((value, i) => [i, value])) };
  }
  if (declaration.type === "message") {
    const { fields } = declaration;
    const info = declareMessage(where, fields, wrong);
    return { is: "message", message: where, info: () => info };
  }
  if (WORDS.has(type)) return { is: "scalar", scalar: type as keyof typeof ZERO };
  if (!/^[A-Z]\w*Parameter$|^BlobShape$/.test(type) || !hasMessage(type))
    wrong(
      `${where}: there is no type ${quoted(String(type))}`,
      didYouMean(String(type), [...WORDS, "enum", "message"]) ??
        `it can be ${orList([...WORDS, "enum", "message"])}, or a message of Caffe's such as FillerParameter`,
    );
  return { is: "message", message: type, info: () => messageInfo(type) };
}

function hasMessage(name: string): boolean {
  try {
    messageInfo(name);
    return true;
  } catch {
    return false;
  }
}

const INTEGERS: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

/** The default as it was declared, which must be a value that a file could give. */
function checkDefault(declaration: FieldDeclaration, where: string, wrong: Wrong): unknown {
  const given: unknown = "default" in declaration ? declaration.default : undefined;
  if (given === undefined) return undefined;
  const { type } = declaration;
  const range = INTEGERS[type];
  const fits = range
    ? Number.isInteger(given) && (given as number) >= range[0] && (given as number) <= range[1]
    : type === "float" || type === "double"
      ? typeof given === "number"
      : type === "bool" || type === "string"
        ? typeof given === (type === "bool" ? "boolean" : "string")
        : type === "enum" && declaration.values.includes(given as string);
  if (declaration.repeated) wrong(`${where}: a repeated field has no default`);
  if (!fits) wrong(`${where}: the default ${quoted(String(given))} is no value of type ${type}`);
  return given;
}
