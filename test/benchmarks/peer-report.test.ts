import { describe, expect, it } from "vitest";
import { showMilliseconds } from "../../benchmarks/markdown-table.js";
import { type Result, relativeDifference } from "../../benchmarks/peers/competition.js";
import type { Competitor } from "../../benchmarks/peers/find-peers.js";
import { peerChart } from "../../benchmarks/peers/peer-chart.js";
import {
  detailsTable,
  formatPeerReport,
  noiseOf,
  type PeerReport,
  ratesTable,
  ratiosTable,
  timesTable,
} from "../../benchmarks/peers/peer-report.js";

const competitor = (framework: string, mode: string, passes: Competitor["passes"]): Competitor => ({
  title: `${framework} ${mode}`.trim(),
  framework,
  mode,
  version: "1.0",
  command: [],
  passes,
});
const both = ["forward", "step"] as const;
const own = competitor("Cortado", "ts", both);
const eager = competitor("PyTorch", "eager", both);
const compiled = competitor("PyTorch", "compile", both);
const runtime = competitor("onnxruntime", "", ["forward"]);

const result = (one: Competitor, pass: "forward" | "step", rounds: number[], error?: string): Result => ({
  competitor: one,
  pass,
  rounds,
  ...(error !== undefined && { error }),
  ...(one !== own && rounds.length > 0 && { difference: 3e-7 }),
});

const report: PeerReport = {
  machine: "a date; a processor",
  command: "npm run bench -- peers",
  rounds: 3,
  speeds: [{ threads: 1, flops: 100e9, read: 10e9, copy: 20e9, by: "multiply-adds from registers" }],
  competitors: [own, eager, compiled, runtime],
  missing: ["Caffe is not here: build it"],
  bouts: [
    {
      net: "LeNet",
      batch: 64,
      threads: 1,
      flops: { forward: 1e9, step: 3e9 },
      results: [
        result(own, "forward", [19, 20, 40]),
        result(eager, "forward", [60, 50, 40]),
        result(compiled, "forward", [30, 30, 30]),
        result(runtime, "forward", [10, 10, 10]),
        result(own, "step", [100, 100, 100]),
        result(eager, "step", [50, 50, 50]),
        result(compiled, "step", [], "no | compiler"),
      ],
    },
  ],
};

describe("a page of peers", () => {
  it("has medians, the fastest bold", () => {
    expect(timesTable(report, "forward").split("\n")).toEqual([
      "| net, batch | threads | GFLOP | Cortado ts | PyTorch eager | PyTorch compile | onnxruntime |",
      "| --- | --- | --- | --- | --- | --- | --- |",
      "| LeNet, 64 | 1 | 1.00 | 20.0 | 50.0 | 30.0 | **10.0** |",
    ]);
  });

  it("leaves out who has no such pass, and marks who failed", () => {
    const [head, , row] = timesTable(report, "step").split("\n");
    expect(head).not.toContain("onnxruntime");
    expect(row).toBe("| LeNet, 64 | 1 | 3.00 | 100 | **50.0** | – |");
  });

  it("says how many times as fast as each peer Cortado is, and as a framework's best mode", () => {
    expect(ratiosTable(report, own, "forward").split("\n")).toEqual([
      "| net, batch | threads | PyTorch eager | PyTorch compile | **PyTorch, its best** | onnxruntime |",
      "| --- | --- | --- | --- | --- | --- |",
      "| LeNet, 64 | 1 | 2.50× | 1.50× | 1.50× | 0.50× |",
    ]);
    expect(ratiosTable(report, own, "step").split("\n").at(-1)).toBe("| LeNet, 64 | 1 | 0.50× | – | 0.50× |");
  });

  it("has rates with their share of the peak of as many threads", () => {
    expect(ratesTable(report, "forward").split("\n").at(-1)).toBe(
      "| LeNet, 64 | 1 | 50.0 (50%) | 20.0 (20%) | 33.3 (33%) | 100 (100%) |",
    );
    expect(ratesTable({ ...report, speeds: undefined }, "forward")).toContain("| 50.0 |");
  });

  it("lists every measurement, with the reason of a failure", () => {
    const lines = detailsTable(report).split("\n");
    expect(lines).toContain("| LeNet, 64 | 1 | forward | PyTorch eager | 50.0 | 40.0 | 60.0 | 3.0e-7 |");
    expect(lines).toContain("| LeNet, 64 | 1 | step | PyTorch compile | failed: no \\| compiler |  |  |  |");
  });

  it("names the machine, the command, the missing and the picture", () => {
    const page = formatPeerReport(report, "x.svg");
    for (const part of [
      "a processor",
      "npm run bench -- peers",
      "- Caffe is not here",
      "![times](x.svg)",
      "PyTorch 1.0",
    ])
      expect(page).toContain(part);
    expect(page).toContain("1 thread: 100 GFLOP/s (multiply-adds from registers), memory read at 10.0 GB/s");
  });

  it("says where the machine was not quiet", () => {
    expect(noiseOf(report)).toContain("Of 6 measurements 2 have rounds");
    const quiet = report.bouts.map((bout) => ({ ...bout, results: [result(own, "step", [100, 110, 120])] }));
    expect(noiseOf({ bouts: quiet })).toBeUndefined();
  });

  it("is a chart with a panel for each net, pass and number of threads", () => {
    const { panels, columns } = peerChart(report);
    expect(columns).toBe(2);
    expect(panels.map(({ title }) => title)).toEqual([
      "LeNet, batch 64: Forward, 1 thread",
      "LeNet, batch 64: Training step, 1 thread",
    ]);
    expect(panels[1].bars.map(({ label, text }) => `${label}: ${text}`)).toEqual([
      "Cortado ts: 100 ms",
      "PyTorch eager: 50.0 ms",
      "PyTorch compile: failed",
    ]);
  });
});

it("milliseconds have three digits, or all before the point", () => {
  expect([0.4, 5.3, 9.996, 16.14, 99.96, 1653].map(showMilliseconds)).toEqual([
    "0.40",
    "5.30",
    "10.0",
    "16.1",
    "100",
    "1,653",
  ]);
});

it("a difference is relative to the norm of what is expected, and infinite where the lengths differ", () => {
  expect(relativeDifference([3, 4.5], [3, 4])).toBeCloseTo(0.1);
  expect(relativeDifference([1], [1, 2])).toBe(Number.POSITIVE_INFINITY);
});
