/**
 * Caffe's ApplyUpdate as it is written there: loops over arrays, one rule after the other, in float64. What the
 * graphs are compared with.
 */
import type { UpdateSettings } from "../../../src/solvers/index.js";

export interface ReferenceParam {
  readonly weight: Float64Array;
  readonly gradient: Float64Array | undefined;
  readonly lrMult: number;
  readonly decayMult: number;
  /** Slots. */
  readonly history: readonly Float64Array[];
}

const f = Math.fround;

/** Updates weights and histories in place. `iteration` counts from 0. */
export function applyUpdate(
  params: readonly ReferenceParam[],
  solver: UpdateSettings,
  rate: number,
  iteration: number,
): void {
  const diffs = params.map(({ weight, gradient }) => gradient?.slice() ?? new Float64Array(weight.length));
  if (solver.clip_gradients >= 0) {
    let sumsq = 0;
    for (const diff of diffs) for (const x of diff) sumsq += x * x;
    const norm = Math.sqrt(sumsq);
    if (norm > solver.clip_gradients)
      for (const diff of diffs) for (const i of diff.keys()) diff[i] *= f(solver.clip_gradients) / norm;
  }
  for (const [p, param] of params.entries())
    if (param.lrMult !== 0) applyRule(param, diffs[p], solver, rate, iteration);
}

function applyRule(
  { weight, lrMult, decayMult, history }: ReferenceParam,
  diff: Float64Array,
  solver: UpdateSettings,
  rate: number,
  iteration: number,
): void {
  const localRate = rate * f(lrMult);
  const decay = f(solver.weight_decay) * f(decayMult);
  const momentum = f(solver.momentum);
  const beta2 = f(solver.momentum2);
  const rms = f(solver.rms_decay);
  const delta = f(solver.delta);
  for (let i = 0; i < weight.length; i++) {
    let g = diff[i] / solver.iter_size;
    g += decay * (solver.regularization_type === "L1" ? Math.sign(weight[i]) : weight[i]);
    const [a, b] = history;
    switch (solver.type) {
      case "SGD":
        a[i] = localRate * g + momentum * a[i];
        weight[i] -= a[i];
        break;
      case "Nesterov": {
        const old = a[i];
        a[i] = localRate * g + momentum * old;
        weight[i] -= (1 + momentum) * a[i] - momentum * old;
        break;
      }
      case "AdaGrad":
        a[i] += g * g;
        weight[i] -= (localRate * g) / (Math.sqrt(a[i]) + delta);
        break;
      case "RMSProp":
        a[i] = (1 - rms) * g * g + rms * a[i];
        weight[i] -= (localRate * g) / (Math.sqrt(a[i]) + delta);
        break;
      case "AdaDelta": {
        a[i] = (1 - momentum) * g * g + momentum * a[i];
        const step = g * Math.sqrt((b[i] + delta) / (a[i] + delta));
        b[i] = (1 - momentum) * step * step + momentum * b[i];
        weight[i] -= localRate * step;
        break;
      }
      case "Adam": {
        const t = iteration + 1;
        a[i] = (1 - momentum) * g + momentum * a[i];
        b[i] = (1 - beta2) * g * g + beta2 * b[i];
        const correction = Math.sqrt(1 - beta2 ** t) / (1 - momentum ** t);
        weight[i] -= (localRate * correction * a[i]) / (Math.sqrt(b[i]) + delta);
        break;
      }
      default:
        throw new Error(`no rule for ${solver.type}`);
    }
  }
}
