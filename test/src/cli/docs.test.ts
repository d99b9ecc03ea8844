import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { cortado, folderWith } from "./support.js";

const root = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
const text = readFileSync(new URL("../../../docs/CLI.md", import.meta.url), "utf8");

/** What docs/CLI.md says that a command prints. Where it leaves lines out there is a line with an ellipsis. */
const blocks = Array.from(
  text.matchAll(/```console\n\$ cortado (.*)\n([\s\S]*?)```/g),
  ([, command, output]) => ({
    command,
    output,
  }),
);
const bad = /```prototxt\n([\s\S]*?)```/.exec(text)?.[1] ?? "";

/** The planner's figures get better. */
const settled = (output: string): string => output.replace(/^memory, .*$/gm, "memory").trimEnd();

test("the page shows every command", () => {
  expect(new Set(blocks.map(({ command }) => command.split(" ")[0]))).toEqual(
    new Set([
      "--help",
      "train",
      "test",
      "time",
      "summary",
      "explain",
      "check",
      "gradcheck",
      "diff",
      "export",
      "build",
      "classify",
      "convert",
      "mean",
      "device_query",
    ]),
  );
});

test.each(
  blocks.filter(({ command }) => /^(--help|summary|check)/.test(command) && !/mnist|--plan/.test(command)),
)("cortado $command prints what the page says", async ({ command, output }) => {
  const made = await folderWith({ "bad.prototxt": bad });
  try {
    const cwd = command.includes("bad.prototxt") ? made.folder : root;
    const { stdout, stderr } = await cortado(command.split(" "), { cwd });
    expect(settled(stdout + stderr).replaceAll(`${cwd}/`, "")).toBe(settled(output));
  } finally {
    await made.remove();
  }
});

test.each(blocks.filter(({ command }) => command.startsWith("explain")))(
  "cortado $command prints every line of the page",
  async ({ command, output }) => {
    const { stdout } = await cortado(command.split(" "), { cwd: root });
    const printed = new Set(stdout.split("\n"));
    expect(output.split("\n").filter((line) => line !== "…" && !printed.has(line))).toEqual([]);
  },
);

test("what convert makes and mean reads is what the page says", async () => {
  const { folder, remove } = await folderWith({});
  const own = blocks.filter(({ command }) => /^(convert|mean)/.test(command));
  expect(own.map(({ command }) => command.split(" ")[0])).toEqual(["convert", "mean"]);
  for (const { command, output } of own)
    expect((await cortado(command.split(" "), { cwd: folder })).stdout).toBe(output);
  await remove();
});
