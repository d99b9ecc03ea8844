/**
 * Every layer case of the oracle on native, its kernels compiled with AddressSanitizer and UndefinedBehaviorSanitizer and given
 * operands that end where their memory ends. `npm run test:deep` runs it; by itself
 * `npx vitest run --config vitest.sanitizers.config.ts`.
 */
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { findCompiler } from "../../native/build.mjs";
import { addonForTests } from "../support/native.js";
import { scratchFolder } from "../support/scratch.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const scratch = scratchFolder();

/** Each has a run of its own: together only one of them writes where it is told to. */
const SANITIZERS = { address: "libasan.so", undefined: "libubsan.so" } as const;

/** What stands for the compiler: it adds a sanitizer. */
function sanitizingCompiler(command: readonly string[], sanitizer: string): string {
  const flags = [
    ...["-O1", "-g1", "-fno-omit-frame-pointer"],
    ...[`-fsanitize=${sanitizer}`, `-fsanitize-recover=${sanitizer}`],
  ];
  const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
  const run = command.map(quote).join(" ");
  const path = scratch.file(
    `${sanitizer}-compiler`,
    `#!/bin/sh\n[ "$1" = --version ] && exec ${run} --version\nexec ${run} "$@" ${flags.join(" ")}\n`,
  );
  chmodSync(path, 0o755);
  return path;
}

it.each(["address", "undefined"] as const)(
  "the layer cases run on native under the sanitizer %s",
  async (sanitizer) => {
    expect(await addonForTests()).toBeDefined();
    const [command = "", ...words] = findCompiler() ?? [];
    const flag = `-print-file-name=${SANITIZERS[sanitizer]}`;
    const library = execFileSync(command, [...words, flag], { encoding: "utf8" }).trim();
    const logs = join(scratch.path, `${sanitizer}-logs`);
    mkdirSync(logs);
    const log = join(logs, "report");
    const args = ["node_modules/vitest/vitest.mjs", "run", "--config", "vitest.sanitizers.config.ts"];
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: {
        ...process.env,
        CI: "true",
        NO_COLOR: "1",
        FORCE_COLOR: undefined,
        CORTADO_CXX: sanitizingCompiler([command, ...words], sanitizer),
        CORTADO_CACHE: join(scratch.path, `${sanitizer}-cache`),
        CORTADO_SANITIZER: sanitizer,
        CORTADO_SANITIZER_LOG: log,
        LD_PRELOAD: library,
        // What Node does with its own memory, and leaves at its end, is Node's.
        ASAN_OPTIONS: `detect_leaks=0:alloc_dealloc_mismatch=0:halt_on_error=0:log_path=${log}`,
        UBSAN_OPTIONS: `log_path=${log}`,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code, output.slice(-30_000)).toBe(0);
  },
  7_200_000,
);
