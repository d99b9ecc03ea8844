/** The process's own outputs and signals: what fails in writing, and who hears of it. */

import { fstatSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { troubleOf } from "../../proto/words/trouble.js";
import { EXIT, exitOfSignal } from "./faults.js";
import type { Output, Signal } from "./io.js";

type Listener = (signal: Signal) => void;

export interface Signals {
  readonly listen: (listener: Listener) => () => void;
  /** Tells the listener; false where there is none. */
  tell(signal: Signal): boolean;
}

/** Signals of the system, in place of what the system does at them: from now on where `held`, else while somebody listens. */
export function holdSignals(held: boolean): Signals {
  const handled: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  let listener: Listener | undefined;
  const early: Signal[] = [];
  const receive = (signal: NodeJS.Signals): void => {
    if (listener) listener(signal as Signal);
    else early.push(signal as Signal);
  };
  const start = (): void => {
    for (const signal of handled) process.on(signal, receive);
  };
  const end = (): void => {
    for (const signal of handled) process.off(signal, receive);
  };
  if (held) start();
  return {
    listen(given) {
      end();
      start();
      listener = given;
      for (const signal of early.splice(0)) given(signal);
      return () => {
        listener = undefined;
        end();
      };
    },
    tell(signal) {
      listener?.(signal);
      return listener !== undefined;
    },
  };
}

export interface Outputs {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Ends the process when all is written, with this code or that of what could not be. */
  end(code: number): Promise<never>;
}

/**
 * stdout and stderr. Where stdout cannot be written, or nobody reads one of the two, the command is told, or the process
 * ended; a terminal that is gone takes nothing with it: training goes on without, as in Caffe.
 */
export function openOutputs(signals: Signals): Outputs {
  let failed: { readonly name: string; readonly error: NodeJS.ErrnoException } | undefined;

  const exit = (code: number): never => {
    // What stderr has not taken does not change what came out.
    if (!failed || (failed.name === "stderr" && code !== EXIT.done)) return process.exit(code);
    if (failed.error.code === "EPIPE") return process.exit(exitOfSignal("SIGPIPE"));
    try {
      writeSync(2, `error: cannot write to ${failed.name}: ${troubleOf(failed.error)}\n`);
    } catch {
      // Then there is nowhere to say it.
    }
    return process.exit(EXIT.system);
  };

  function open(name: "stdout" | "stderr", fd: 1 | 2): Output {
    const stream = process[name];
    let gone = false;
    const fail = (error: NodeJS.ErrnoException): void => {
      if (gone) return;
      gone = true;
      if (stream.isTTY && error.code !== "EPIPE") return;
      failed ??= { name, error };
      const ends = name === "stdout" || error.code === "EPIPE";
      if (ends && !signals.tell("SIGPIPE")) exit(EXIT.done);
    };
    stream.on("error", fail);
    // Node's own stream for files loses the rest of what was written in part: on a disk that becomes full.
    const writeFile = (text: string): void => {
      const bytes = Buffer.from(text);
      try {
        for (let at = 0; at < bytes.length && !gone; ) at += writeSync(fd, bytes, at);
      } catch (error) {
        fail(error as NodeJS.ErrnoException);
      }
    };
    return {
      isTTY: stream.isTTY,
      isFile: fstatSync(fd).isFile(),
      get columns() {
        return stream.columns;
      },
      write: stream instanceof Socket ? (text) => void (gone || stream.write(text)) : writeFile,
      onResize(listener) {
        stream.on("resize", listener);
        return () => void stream.off("resize", listener);
      },
    };
  }

  const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
    new Promise((resolve) => {
      if (stream instanceof Socket && stream.writable) stream.write("", () => resolve());
      else resolve();
    });
  return {
    stdout: open("stdout", 1),
    stderr: open("stderr", 2),
    async end(code) {
      // Nothing is left to do; whatever still held the process open would keep the shell waiting. The output is out first.
      await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
      return exit(code);
    },
  };
}
