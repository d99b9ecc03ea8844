import type { WasmModule } from "./encode-module.js";
import { IMPORTS, MEMORY, MOST_PAGES_OF, SCRATCH_START } from "./module-interface.js";
import type { Instruction, WasmFunction } from "./wasm-code.js";

/** A module in the text format: what `encodeModule` writes as bytes. Instructions stand around their operands. */
export function printModule({ functions, shared, address = "i32" }: WasmModule): string {
  const width = address === "i64" ? "i64 " : "";
  const memory = `(memory ${width}0 ${MOST_PAGES_OF[address]}${shared ? " shared" : ""})`;
  return `(module
  (import "${IMPORTS}" "${MEMORY}" ${memory})
  (import "${IMPORTS}" "${SCRATCH_START}" (global $scratch ${address}))
${functions.map((one) => printFunction(one, "  ")).join("\n")}
)
`;
}

/** One function, each of its instructions in lines that begin with `indent`. */
export function printFunction({ name, takes, gives, locals, body, note }: WasmFunction, indent = ""): string {
  const inside = `${indent}  `;
  const parameters = takes.map((type, i) => ` (param $${i} ${type})`).join("");
  const variables = locals.map((type, i) => `(local $${takes.length + i} ${type})`);
  return [
    ...(note === undefined ? [] : [`${indent};; ${note.replaceAll(/[\r\n]+/g, " ")}`]),
    `${indent}(func $${name} (export "${name}")${parameters}${gives ? ` (result ${gives})` : ""}`,
    ...(variables.length > 0 ? [`${inside}${variables.join(" ")}`] : []),
    ...body.map((code) => print(code, inside)),
    `${indent})`,
  ].join("\n");
}

const float = (value: number): string => {
  if (Number.isNaN(value)) return "nan";
  if (Math.abs(value) === Infinity) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0" : String(value);
};

function head(code: Instruction): string {
  switch (code.kind) {
    case "plain":
      return code.op;
    case "memory": {
      const offset = code.offset === 0 ? "" : ` offset=${code.offset}`;
      return `${code.op}${offset} align=4${code.lane === undefined ? "" : ` ${code.lane}`}`;
    }
    case "lane":
      return `${code.op} ${code.lane}`;
    case "shuffle":
      return `i8x16.shuffle ${code.lanes.flatMap((l) => [0, 1, 2, 3].map((b) => 4 * l + b)).join(" ")}`;
    case "const":
      return `${code.type}.const ${code.type === "f32" ? float(code.value) : code.value}`;
    case "vector":
      return `v128.const i32x4 ${code.bits.map((bits) => `0x${(bits >>> 0).toString(16)}`).join(" ")}`;
    case "get":
    case "set":
      return `local.${code.kind} $${code.local}`;
    case "scratch":
      return "global.get $scratch";
    case "call":
      return `call $${code.name}`;
    case "select":
      return code.type === "v128" ? "select (result v128)" : "select";
    default:
      return code.kind;
  }
}

function print(code: Instruction, indent: string): string {
  const inside = `${indent}  `;
  const all = (list: readonly Instruction[], from: string): string =>
    list.map((one) => `${print(one, from)}\n`).join("");
  switch (code.kind) {
    case "if": {
      const gives = code.gives ? ` (result ${code.gives})` : "";
      const part = (word: string, list: readonly Instruction[]): string =>
        `${inside}(${word}\n${all(list, `${inside}  `)}${inside})`;
      const otherwise = code.otherwise.length > 0 ? `\n${part("else", code.otherwise)}` : "";
      return `${indent}(if${gives} ${inline(code.of[0])}\n${part("then", code.whenTrue)}${otherwise}\n${indent})`;
    }
    case "loop":
      return `${indent}(loop $again\n${all(code.body, inside)}${inside}(br_if $again ${inline(code.again)})\n${indent})`;
    case "endless":
      return `${indent}(block $end (loop $again
${all(code.before, inside)}${inside}(br_if $end ${inline(code.end)})
${all(code.body, inside)}${inside}(br $again)
${indent}))`;
    default:
      return `${indent}${inline(code)}`;
  }
}

/** An instruction in one line, but for blocks that give a value. */
function inline(code: Instruction): string {
  if (code.kind === "if" || code.kind === "loop" || code.kind === "endless")
    return print(code, "").replaceAll(/\s*\n\s*/g, " ");
  const operands = "of" in code ? code.of.map((operand) => ` ${inline(operand)}`).join("") : "";
  return `(${head(code)}${operands})`;
}
