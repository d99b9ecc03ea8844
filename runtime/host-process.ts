/** The process that nets run in. */

export const environmentVariable = (name: string): string | undefined => process.env[name];

/** Where relative paths start. */
export const workingFolder = (): string => process.cwd();

/** A line of a log that nobody takes. */
export const logLine = (line: string): void => void process.stderr.write(`${line}\n`);

/** A warning that a program may see, shown where it does not. */
export const warn = (message: string, detail: string): void =>
  process.emitWarning(message, { type: "CortadoWarning", detail });
