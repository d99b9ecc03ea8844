/** The tool's side of a peer: a process that waits for a request on standard input and answers it with a line. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Answer, Pass, Request } from "./task.js";

export interface PeerProcess {
  readonly pid: number;
  readonly passes: readonly Pass[];
  /** Milliseconds of each timed pass. @throws where the peer reports a mistake or ends */
  time(request: Extract<Request, { readonly do: "warm" | "round" }>): Promise<readonly number[]>;
  values(pass: Pass): Promise<readonly number[]>;
  /** Ends the process and waits for its end. */
  close(): Promise<void>;
}

/** Of what a process wrote to standard error, as much as is kept to say why it failed. */
const TAIL = 4000;

/** Of what a process wrote before it ended, the line that says why: frameworks add stacks and versions. */
export function complaint(text: string): string {
  const lines = text.trim().split("\n");
  return (lines.findLast((line) => /^\s*\w*(Error|Exception)\b.*:/.test(line)) ?? lines.at(-1) ?? "").trim();
}

/** Starts a peer and waits until it is ready. @throws with what it complained of where it ends before */
export async function startPeer(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<PeerProcess> {
  const [file, ...args] = command;
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
  let tail = "";
  child.stderr.on("data", (text: Buffer) => {
    tail = (tail + text.toString()).slice(-TAIL);
  });
  // Writing to a process that has ended fails; its end is told by the lines that do not come.
  child.stdin.on("error", () => undefined);
  const ended = new Promise<string>((resolve) => {
    child.once("error", ({ message }) => resolve(message));
    child.once("close", (code, signal) => {
      resolve(complaint(tail) || (signal ? `ended by ${signal}` : `ended with code ${code}`));
    });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async (): Promise<Answer> => {
    const line = await lines.next();
    if (line.done) throw new Error(await ended);
    const answer = JSON.parse(line.value) as Answer;
    if ("error" in answer) throw new Error(answer.error);
    return answer;
  };
  const ask = (request: Request): Promise<Answer> => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    return read();
  };
  const first = await read();
  if (!("ready" in first)) throw new Error("the process did not say that it is ready");
  return {
    pid: child.pid ?? 0,
    passes: first.passes,
    async time(request) {
      const answer = await ask(request);
      return "samples" in answer ? answer.samples : [];
    },
    async values(pass) {
      const answer = await ask({ do: "values", pass });
      return "values" in answer ? answer.values : [];
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
