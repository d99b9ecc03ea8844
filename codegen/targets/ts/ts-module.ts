import { InternalError } from "../../../proto/errors/index.js";
import { evaluate } from "./evaluate-text.js";

/** Runs iterations lo ≤ i < hi of one kernel over its buffers, in the order of `Kernel.buffers`, then lo and hi. */
export type KernelFunction = (
  ...buffersAndRange: (Float32Array | Float64Array | Int32Array | number)[]
) => void;

const EXPORT = "export const kernels = ";
const SIGNATURE = /^function (\w+)\((.*)\): \w+ \{$/;

/**
 * A generated module as JavaScript: a function body that returns the kernels. Types stand in the signatures of
 * functions only, each on a line of its own, so taking them off needs no parser: TypeScript's own transpiler gives the
 * same statements (a test holds it to that) but takes 0.4 s to load and 2 s for a megabyte of kernels.
 */
export function transpile(source: string): string {
  const lines = source.split("\n").map((line) => {
    const signature = SIGNATURE.exec(line);
    if (!signature) return line.startsWith(EXPORT) ? `return ${line.slice(EXPORT.length)}` : line;
    const [, name, parameters] = signature;
    const names = parameters.split(", ").map((parameter) => parameter.slice(0, parameter.indexOf(":")));
    return `function ${name}(${names.join(", ")}) {`;
  });
  return `"use strict";\n${lines.join("\n")}`;
}

/** The kernels of a transpiled module. Nothing but the text is in their scope; `filename` shows in stack traces. */
export function loadKernels(javascript: string, filename: string): readonly KernelFunction[] {
  const kernels: unknown = evaluate(javascript, filename);
  if (!Array.isArray(kernels)) throw new InternalError("a generated module gave no kernels");
  return kernels as readonly KernelFunction[];
}

/** What a strict type check says of a generated module: one text, with its line, for each fault. */
export async function checkModule(source: string): Promise<readonly string[]> {
  const { Project, ts } = await import("ts-morph");
  const project = new Project({
    compilerOptions: {
      strict: true,
      noUnusedLocals: true,
      noImplicitReturns: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      types: [],
      lib: ["lib.es2022.d.ts"],
    },
    skipAddingFilesFromTsConfig: true,
    useInMemoryFileSystem: true,
  });
  const file = project.createSourceFile("kernels.ts", source);
  return file.getPreEmitDiagnostics().map((diagnostic) => {
    const text = ts.flattenDiagnosticMessageText(diagnostic.compilerObject.messageText, "\n");
    return `line ${diagnostic.getLineNumber() ?? 0}: ${text}`;
  });
}
