/** One net at one number of threads: its competitors side by side, in interleaved rounds. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeOnnx, writeWeights } from "../../src/index.js";
import { median } from "../measure.js";
import type { BenchmarkNet } from "../nets/benchmark-nets.js";
import type { Competitor } from "./find-peers.js";
import { describeNet, inputsFor, type NetDescription, weightsFor } from "./net-description.js";
import { type PeerProcess, startPeer } from "./peer-process.js";
import type { Pass, Task } from "./task.js";

/** The files of a net that every competitor reads. */
export type NetFiles = Omit<Task, "threads" | "mode">;

/** Writes a net, its weights and its inputs for the competitors to read. */
export async function prepareNet(net: BenchmarkNet, folder: string): Promise<NetFiles> {
  await mkdir(folder, { recursive: true });
  const text = net.text();
  const [forward, step] = [await describeNet(text, "TEST"), await describeNet(text, "TRAIN")];
  const prototxt = join(folder, "net.prototxt");
  await writeFile(prototxt, text);
  const weights = join(folder, "weights.safetensors");
  await writeWeights(weights, weightsFor(step));
  const inputs: Record<string, string> = {};
  for (const [name, values] of Object.entries(inputsFor(step, net.classes))) {
    inputs[name] = join(folder, `${name}.f32`);
    await writeFile(inputs[name], values);
  }
  const exported = join(folder, "net.onnx");
  await writeOnnx(exported, prototxt, { weights });
  return { nets: { forward, step }, prototxt, weights, exported, inputs };
}

/** What a competitor took for one pass. */
export interface Result {
  readonly competitor: Competitor;
  readonly pass: Pass;
  /** Of each round the median, in milliseconds; empty where it failed. */
  readonly rounds: readonly number[];
  /**
   * How far its values are from Cortado's, as the norm of the difference over the norm: of the output in TEST, of the loss
   * and the first gradient in TRAIN. Undefined for Cortado itself, and where the net draws random numbers.
   */
  readonly difference?: number;
  readonly error?: string;
}

export interface CompetitionOptions {
  readonly threads: number;
  readonly passes: readonly Pass[];
  readonly rounds: number;
  readonly folder: string;
  readonly say: (line: string) => void;
}

/** In a round short passes are repeated for so long. */
const ROUND_MILLISECONDS = 150;
/** Threads that still spin after one competitor's round must not run in the next one's. */
const PAUSE_MILLISECONDS = 100;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MILLISECONDS));

interface Entrant {
  readonly competitor: Competitor;
  readonly peer: PeerProcess;
}

/** Runs the competitors; one that fails is a result with its error. The first is whom the others' values are compared with. */
export async function compete(
  competitors: readonly Competitor[],
  files: NetFiles,
  options: CompetitionOptions,
): Promise<readonly Result[]> {
  const { passes, say } = options;
  const entrants: Entrant[] = [];
  const results: Result[] = [];
  try {
    for (const competitor of competitors) {
      say(`  ${competitor.title} …`);
      try {
        entrants.push({ competitor, peer: await startCompetitor(competitor, files, options) });
      } catch (reason) {
        for (const pass of passes.filter((one) => competitor.passes.includes(one)))
          results.push({ competitor, pass, rounds: [], error: messageOf(reason) });
      }
    }
    for (const pass of passes) results.push(...(await onePass(entrants, pass, files.nets[pass], options)));
  } finally {
    for (const { peer } of entrants) await peer.close();
  }
  return results;
}

/** Starts a competitor on a net. @throws with what it complained of where it ends before it is ready */
export async function startCompetitor(
  competitor: Competitor,
  files: NetFiles,
  { threads, folder }: Pick<CompetitionOptions, "threads" | "folder">,
): Promise<PeerProcess> {
  const task: Task = { ...files, threads, mode: competitor.mode };
  const path = join(folder, `${competitor.title.replaceAll(/\W+/g, "-")}-${threads}.json`);
  await writeFile(path, JSON.stringify(task));
  const count = String(threads);
  const env = { OMP_NUM_THREADS: count, OPENBLAS_NUM_THREADS: count, MKL_NUM_THREADS: count };
  return startPeer([...competitor.command, path], env);
}

async function onePass(
  entrants: readonly Entrant[],
  pass: Pass,
  net: NetDescription,
  { rounds, say }: CompetitionOptions,
): Promise<readonly Result[]> {
  const results: (Entrant & { readonly rounds: number[]; difference?: number; error?: string })[] = entrants
    .filter(({ competitor }) => competitor.passes.includes(pass))
    .map((entrant) => ({ ...entrant, rounds: [] }));
  const attempt = async (result: (typeof results)[number], work: () => Promise<void>): Promise<void> => {
    if (result.error !== undefined) return;
    try {
      await work();
    } catch (reason) {
      result.error = messageOf(reason);
      result.rounds.length = 0;
    }
  };
  let expected: readonly number[] | undefined;
  for (const result of results) {
    const { competitor, peer } = result;
    await attempt(result, async () => {
      const start = performance.now();
      // The first values are of the weights as given: later passes in TRAIN move BatchNorm's statistics.
      const values = net.random && pass === "step" ? undefined : await peer.values(pass);
      await peer.time({ do: "warm", pass });
      say(`  ${competitor.title} ${pass}: warm after ${((performance.now() - start) / 1000).toFixed(0)} s`);
      if (expected && values) result.difference = relativeDifference(values, expected);
      else expected = values;
    });
  }
  for (let round = 0; round < rounds; round++) {
    // There and back, so that nobody is always behind the same other.
    for (const result of round % 2 === 0 ? results : results.toReversed())
      await attempt(result, async () => {
        await pause();
        result.rounds.push(
          median(await result.peer.time({ do: "round", pass, milliseconds: ROUND_MILLISECONDS })),
        );
      });
    say(`  ${pass}: round ${round + 1} of ${rounds}`);
  }
  return results.map(({ peer: _, ...result }) => ({ ...result, pass }));
}

const messageOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason));

/** ‖a − b‖ / ‖b‖; infinite where they are not as many. */
export function relativeDifference(values: readonly number[], expected: readonly number[]): number {
  if (values.length !== expected.length) return Number.POSITIVE_INFINITY;
  const norm = (of: (i: number) => number): number =>
    Math.sqrt(expected.reduce((sum, _, i) => sum + of(i) ** 2, 0));
  return norm((i) => values[i] - expected[i]) / norm((i) => expected[i]);
}
