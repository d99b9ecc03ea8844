/** A text a user wrote, with the name to show for it (a path, or `<net>` for a string passed in). */
export interface SourceText {
  readonly name: string;
  readonly text: string;
}

/** A stretch of a source text: UTF-16 offsets, `end` exclusive. */
export interface Span {
  readonly source: SourceText;
  readonly start: number;
  readonly end: number;
}

/** One mistake, or one warning, in something the user gave. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** What is wrong, one sentence, no final full stop. */
  readonly message: string;
  /** Where; absent for things without a text (a binary weight file, a flag). */
  readonly span?: Span;
  /** What would help: "did you mean …", what was expected. */
  readonly hint?: string;
  /** The system refused to read or write: nothing is wrong with what was given. */
  readonly refused?: true;
  /** Other places that explain it: where the unclosed brace opened, which layer made the blob. */
  readonly related?: readonly { readonly message: string; readonly span?: Span }[];
}

/**
 * Collects diagnostics, so that a pass can go on after a mistake and report all of them at once.
 * `error` and `warn` are shorthands for `report`.
 */
export interface Diagnostics {
  report(diagnostic: Diagnostic): void;
  error(message: string, span?: Span, extra?: Pick<Diagnostic, "hint" | "related">): void;
  warn(message: string, span?: Span, extra?: Pick<Diagnostic, "hint" | "related">): void;
  readonly all: readonly Diagnostic[];
  readonly hasErrors: boolean;
}

/** A fresh, empty collection of diagnostics. */
export function createDiagnostics(): Diagnostics {
  const all: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => {
    all.push(diagnostic);
  };
  return {
    report,
    error: (message, span, extra) => report({ severity: "error", message, span, ...extra }),
    warn: (message, span, extra) => report({ severity: "warning", message, span, ...extra }),
    all,
    get hasErrors() {
      return all.some((d) => d.severity === "error");
    },
  };
}

/** The 1-based line and column of an offset. Columns count UTF-16 units; a tab is one column. */
export function lineAndColumn(source: SourceText, offset: number): { line: number; column: number } {
  let line = 1;
  let lineStart = 0;
  for (let at = source.text.indexOf("\n"); at !== -1 && at < offset; at = source.text.indexOf("\n", at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return { line, column: offset - lineStart + 1 };
}
