import type { Argument, Kernel, Launch, Program, Statement } from "./kernel.js";

/** A kernel for people: what it works on, its loops, and what stands in them by kind. No expressions: source has them. */
export function printKernel(kernel: Kernel): string {
  const { note, buffers, scratch, parallel, team, prologue, body } = kernel;
  const lines = [
    `${note}: ${[
      ...buffers.map(({ access, dtype, elements }) => `${access} ${elements} ${dtype}`),
      ...scratch.map(({ type, elements, team: shared }) => `${shared ? "team" : "own"} ${elements} ${type}`),
    ].join(", ")}`,
    ...(prologue.length > 0 ? ["prologue", ...outline(prologue, 1)] : []),
    `parallel, ${parallel.extent} iterations${team ? `, ${team.threads} threads each` : ""}`,
    ...outline(body, 1),
  ];
  return lines.join("\n");
}

/** A program's kernels and the launches of each pass. */
export function printProgram(program: Program): string {
  const passes = (["prepare", "forward", "backward"] as const).filter((pass) => program[pass].length > 0);
  return [
    ...program.kernels.map((kernel, number) => `kernel ${number}: ${printKernel(kernel)}`),
    ...passes.map((pass) => [`${pass}:`, ...program[pass].map(printLaunch)].join("\n")),
    ...program.copies.map(({ pass, from, to }) => `copy, after ${pass}: ${place(from)} to ${place(to)}`),
    `arena: ${program.arenaBytes} bytes`,
  ].join("\n\n");
}

const printLaunch = ({ kernel, args, steps }: Launch, index: number): string =>
  `  ${index}: kernel ${kernel} (${args.map(place).join(", ")}), step ${steps.join(", ")}`;

const place = (at: Argument): string =>
  at.storage === "arena"
    ? `arena ${at.byteOffset}`
    : `param ${at.param}${at.offset === 0 ? "" : ` + ${at.offset}`}`;

function outline(statements: readonly Statement[], depth: number): readonly string[] {
  const pad = "  ".repeat(depth);
  const blocks = statements.map((statement): string => {
    switch (statement.kind) {
      case "for":
        return [
          `for, step ${statement.step}${statement.turns ? `, ${statement.turns} turns at a time` : ""}`,
          ...outline(statement.body, depth + 1),
        ].join("\n");
      case "if":
        return ["if", ...outline(statement.whenTrue, depth + 1)].join("\n");
      default:
        return statement.kind;
    }
  });
  const single = repeated(
    blocks.map((text) => ({ text, count: 1 })),
    1,
  );
  return repeated(single, 2).map((run) => `${pad}${show(run)}`);
}

interface Run {
  readonly text: string;
  readonly count: number;
}

const show = ({ text, count }: Run): string => (count > 1 ? `${text} × ${count}` : text);

/** Puts equal neighbours (groups of `size`) together. */
function repeated(runs: readonly Run[], size: number): readonly Run[] {
  const group = (from: number): string =>
    runs
      .slice(from, from + size)
      .map(show)
      .join(", ");
  const out: Run[] = [];
  for (let i = 0; i < runs.length; ) {
    const first = group(i);
    let count = 1;
    while (group(i + count * size) === first) count++;
    if (count > 1) out.push({ text: size > 1 ? `(${first})` : first, count });
    else out.push(runs[i]);
    i += count > 1 ? count * size : 1;
  }
  return out;
}
