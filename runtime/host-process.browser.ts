/** The page that nets run in. */

export const environmentVariable = (_name: string): string | undefined => undefined;

/** There are no folders. */
export const workingFolder = (): string => "";

/** A line of a log that nobody takes. */
export const logLine = (line: string): void => console.info(line);

export const warn = (message: string, detail: string): void => console.warn(`${message}\n${detail}`);
