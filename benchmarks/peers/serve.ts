/** The side of a peer written in TypeScript: reads its task, then answers one request after another. */
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { median } from "../measure.js";
import type { Answer, Pass, Request, Task } from "./task.js";

export interface Served {
  readonly passes: readonly Pass[];
  run(pass: Pass): Promise<void> | void;
  values(pass: Pass): Promise<readonly number[]>;
}

/** Passes longer than this are not run untimed before they are timed. */
const LONG_MILLISECONDS = 500;
const WARM = { passes: 2, milliseconds: 1000 };

/** The values of an input of the task. */
export async function readInput(path: string): Promise<Float32Array> {
  const bytes = await readFile(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

export async function serve(make: (task: Task) => Promise<Served>): Promise<void> {
  const answer = (line: Answer): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
  const served = await make(JSON.parse(await readFile(process.argv[2], "utf8")) as Task);
  const took: Partial<Record<Pass, number>> = {};
  const timed = async (pass: Pass): Promise<number> => {
    const start = performance.now();
    await served.run(pass);
    return performance.now() - start;
  };
  const repeat = async (pass: Pass, passes: number, milliseconds: number): Promise<readonly number[]> => {
    const samples: number[] = [];
    for (const start = performance.now(); ; ) {
      samples.push(await timed(pass));
      if (samples.length >= passes && performance.now() - start >= milliseconds) break;
    }
    took[pass] = median(samples);
    return samples;
  };
  const carryOut = async (request: Request): Promise<Answer> => {
    const { pass } = request;
    switch (request.do) {
      case "warm":
        return { samples: await repeat(pass, WARM.passes, WARM.milliseconds) };
      case "round":
        if ((took[pass] ?? 0) < LONG_MILLISECONDS) await served.run(pass);
        return { samples: await repeat(pass, 1, request.milliseconds) };
      case "values":
        return { values: await served.values(pass) };
    }
  };
  answer({ ready: true, passes: served.passes });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    answer(await carryOut(request).catch((reason: unknown) => ({ error: String(reason) })));
  }
}
