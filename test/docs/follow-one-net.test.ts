/**
 * docs/FOLLOW-ONE-NET.md is what the compiler prints on the way from text to loop. This test writes the page anew
 * and compares: `npx vitest run test/docs -u` accepts a change.
 */

import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { printGraph } from "../../codegen/ir/print-graph.js";
import type { Statement } from "../../codegen/kernel/kernel.js";
import { formatPlan, planGraph } from "../../codegen/plan/index.js";
import { tsTarget } from "../../codegen/targets/index.js";
import { transpile } from "../../codegen/targets/ts/ts-module.js";
import { createDiagnostics, formatPlace } from "../../proto/errors/index.js";
import { lowerNet } from "../../src/layers/index.js";
import { objectiveGraph } from "../../src/net/objective.js";
import { parseNet, selectLayers, spanOf, wireNet } from "../../src/net-text/index.js";
import { lowerFor, optimise, tsSource } from "../support/pipeline.js";

const NET = `force_backward: true
layer {
  name: "data" type: "Input" top: "data"
  input_param { shape { dim: 64 dim: 1 dim: 28 dim: 28 } }
}
layer {
  name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 20 kernel_size: 5 weight_filler { type: "xavier" } }
}
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
`;

const fenced = (text: string, language = "text"): string => `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

/** A kernel's loops, and what stands in them by kind: an outline in the kernel language. */
function outline(statements: readonly Statement[], depth = 0): string[] {
  const pad = "  ".repeat(depth);
  const blocks = statements.map((statement): string => {
    switch (statement.kind) {
      case "for":
        return [`for, step ${statement.step}`, ...outline(statement.body, depth + 1)].join("\n");
      case "if":
        return ["if", ...outline(statement.whenTrue, depth + 1)].join("\n");
      default:
        return statement.kind;
    }
  });
  return repeated(
    repeated(
      blocks.map((text) => ({ text, count: 1 })),
      1,
    ),
    2,
  ).map(({ text, count }) => `${pad}${text}${count > 1 ? ` × ${count}` : ""}`);
}

interface Run {
  readonly text: string;
  readonly count: number;
}

/** Puts equal neighbours (groups of `size`) together. */
function repeated(runs: readonly Run[], size: number): readonly Run[] {
  const show = ({ text, count }: Run): string => (count > 1 ? `${text} × ${count}` : text);
  const out: Run[] = [];
  for (let i = 0; i < runs.length; ) {
    const group = runs
      .slice(i, i + size)
      .map(show)
      .join(", ");
    let count = 1;
    while (
      runs
        .slice(i + count * size, i + (count + 1) * size)
        .map(show)
        .join(", ") === group
    )
      count++;
    if (count > 1 && group !== "") out.push({ text: size > 1 ? `(${group})` : group, count });
    else out.push(runs[i]);
    i += count > 1 ? count * size : 1;
  }
  return out;
}

function page(): string {
  const definition = selectLayers(parseNet(NET, { name: "lenet_start.prototxt" }), { phase: "TRAIN" });
  const [, conv1, relu1] = definition.net.layer;
  const place = (message: object, field: string): string => {
    const span = spanOf(message, field);
    return span ? formatPlace(span) : "nowhere";
  };
  const diagnostics = createDiagnostics();
  const wiring = wireNet(definition, diagnostics);
  const lowered = lowerNet(definition, wiring, { phase: "TRAIN", feedShapes: new Map(), diagnostics });
  if (!lowered) throw new Error("the page's own net has a mistake");
  const graph = objectiveGraph(lowered, { backward: true, seeds: ["conv1"], keep: [] });
  const steps: string[] = [];
  let before = "";
  const optimised = optimise(graph, lowered.builder, {
    verify: true,
    trace({ name }, { graph }) {
      const text = printGraph(graph);
      steps.push(text === before ? `after “${name}”: nothing to do here` : `after “${name}”\n${text}`);
      before = text;
    },
  });
  const plan = planGraph(optimised, { realBytes: 4 });
  const { tile } = tsTarget.describe();
  const program = lowerFor(tsTarget, plan, { seed: 1701 });
  const source = tsSource(program);
  const from = source.lastIndexOf("\n\n", source.indexOf("function k0(")) + 2;
  const first = source.slice(from, source.indexOf("\n}\n", from) + 2);
  const { convolution_param: settings } = conv1;
  const version = (blobs: readonly { blob: string; version: number }[]): string =>
    blobs.map(({ blob, version: v }) => `${blob}.${v}`).join(", ");

  return `# Follow one net through

The first layers of LeNet, with the ReLU that Caffe's users put on conv1 in place, from text to loop. Every listing
on this page is what the compiler really prints; a test writes the page anew and fails when it is no longer true.

## 1. The text

${fenced(NET)}

## 2. NetDef: typed, every field with its place

\`proto/text/\` gives plain frozen messages, with Caffe's defaults, and remembers where each field stands.

${fenced(
  [
    `conv1.type                             ${conv1.type}   ${place(conv1, "type")}`,
    `conv1.convolution_param.num_output     ${settings?.num_output}            ${place(settings ?? {}, "num_output")}`,
    `conv1.convolution_param.kernel_size    [${settings?.kernel_size}]           ${place(settings ?? {}, "kernel_size")}`,
    `conv1.convolution_param.bias_term      ${settings?.bias_term}          (a default)`,
    `relu1.type                             ${relu1.type}          ${place(relu1, "type")}`,
  ].join("\n"),
)}

## 3. Wiring: names become versions

relu1 reads and writes \`conv1\`. That is a name, not memory: each write is a new version.

${fenced(wiring.layers.map(({ layer, bottoms, tops }) => `${layer.name.padEnd(6)} (${version(bottoms)}) → (${version(tops)})`).join("\n"))}

## 4. Graph: SSA tensors, forward and backward in one

Each layer's record in \`src/layers/catalogue/\` says what it means in primitives; \`codegen/autodiff/\` adds the backward
pass, here from a diff that the caller puts on \`conv1\`. The derivative of ReLU reads the output (\`> 0\`), so
nothing has to remember what stood there before. \`blob\` nodes mark which value a blob's name meant.

${fenced(printGraph(graph))}

## 5. Passes

${steps.map((text) => fenced(text)).join("\n\n")}

## 6. Plan: two schedules and one arena

The bias and the ReLU run inside the convolution's loops; in backward the ReLU's mask is applied before the
gradients of weights and image are taken.

${fenced(formatPlan(plan))}

## 7. Kernels

Step 0 in the kernel language (\`codegen/kernel/kernel.ts\`), its structure only.

${fenced(`parallel, ${program.kernels[0].parallel.extent} iterations\n${outline(program.kernels[0].body, 1).join("\n")}`)}

## 8. TypeScript

The same kernel as the \`ts\` renderer writes it: shapes are constants, ${tile.rows} × ${tile.columns} sums stay in registers.

${fenced(first, "ts")}

The program has ${program.kernels.length} kernels, ${source.split("\n").length} lines; \`transpile\` takes the types off (${transpile(source).split("\n").length} lines stay) and
\`node:vm\` makes functions of them. \`net.source\` shows the whole text of any compiled net, \`net.plan\` its plan.
`;
}

it("docs/FOLLOW-ONE-NET.md is what the compiler prints", async () => {
  await expect(page()).toMatchFileSnapshot(
    fileURLToPath(new URL("../../docs/FOLLOW-ONE-NET.md", import.meta.url)),
  );
});
