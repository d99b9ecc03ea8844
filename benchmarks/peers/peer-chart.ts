import { showMilliseconds } from "../markdown-table.js";
import type { Chart, Panel } from "./bar-chart.js";
import { type PeerReport, resultOf, TITLES, timeOf } from "./peer-report.js";
import { PASSES } from "./task.js";

const COLORS: Readonly<Record<string, string>> = {
  Cortado: "#8c4a1f",
  Caffe: "#7a8fa6",
  PyTorch: "#c9836b",
  onnxruntime: "#8aa57f",
  tfjs: "#c9b36b",
};
const OTHERS = "#999999";

/** A row of panels for each net and pass, a column for each number of threads; with one number, a row for each net. */
export function peerChart({ bouts, competitors, machine }: PeerReport): Chart {
  const passes = PASSES.filter((pass) => bouts.some(({ results }) => results.some((r) => r.pass === pass)));
  const nets = [...new Set(bouts.map(({ net }) => net))];
  const threads = [...new Set(bouts.map((bout) => bout.threads))];
  const panels = nets.flatMap((net) =>
    passes.flatMap((pass) =>
      bouts
        .filter((bout) => bout.net === net)
        .map((bout): Panel => {
          const [what] = TITLES[pass].split(" (");
          const title = `${net}, batch ${bout.batch}: ${what}, ${bout.threads} thread${bout.threads > 1 ? "s" : ""}`;
          const bars = competitors.flatMap((competitor) => {
            const result = resultOf(bout, competitor, pass);
            if (!result) return [];
            const value = timeOf(result);
            const text = value === undefined ? "failed" : `${showMilliseconds(value)} ms`;
            return [{ label: competitor.title, value, text, color: COLORS[competitor.framework] ?? OTHERS }];
          });
          return { title, bars };
        }),
    ),
  );
  return {
    title: "Cortado and its peers: milliseconds, shorter is better",
    subtitle: machine,
    columns: threads.length > 1 ? threads.length : passes.length,
    panels,
  };
}
