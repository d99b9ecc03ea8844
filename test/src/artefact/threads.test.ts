/** Built nets on threads, in Node and in pages: as many as are asked for, and the same bits on any. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { availableCores } from "../../../runtime/cores.js";
import { compile } from "../../../src/net/compile.js";
import { chromium, ISOLATED } from "../../support/browser-page.js";
import { bits, build, inBrowser, inNode, removeFolders, standIn } from "./support.js";

afterAll(removeFolders);

/** Long enough for threads. */
const ROWS = 1024;
const COLUMNS = 128;
const NET = `
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: ${ROWS} dim: ${COLUMNS} } } }
layer { name: "wide" type: "InnerProduct" bottom: "data" top: "wide"
  inner_product_param { num_output: 512 weight_filler { type: "xavier" } } }
layer { name: "ip" type: "InnerProduct" bottom: "wide" top: "ip"
  inner_product_param { num_output: 1 weight_filler { type: "xavier" } } }`;
const SEED = 3;

/** For each of some options of \`load\`: what the net gives, and the workers that it started. @param started an expression */
const running = (options: readonly string[], started: string): string => `
  const results = [];
  for (const options of [${options.join(", ")}]) {
    const before = ${started};
    const net = await load(options);
    const { ip } = await net.forward({ data: standIn(${ROWS * COLUMNS}) });
    results.push({ bits: bits(ip), started: ${started} - before });
    await net.close();
  }`;

/** Node numbers its workers. */
const COUNTED_IN_NODE = `
  const { Worker } = await import("node:worker_threads");
  const count = () => {
    const last = new Worker("", { eval: true, execArgv: [] });
    return last.threadId - ++mine;
  };
  let mine = 0;`;
const COUNTED_IN_PAGE = `
  let count = 0;
  globalThis.Worker = class extends Worker {
    constructor(url) {
      super(url);
      count++;
    }
  };`;

interface Run {
  readonly bits: readonly number[];
  readonly started: number;
}

describe.each(["wasm", "ts"] as const)("a net built for %s", (target) => {
  let built = "";
  let compiled: readonly number[] = [];
  beforeAll(async () => {
    built = await build(NET, { target, seed: SEED, ...(target === "wasm" && { cpu: ["simd128"] }) });
    const net = await compile(NET, { target, seed: SEED, ...(target === "wasm" && { fma: "never" }) });
    compiled = bits((await net.forward({ data: standIn(ROWS * COLUMNS) })).ip);
    await net.close();
  });

  it("runs in Node on as many threads as it is told, else on one for each core, and gives what the compiled net gives", async () => {
    const options = ["{ threads: 1 }", "{ threads: 2 }", "{}"];
    const body = `${COUNTED_IN_NODE} ${running(options, "count()")} return results;`;
    const runs = (await inNode(built, body)) as Run[];
    for (const run of runs) expect(run.bits).toEqual(compiled);
    const cores = availableCores();
    expect(runs.map(({ started }) => started)).toEqual([0, 2, cores > 1 ? cores : 0]);
  });

  it.skipIf(chromium === undefined)(
    "runs on threads in a page that is isolated, and without where its policy allows no workers",
    async () => {
      const body = `${COUNTED_IN_PAGE} ${running(["{ threads: 1 }", "{ threads: 2 }", "{}"], "count")}
        const policy = document.createElement("meta");
        policy.httpEquiv = "Content-Security-Policy";
        policy.content = "worker-src 'none'";
        document.head.append(policy);
        const refused = await failure(load({ threads: 2 }));
        const { results: [last] } = await (async () => { ${running(["{}"], "count")} return { results }; })();
        return { results: [...results, last], refused, cores: navigator.hardwareConcurrency };`;
      const { results, refused, cores } = (await inBrowser(built, body, { headers: ISOLATED })) as {
        results: Run[];
        refused: string;
        cores: number;
      };
      for (const run of results) expect(run.bits).toEqual(compiled);
      const most = cores > 1 ? cores : 0;
      expect(results.slice(0, 3).map(({ started }) => started)).toEqual([0, 2, most]);
      expect(refused).toMatch(/^Error: threads: 2 cannot be had: .*(worker-src|Content Security Policy)/s);
    },
  );
});
