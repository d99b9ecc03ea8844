/** Plants one fault: the text of one module is changed as it is loaded, so that no file is ever touched. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import type { Fault } from "./fault.js";

const ROOT = new URL("../..", import.meta.url);

type Planted = Pick<Fault, "file" | "find" | "replace">;

/** The fault's place in its file. @throws Error where the text is not there just once: the list is older than the code */
export function placeOf({ file, find }: Planted, text = readFileSync(new URL(file, ROOT), "utf8")): number {
  const at = text.indexOf(find);
  if (at === -1) throw new Error(`${file} no longer holds ${JSON.stringify(find)}`);
  if (text.includes(find, at + 1)) throw new Error(`${file} holds ${JSON.stringify(find)} more than once`);
  return at;
}

const given = process.env["CORTADO_FAULT"];
/** The fault of this run, as JSON in `CORTADO_FAULT`. */
export const PLANTED: Planted | undefined = given === undefined ? undefined : JSON.parse(given);

/** A plugin that plants it. Line numbers may move; nothing looks at them. */
export function faultPlugin(fault: Planted): Plugin {
  const path = fileURLToPath(new URL(fault.file, ROOT));
  return {
    name: "plant a fault",
    enforce: "pre",
    transform(code, id) {
      if (id.split("?")[0] !== path) return undefined;
      const at = placeOf(fault, code);
      return `${code.slice(0, at)}${fault.replace}${code.slice(at + fault.find.length)}`;
    },
  };
}
