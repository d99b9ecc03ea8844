/** What a run of peers found, as a page of markdown. */
import { formatSpeed, type MachineSpeed } from "../machine/machine-speed.js";
import { showMilliseconds, table } from "../markdown-table.js";
import { median } from "../measure.js";
import type { Result } from "./competition.js";
import type { Competitor } from "./find-peers.js";
import { PASSES, type Pass } from "./task.js";

/** One net at one number of threads. */
export interface Bout {
  readonly net: string;
  readonly batch: number;
  readonly threads: number;
  readonly flops: Readonly<Record<Pass, number>>;
  readonly results: readonly Result[];
}

export interface PeerReport {
  /** Date, processor, Node. */
  readonly machine: string;
  readonly command: string;
  readonly rounds: number;
  /** Undefined where it could not be measured. */
  readonly speeds: readonly MachineSpeed[] | undefined;
  readonly competitors: readonly Competitor[];
  readonly missing: readonly string[];
  readonly bouts: readonly Bout[];
}

export const TITLES: Readonly<Record<Pass, string>> = {
  forward: "Forward (inference)",
  step: "Training step (forward and backward, no update)",
};

const NOTHING = "–";

/** The median of the rounds, in milliseconds; undefined where there is none. */
export const timeOf = (result: Result | undefined): number | undefined =>
  result && result.rounds.length > 0 ? median(result.rounds) : undefined;

export const resultOf = (bout: Bout, competitor: Competitor, pass: Pass): Result | undefined =>
  bout.results.find((result) => result.competitor.title === competitor.title && result.pass === pass);

const HEAD = ["net, batch", "threads"];
const headOf = ({ net, batch, threads }: Bout): readonly string[] => [`${net}, ${batch}`, String(threads)];

/** The competitors that took part in the pass, on any net. */
const taking = ({ bouts, competitors }: PeerReport, pass: Pass): readonly Competitor[] =>
  competitors.filter((competitor) => bouts.some((bout) => resultOf(bout, competitor, pass)));

/** Medians in milliseconds; the fastest of a row is bold. */
export function timesTable(report: PeerReport, pass: Pass): string {
  const { bouts } = report;
  const shown = taking(report, pass);
  return table(
    [...HEAD, "GFLOP", ...shown.map(({ title }) => title)],
    bouts.map((bout) => {
      const times = shown.map((competitor) => timeOf(resultOf(bout, competitor, pass)));
      const least = Math.min(...times.filter((time) => time !== undefined));
      const cells = times.map((time) => {
        if (time === undefined) return NOTHING;
        return time === least ? `**${showMilliseconds(time)}**` : showMilliseconds(time);
      });
      return [...headOf(bout), (bout.flops[pass] / 1e9).toPrecision(3), ...cells];
    }),
  );
}

/** GFLOP/s of the products, and their share of the machine's peak with as many threads. */
export function ratesTable(report: PeerReport, pass: Pass): string {
  const { bouts, speeds } = report;
  const shown = taking(report, pass);
  return table(
    [...HEAD, ...shown.map(({ title }) => title)],
    bouts.map((bout) => {
      const peak = speeds?.find(({ threads }) => threads === bout.threads)?.flops;
      const cells = shown.map((competitor) => {
        const time = timeOf(resultOf(bout, competitor, pass));
        if (time === undefined) return NOTHING;
        const rate = bout.flops[pass] / (time / 1000);
        const share = peak ? ` (${((100 * rate) / peak).toFixed(0)}%)` : "";
        return `${(rate / 1e9).toPrecision(3)}${share}`;
      });
      return [...headOf(bout), ...cells];
    }),
  );
}

/**
 * How many times as fast as each peer one of Cortado's targets is: above 1 it is faster. A framework of several modes has
 * a column for its best one, in each row, behind theirs.
 */
export function ratiosTable(report: PeerReport, target: Competitor, pass: Pass): string {
  const { bouts } = report;
  const peers = taking(report, pass).filter(({ framework }) => framework !== target.framework);
  const frameworks = [...new Set(peers.map(({ framework }) => framework))];
  const columns = frameworks.flatMap((framework) => {
    const modes = peers.filter((peer) => peer.framework === framework);
    const each = modes.map((mode) => ({ title: mode.title, of: [mode] }));
    return modes.length > 1 ? [...each, { title: `**${framework}, its best**`, of: modes }] : each;
  });
  return table(
    [...HEAD, ...columns.map(({ title }) => title)],
    bouts.map((bout) => {
      const own = timeOf(resultOf(bout, target, pass));
      const cells = columns.map(({ of }) => {
        const times = of
          .map((peer) => timeOf(resultOf(bout, peer, pass)))
          .filter((time) => time !== undefined);
        if (own === undefined || times.length === 0) return NOTHING;
        return `${(Math.min(...times) / own).toFixed(2)}×`;
      });
      return [...headOf(bout), ...cells];
    }),
  );
}

/** Every median with the least and the most of its rounds, and how far the values are from Cortado's. */
export function detailsTable({ bouts, competitors }: PeerReport): string {
  const rows = bouts.flatMap((bout) =>
    PASSES.flatMap((pass) =>
      competitors.flatMap((competitor): (readonly string[])[] => {
        const result = resultOf(bout, competitor, pass);
        if (!result) return [];
        const { rounds, difference, error } = result;
        const time = timeOf(result);
        const measured =
          time === undefined
            ? [`failed: ${(error ?? "no rounds").replaceAll("|", "\\|")}`, "", ""]
            : [time, Math.min(...rounds), Math.max(...rounds)].map(showMilliseconds);
        const apart = difference === undefined ? "" : difference.toExponential(1);
        return [[...headOf(bout), pass, competitor.title, ...measured, apart]];
      }),
    ),
  );
  return table([...HEAD, "pass", "", "median ms", "least", "most", "values, relative difference"], rows);
}

/** Rounds of one measurement that differ by more than this share of their median. */
const NOISY = 0.3;

/** Says where the machine was busy with other things; undefined where it was not. */
export function noiseOf({ bouts }: Pick<PeerReport, "bouts">): string | undefined {
  const measured = bouts
    .flatMap(({ results }) => results.map(({ rounds }) => rounds))
    .filter(({ length }) => length > 0);
  const noisy = measured.filter(
    (rounds) => Math.max(...rounds) - Math.min(...rounds) > NOISY * median(rounds),
  );
  return noisy.length > 0
    ? `Of ${measured.length} measurements ${noisy.length} have rounds that differ by more than ${100 * NOISY}% of their median: the machine was not quiet. The least of the rounds stands at the end.`
    : undefined;
}

/** @param chart the picture's path, as the page names it */
export function formatPeerReport(report: PeerReport, chart: string): string {
  const { machine, command, rounds, speeds, competitors, missing, bouts } = report;
  const passes = PASSES.filter((pass) => bouts.some(({ results }) => results.some((r) => r.pass === pass)));
  const versions = new Map(competitors.map(({ framework, version }) => [framework, version]));
  const targets = competitors.filter(({ framework }) => framework === "Cortado");
  return `${[
    "# Cortado and its peers",
    `${machine}. \`${command}\``,
    `The same net, weights, inputs, batch and threads for all; every competitor a process of its own, one running at a time; ${rounds} interleaved rounds after warming up; medians in milliseconds.`,
    [...versions].map(([framework, version]) => `${framework} ${version}`.trim()).join(", ") +
      (missing.length > 0 ? `\n\n${missing.map((line) => `- ${line}`).join("\n")}` : ""),
    "## The machine",
    speeds
      ? speeds.map((speed) => `- ${formatSpeed(speed)}`).join("\n")
      : "Not measured: there is neither a C++ compiler nor numpy.",
    noiseOf(report) ?? "",
    `![times](${chart})`,
    ...passes.flatMap((pass) => [
      `## ${TITLES[pass]}`,
      timesTable(report, pass),
      ...targets.flatMap((target) => [
        `How many times as fast as each peer ${target.title} is (above 1: faster):`,
        ratiosTable(report, target, pass),
      ]),
      "GFLOP/s of the products, counted as direct ones, and their share of the peak:",
      ratesTable(report, pass),
    ]),
    "## Every measurement",
    "The difference compares a peer's values with those of the first column, as norm of the difference over norm: the output of inference; of a training step the loss and the first parameter's gradient, where the net draws no random numbers.",
    detailsTable(report),
  ]
    .filter(Boolean)
    .join("\n\n")}\n`;
}
