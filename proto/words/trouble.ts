import { visibleLines } from "./names.js";

/** Something is wrong with the path. */
const WRONG_PATHS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  ENOTDIR: "what should be a folder on its path is a file",
  EISDIR: "it is a folder",
  EEXIST: "something else has this name",
  ENAMETOOLONG: "its name is too long",
  ELOOP: "its links go round in a circle",
  ERR_FS_FILE_TOO_LARGE: "it is larger than 2 GiB",
  ERR_INVALID_ARG_VALUE: "no file can have this name",
};

/** The path may be right: the system refuses all the same. */
const REFUSALS: Readonly<Record<string, string>> = {
  EACCES: "no permission",
  EPERM: "no permission",
  EROFS: "it lies on a read-only disk",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EFBIG: "it would be larger than the system allows",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  EIO: "the device does not work",
  ENODEV: "the device does not work",
  ENXIO: "the device does not work",
  EBUSY: "it is in use",
  ETXTBSY: "it is in use",
  EPIPE: "nobody reads it",
  ENOMEM: "there is not enough memory",
  ESTALE: "the server that has it has lost it",
};

/** The system's code for an error of its own, "ENOENT"; undefined for others. */
export const codeOf = (error: unknown): string | undefined => {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === "string" ? code : undefined;
};

/** What an error says, whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** How C libraries name what the system refused: those that write files by themselves pass on no code. */
const C_WORDS: readonly (readonly [words: string, code: string])[] = [
  ["No space left on device", "ENOSPC"],
  ["Disk quota exceeded", "EDQUOT"],
  ["File too large", "EFBIG"],
  ["Permission denied", "EACCES"],
  ["Read-only file system", "EROFS"],
  ["Too many open files", "EMFILE"],
  ["Input/output error", "EIO"],
];

const codeInWords = (error: object): string | undefined =>
  error instanceof Error ? C_WORDS.find(([words]) => error.message.includes(words))?.[1] : undefined;

/** An error and its causes. */
function* chainOf(error: unknown): Generator<object> {
  let each = error;
  for (let depth = 0; typeof each === "object" && each !== null && depth < 8; depth++) {
    yield each;
    each = (each as { readonly cause?: unknown }).cause;
  }
}

const reasonIn = (table: Readonly<Record<string, string>>, error: unknown): string | undefined => {
  for (const each of chainOf(error)) {
    for (const code of [codeOf(each), codeInWords(each)])
      if (code !== undefined && Object.hasOwn(table, code)) return table[code];
  }
  return undefined;
};

/** Whether the system refused to read or write, as against a path that is wrong. */
export const isRefusal = (error: unknown): boolean => reasonIn(REFUSALS, error) !== undefined;

/** Why the system could not read or write, in words for a person: of an error of its own, or of one that it caused. */
export function troubleOf(error: unknown): string {
  const reason = reasonIn({ ...WRONG_PATHS, ...REFUSALS }, error);
  if (reason !== undefined) return reason;
  const { cause } = (error ?? {}) as { readonly cause?: unknown };
  return visibleLines(messageOf(cause instanceof Error && cause.message !== "" ? cause : error));
}
