/** Where the addon is put. */
export const ADDON: string;
/** The C++ compiler as a command and its flags; undefined where there is none. */
export function findCompiler(): readonly [command: string, ...flags: string[]] | undefined;
/** Builds the addon unless it is newer than all that goes into it; `line` says what was done, or what is missing. */
export function buildAddon(options?: {
  readonly output?: string;
  readonly flags?: readonly string[];
}): Promise<{ readonly built: boolean; readonly line: string }>;
