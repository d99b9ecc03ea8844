/** What people give for the text of a net or a solver by mistake, told by its content. */

import { CortadoError, type Diagnostic } from "../../proto/errors/index.js";
import { messageInfo } from "../../proto/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { bytesOfText } from "../../proto/words/text-bytes.js";
import { type FileKind, isBinary, kindOfFile } from "../../runtime/file-kind.js";

export type TextKind = "net" | "solver";

const THE: Readonly<Record<TextKind, string>> = { net: "a net", solver: "a solver" };

/** What stands at the beginning of a text that is looked at as a whole. */
const SHORT = 2000;

/** What a file is that no net or solver can be read from; undefined for text. */
export function foreignFile(bytes: Uint8Array): FileKind | undefined {
  if (bytes.length === 0) return undefined;
  const kind = kindOfFile(bytes) ?? (isBinary(bytes) ? UNKNOWN : undefined);
  return kind?.is === "text" ? undefined : kind;
}

/** Bytes that are no text, and nothing that is known here. */
export const UNKNOWN: FileKind = { is: "other", words: "a binary file of an unknown kind" };

/** What a text is that is no prototxt; undefined where it may be one. */
function foreignText(text: string): FileKind | undefined {
  const head = bytesOfText(text.slice(0, SHORT));
  return isBinary(head) ? undefined : foreignFile(head);
}

/**
 * A net or a solver, by the fields outside of all brackets that only one of the two has: `first` by the first of them, `only`
 * where there is none of the other. Undefined for a text without any.
 */
export function kindOfText(text: string): { readonly first: TextKind; readonly only: boolean } | undefined {
  const [net, solver] = [messageInfo("NetParameter").byName, messageInfo("SolverParameter").byName];
  // Every word and every quote is gone through once: what does not end takes the rest of its line.
  const token = /#[^\n]*|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|[{}]|\b([A-Za-z_]\w*)\b(?=\s*[:{<])/g;
  let first: TextKind | undefined;
  let shared = false;
  let depth = 0;
  for (const [found, name] of text.matchAll(token)) {
    if (found === "{") depth++;
    else if (found === "}") depth = Math.max(0, depth - 1);
    if (name === undefined || (depth > 0 && first !== undefined)) continue;
    shared ||= net.has(name) && solver.has(name);
    if (net.has(name) === solver.has(name)) continue;
    const kind = net.has(name) ? "net" : "solver";
    if (first !== undefined && kind !== first) return { first, only: false };
    first = kind;
  }
  return first ? { first, only: true } : shared ? { first: "net", only: false } : undefined;
}

const PROSE: FileKind = { is: "text", words: "text without any field" };

/** Whether a text has words, and none of them begins a field. */
const isProse = (text: string): boolean =>
  text.length < SHORT && /[A-Za-z]{2}/.test(text) && !/\w\s*[:={<]|^\s*#/m.test(text);

/** Why a text cannot be of the wanted kind at all: one sentence. Undefined where it is to be read. */
export function wrongText(text: string, title: string, wanted: TextKind): Diagnostic | undefined {
  const foreign = foreignText(text) ?? (isProse(text) ? PROSE : undefined);
  if (foreign) return sentence(title, foreign, wanted);
  const kind = kindOfText(text);
  if (!kind?.only || kind.first === wanted) return undefined;
  return {
    ...sentence(title, { is: "text", words: `the text of ${THE[kind.first]}` }, wanted),
    hint:
      wanted === "net"
        ? `a solver names its net: give that, ${named(text)}or give this one to train`
        : `a solver names a net and says how it is trained: base_lr, lr_policy, max_iter … and net: ${title.startsWith("<") ? '"…"' : quotedPath(title)}`,
  };
}

/** The net that a solver's text names. */
function named(text: string): string {
  const found = /^[ \t]*(?:net|train_net)[ \t]*:[ \t]*("[^"\n]*")/m.exec(text)?.[1];
  return found === undefined ? "" : `${quotedPath(found.slice(1, -1))}, `;
}

/** A file that holds something else than text. @throws CortadoError with one sentence */
export function refuseForeign(bytes: Uint8Array, path: string, wanted: TextKind): void {
  const kind = foreignFile(bytes);
  if (kind) throw new CortadoError([sentence(path, kind, wanted)]);
}

const WITH_A_NET =
  "weights go with a net: give its prototxt, and this file as --weights or as weights of compile";
const HINTS: Readonly<Partial<Record<FileKind["is"], string>>> = {
  weights: WITH_A_NET,
  hdf5: WITH_A_NET,
  state: "training goes on from it with the solver's prototxt: --snapshot, or resume of createSolver",
};

const sentence = (
  title: string,
  { is, words, hint = HINTS[is] }: FileKind,
  wanted: TextKind,
): Diagnostic => ({
  severity: "error",
  message: `${title.startsWith("<") ? "the text" : quotedPath(title)} is ${words}, not ${THE[wanted]} (a prototxt)`,
  ...(hint !== undefined && { hint }),
});
