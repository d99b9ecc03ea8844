const LINES_OF_LOG = 20;

/** The log of a compiler as people read it: where it begins, and how much more there is. */
export function firstLines(log: string): string {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const rest = lines.length - LINES_OF_LOG;
  return [...lines.slice(0, LINES_OF_LOG), ...(rest > 0 ? [`… and ${rest} more lines`] : [])].join("\n");
}
