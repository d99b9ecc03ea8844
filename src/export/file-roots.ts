import type { Root } from "../../codegen/ir/graph.js";
import { tsTarget } from "../../codegen/targets/index.js";
import { userError } from "../../proto/errors/index.js";
import { present } from "../../proto/errors/present.js";
import type { SolverParameter } from "../../proto/index.js";
import { inputName, type LoweredNet } from "../layers/lower-net.js";
import { differentiateNet, diffName } from "../net/objective.js";
import { trainingRequests } from "../net/programs.js";
import { ruleOf, scalarInput } from "../solvers/index.js";

/** What a file computes. */
export type FileObjective =
  | { readonly kind: "forward" }
  /** Also diffs of parameters and inputs, from the loss weights and the diffs of these blobs, which are inputs. */
  | { readonly kind: "backward"; readonly seeds: readonly string[] }
  /** Forward, backward and a solver's update: parameters and what the solver keeps are inputs, their next values outputs. */
  | { readonly kind: "step"; readonly solver: SolverParameter };

/** The roots of a file's graph, and what becomes of them. */
export interface FileRoots {
  readonly roots: readonly Root[];
  /** Names of the file's outputs, by the place of their roots. */
  readonly outputs: ReadonlyMap<number, string>;
  /** Of roots that only give names. */
  readonly names: ReadonlyMap<number, string>;
  /** Names of the file's inputs in the order in which it lists them; others come behind. */
  readonly order: readonly string[];
  readonly inputName: (input: string) => string;
  readonly paramName: (index: number) => string;
  readonly givenParams: ReadonlySet<number>;
}

/** Blobs that only a layer without a top reads (Silence): in Caffe who wants them asks by name, a file has them as outputs. */
function endsOf({ layers }: LoweredNet): readonly string[] {
  const read = new Set(layers.flatMap(({ tops, bottoms }) => (tops.length > 0 ? bottoms : [])));
  return layers.flatMap(({ tops, bottoms }) =>
    tops.length === 0 ? bottoms.filter((blob) => !read.has(blob)) : [],
  );
}

/** What a step's file has a value's next one under. */
const nextName = (name: string): string => `next:${name}`;

/** The roots of a file. @throws CortadoError where it would have no output */
export function fileRoots(lowered: LoweredNet, keep: readonly string[], objective: FileObjective): FileRoots {
  const roots: Root[] = [];
  const outputs = new Map<number, string>();
  const put = (root: Root, name: string): void => void outputs.set(roots.push(root) - 1, name);
  const ownName = (index: number): string => {
    const { layer, position } = lowered.params[index];
    return `${layer}/${position}`;
  };
  const losses = objective.kind === "step" ? lowered.losses.map(({ blob }) => blob) : [];
  const blobs = [...new Set([...lowered.outputs, ...losses, ...endsOf(lowered), ...keep])];
  for (const blob of blobs)
    put({ role: "value", blob, node: present(lowered.blobs.get(blob), "a blob").last }, blob);
  const step = objective.kind === "step" ? stepRoots(lowered, objective.solver, ownName) : undefined;
  if (objective.kind === "backward") {
    const { seeds } = objective;
    const { gradients, diffs } = differentiateNet(lowered, { backward: true, seeds, keep });
    for (const [blob, node] of diffs) put({ role: "diff", blob, node }, diffName(blob));
    for (const [param, node] of gradients) put({ role: "gradient", param, node }, diffName(ownName(param)));
  }
  for (const { root, name } of step?.updates ?? []) put(root, name);
  if (roots.length === 0) throw userError("the net has no output", "keep names blobs to be outputs");

  const names = new Map<number, string>();
  for (const { topNodes, origin } of lowered.layers)
    for (const node of topNodes) {
      if (node.op !== "blob") continue;
      const isLast = lowered.blobs.get(node.blob)?.last === node;
      const at = roots.push({ role: "value", blob: node.blob, node }) - 1;
      names.set(at, isLast ? node.blob : `${node.blob}/${origin}`);
    }
  const inputs = new Map([
    ...[...lowered.inputs.keys()].map((blob) => [inputName(blob), blob] as const),
    ...(step?.scalars ?? []).map((name) => [scalarInput(name), name] as const),
  ]);
  return {
    roots,
    outputs,
    names,
    order: [
      ...lowered.inputs.keys(),
      ...(objective.kind === "backward" ? objective.seeds.map(diffName) : []),
      ...(step?.scalars ?? []),
      ...lowered.params.map((_, index) => ownName(index)),
    ],
    inputName: (input) => inputs.get(input) ?? input,
    paramName: step?.paramName ?? ownName,
    givenParams: step?.given ?? new Set(),
  };
}

function stepRoots(lowered: LoweredNet, solver: SolverParameter, ownName: (index: number) => string) {
  if (solver.iter_size > 1)
    throw userError(
      `a step of ${solver.iter_size} batches (iter_size) takes more than one graph`,
      "export it with iter_size 1 and a batch that is as many times as large",
    );
  // Of a graph alone nothing depends on the target.
  const options = { target: tsTarget, description: tsTarget.describe(), dtype: "float32", seed: 1 } as const;
  const { step, history } = trainingRequests(lowered, { keep: [] }, solver, options);
  const own = lowered.params.flatMap(({ kind }, index) => (kind === "carried" ? [] : [index]));
  const slots = new Map(
    history.map(({ param }, i) => [
      param,
      `history${Math.floor(i / own.length)}:${ownName(own[i % own.length])}`,
    ]),
  );
  const paramName = (index: number): string => slots.get(index) ?? ownName(index);
  const updates = step
    .graph()
    .roots.flatMap((root) =>
      root.role === "update" ? [{ root, name: nextName(paramName(root.param)) }] : [],
    );
  return {
    updates,
    paramName,
    scalars: ["rate", ...ruleOf(solver).scalars],
    given: new Set(updates.map(({ root }) => root.param)),
  };
}
