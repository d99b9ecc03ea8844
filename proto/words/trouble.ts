import { visibleLines } from "./names.js";

const TROUBLES: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  ENOTDIR: "what should be a folder on its path is a file",
  EISDIR: "it is a folder",
  EACCES: "no permission",
  EPERM: "no permission",
  EROFS: "it lies on a read-only disk",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENAMETOOLONG: "its name is too long",
  ELOOP: "its links go round in a circle",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
  ERR_FS_FILE_TOO_LARGE: "it is larger than 2 GiB",
  ERR_INVALID_ARG_VALUE: "no file can have this name",
};

/** The system's code for an error of its own, "ENOENT"; undefined for others. */
export const codeOf = (error: unknown): string | undefined => {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === "string" ? code : undefined;
};

/** What an error says, whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Why the system could not read or write, in words for a person: of an error of its own, or of one that it caused. */
export function troubleOf(error: unknown): string {
  const code = codeOf(error);
  if (code !== undefined && Object.hasOwn(TROUBLES, code)) return TROUBLES[code];
  const { cause } = (error ?? {}) as { readonly cause?: unknown };
  return visibleLines(messageOf(cause instanceof Error && cause.message !== "" ? cause : error));
}
