import { CortadoError, type Diagnostic, InternalError } from "../../proto/errors/index.js";
import { quoted, quotedPath } from "../../proto/words/names.js";
import { openSink, type Sink } from "../../runtime/data/hdf5-sink.js";
import { toFloat32 } from "../../runtime/net/float32.js";
import type { Runner } from "../../runtime/net/runner.js";
import type { LoweredNet } from "../layers/index.js";
import { sinkName } from "./objective.js";

/** What the layers of a net write at each forward. */
export interface Sinks {
  write(runner: Runner): Promise<void>;
  /** Ends the files. @throws CortadoError with every one that could not be written */
  close(): Promise<void>;
}

/** Makes ready to write, without writing; all places where that cannot be are reported at once. */
export async function openSinks(lowered: LoweredNet, root: string): Promise<Sinks> {
  const open: { readonly sink: Sink; readonly names: readonly string[] }[] = [];
  const paths = new Map<string, string>();
  await together(lowered.sinks, async ({ layer, spec, nodes }, index) => {
    const names = nodes.map((_, i) => sinkName(lowered, index, i));
    const shapes = nodes.map(({ shape }) => shape);
    const sink = await openSink(spec, shapes, root);
    const other = paths.get(sink.path);
    if (other !== undefined) {
      const message = `layers ${quoted(other)} and ${quoted(layer.name)} would both write ${quotedPath(sink.path)}`;
      throw new CortadoError([{ severity: "error", message, span: spec.span }]);
    }
    paths.set(sink.path, layer.name);
    open.push({ sink, names });
  });
  return {
    async write(runner) {
      for (const { sink, names } of open) {
        const values = await Promise.all(
          names.map(async (name) => {
            const value = await runner.read("value", name);
            if (!value) throw new InternalError(`a program that does not leave ${name}`);
            return toFloat32(value);
          }),
        );
        await sink.write(values);
      }
    },
    close: () => together(open, ({ sink }) => sink.close()),
  };
}

/** Does the same with each; what goes wrong with any is thrown when all are through. */
async function together<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const mistakes: Diagnostic[] = [];
  for (const [index, item] of items.entries()) {
    try {
      await work(item, index);
    } catch (error) {
      if (!(error instanceof CortadoError)) throw error;
      mistakes.push(...error.diagnostics);
    }
  }
  if (mistakes.length > 0) throw new CortadoError(mistakes);
}
