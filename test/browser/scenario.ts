/** What a page does with the package, and what comes of it: the same in Node, but for where it runs. */
import {
  type CortadoError,
  checkGradients,
  compile,
  createSolver,
  encodeWeights,
  formatGradientReport,
} from "cortado";

/** LeNet, trained for some steps. */
export interface Training {
  readonly solver: string;
  readonly nets: Readonly<Record<string, string>>;
  readonly fma: "auto" | "never";
}

/** The bits of an array as one number. */
const digest = (values: Float32Array): number =>
  new Int32Array(values.buffer, values.byteOffset, values.length).reduce(
    (hash, word) => (Math.imul(hash, 31) + word) | 0,
    0,
  );

const STEPS = 3;

/** The bits of LeNet's parameters after some steps, and of its losses. */
export async function train({ solver: text, nets, fma }: Training): Promise<Record<string, number>> {
  const losses: number[] = [];
  const options = {
    nets,
    fma,
    target: "wasm",
    onProgress: ({ loss }: { loss: number }) => losses.push(loss),
  } as const;
  const solver = await createSolver(text, options);
  await solver.step(STEPS);
  const bits: Record<string, number> = { losses: digest(Float32Array.from(losses)) };
  for (const [layer, params] of Object.entries(solver.net.params))
    for (const [i, param] of params.entries()) bits[`${layer}[${i}]`] = digest(await param.read());
  await solver.close();
  return bits;
}

/** The iteration that a solver goes on from, and whether it has the parameters of the one whose snapshot it was given. */
export async function resume({ solver: text, nets }: Training): Promise<readonly [number, boolean]> {
  const first = await createSolver(text, { nets });
  await first.step(1);
  const { content } = await first.snapshot();
  const second = await createSolver(text, { nets, resume: content });
  const [left, right] = await Promise.all(
    [first, second].map(async ({ net }) => digest(await net.params["ip2"][0].read())),
  );
  const { iteration } = second;
  await Promise.all([first.close(), second.close()]);
  return [iteration, left === right];
}

const NET = `layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 5 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }`;

/** A forward, its weights as bytes and back, on a target. */
export async function forward(target: "ts" | "wasm"): Promise<boolean> {
  const data = Float32Array.from({ length: 10 }, (_, i) => i - 5);
  const net = await compile(NET, { target });
  const { ip } = await net.forward({ data });
  const blobs = await Promise.all(
    net.params["ip"].map(async (param) => ({ shape: param.shape, data: await param.read() })),
  );
  const bytes = await encodeWeights({ layers: [{ name: "ip", type: "InnerProduct", blobs }] }, "safetensors");
  const other = await compile(NET, { target, seed: 9, weights: bytes });
  const { ip: same } = await other.forward({ data });
  await net.close();
  await other.close();
  return ip.every((value, i) => Object.is(value, same[i]));
}

/** What comes of work, or what its mistake says. */
export const said = <T>(work: Promise<T>): Promise<T | string> =>
  work.catch((error: CortadoError) => `${error.name}: ${error.message}`);

const DATA = `layer { name: "mnist" type: "Data" top: "data" data_param { source: "mnist_lmdb" batch_size: 2 } }`;

/** What is refused where there are no files. */
export const mistakes = async (solver: string): Promise<readonly unknown[]> => [
  await said(compile("deploy.prototxt")),
  await said(compile(DATA)),
  await said(compile(NET, { weights: "net.caffemodel" })),
  await said(createSolver(solver)),
];

/** A layer type's gradient, checked with nets that are drawn. */
export async function gradients(): Promise<string> {
  const net = `${NET} layer { name: "act" type: "TanH" bottom: "ip" top: "act" }`;
  return formatGradientReport(await checkGradients(net, { runs: 1 }));
}

/** Where a net would run, and why. */
export async function target(options: Parameters<typeof compile>[1]): Promise<string> {
  const net = await compile(NET, options);
  await net.close();
  return String(net.target);
}
