// biome-ignore-all lint/suspicious/noControlCharactersInRegex: they tell a binary file from a text
/** What people give for the text of a net or a solver by mistake, told by its content. */

import { type CortadoError, type Diagnostic, userError } from "../../proto/errors/index.js";
import { messageInfo } from "../../proto/index.js";
import { quotedPath } from "../../proto/words/names.js";
import { kindOfFile } from "../../runtime/file-kind.js";

export type TextKind = "net" | "solver";

const THE: Readonly<Record<TextKind, string>> = { net: "a net", solver: "a solver" };

/** Files of other programs, by how they begin, as bytes of latin1. */
const BINARY: readonly (readonly [beginning: RegExp, words: string])[] = [
  [/^\x80[\x01-\x05]/, "a file of Python's (pickle)"],
  [
    /^\x08[\x01-\x20]\x12[\s\S](?:pytorch|\w*onnx|keras|tf2|skl|CNTK|paddle|mxnet|caffe2)/i,
    "a model of ONNX",
  ],
  [/^[\s\S]{257}ustar/, "a tar archive"],
  [/^\xfd7zXZ\0/, "compressed with xz"],
  [/^BZh[1-9]/, "compressed with bzip2"],
  [/^\x28\xb5\x2f\xfd/, "compressed with zstd"],
  [/^7z\xbc\xaf\x27\x1c/, "a 7-Zip archive"],
  [/^Rar!/, "a RAR archive"],
  [/^%PDF-/, "a PDF document"],
  [/^\xd0\xcf\x11\xe0/, "a document of Word, or another of Microsoft's"],
  [/^GIF8/, "an image (GIF)"],
  [/^BM[\s\S]{4}\0\0\0\0/, "an image (BMP)"],
  [/^(?:II\*\0|MM\0\*)/, "an image (TIFF)"],
  [/^RIFF[\s\S]{4}WEBP/, "an image (WebP)"],
  [/^\x7fELF|^MZ/, "a program"],
  [/^SQLite format 3/, "a database of SQLite"],
];

/** Texts that are neither, by what stands behind comments and white space. */
const TEXTS: readonly (readonly [beginning: RegExp, words: string])[] = [
  [/^<(?:!doctype|html|\?xml|!--|[a-z][\w:-]*[\s>/])/i, "a web page (a failed download?)"],
  [/^version https:\/\/git-lfs/, "a pointer to a file that git-lfs has not fetched"],
  [/^\d{3}:? [A-Z]/, "an error message of a web server (a failed download?)"],
  [/^\{\\rtf/, "a document in RTF"],
  [/^(?:\{\s*["}]|\[\s*["{[\d-])/, "JSON"],
  [/^(?:import [\w.]+|from [\w.]+ import|def \w+\s*\(|class \w+\s*[(:]|@\w+)/, "a program in Python"],
  [/^(?:diff --git|--- a\/|Index: )/, "a patch"],
  [/^[IWEF]\d{4,8} \d\d:\d\d:\d\d/, "a log of Caffe's"],
  [/^---\s*\n/, "YAML"],
];

/** The end of what is looked at. */
const HEAD = 2000;

/** What a text is that is no prototxt, in words that follow "it is"; undefined where it may be one. */
function foreignText(text: string): string | undefined {
  const head = text.slice(0, HEAD).replace(/^(?:[\s\ufeff]+|#[^\n]*(?:\n|$))*/, "");
  return TEXTS.find(([beginning]) => beginning.test(head))?.[1];
}

/** Bytes that are no text, and nothing that is known here. */
const UNKNOWN = "a binary file of an unknown kind";

/** What a file is that no net or solver can be read from; undefined for text. */
export function foreignFile(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return undefined;
  const head = Buffer.from(bytes.subarray(0, HEAD)).toString("latin1");
  const known = BINARY.find(([beginning]) => beginning.test(head))?.[1];
  if (known) return known;
  // UTF-16 without a mark: every other byte of ASCII is 0.
  if (/^(?:[\t\n\r -~]\0){4}|^(?:\0[\t\n\r -~]){4}/.test(head)) return "text in UTF-16";
  const kind = kindOfFile(bytes);
  if (kind?.words.includes("UTF-16")) return kind.words;
  const isBinary = /[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(head);
  if (kind !== undefined && kind.is !== "text" && (isBinary || kind.is === "other")) return kind.words;
  return foreignText(head) ?? (isBinary ? UNKNOWN : undefined);
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

/** Whether a text has words, and none of them begins a field. */
const isProse = (text: string): boolean =>
  text.length < HEAD && /[A-Za-z]{2}/.test(text) && !/\w\s*[:={<]|^\s*#/m.test(text);

/** Why a text cannot be of the wanted kind at all: one sentence. Undefined where it is to be read. */
export function wrongText(text: string, title: string, wanted: TextKind): Diagnostic | undefined {
  const words = foreignText(text) ?? (isProse(text) ? "text without any field" : undefined);
  if (words) return sentence(title, words, wanted);
  const kind = kindOfText(text);
  if (!kind?.only || kind.first === wanted) return undefined;
  return {
    ...sentence(title, `the text of ${THE[kind.first]}`, wanted),
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
  const words = foreignFile(bytes);
  if (words !== undefined) throw asError(sentence(path, words, wanted));
}

const asError = ({ message, hint }: Diagnostic): CortadoError => userError(message, hint);

const sentence = (title: string, words: string, wanted: TextKind): Diagnostic => ({
  severity: "error",
  message: `${title.startsWith("<") ? "the text" : quotedPath(title)} is ${words}, not ${THE[wanted]} (a prototxt)`,
  ...(/UTF-16|RTF|Word/.test(words) && { hint: "save it as plain text in UTF-8" }),
  ...(/weight file|HDF5/.test(words) && {
    hint: "weights go with a net: give its prototxt, and this file as --weights or as weights of compile",
  }),
  ...(words === "a solver state" && {
    hint: "training goes on from it with the solver's prototxt: --snapshot, or resume of createSolver",
  }),
});
