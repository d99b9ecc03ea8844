import { fileURLToPath } from "node:url";

/** The path that a file: URL says. */
export const pathOfUrl = (url: string): string => fileURLToPath(url);
