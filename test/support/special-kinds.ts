/**
 * Where Cortado's values differ from Caffe's for NaN, infinities and huge values: Caffe's come from how it computes, and
 * not from what it means. By kind, as docs/DIFFERENCES.md tells of them; each tensor by case and variant. What is listed
 * must differ.
 */

interface Kind {
  readonly why: string;
  /** On every target, only on ts, on native, on wasm without and with multiply-adds, on GPUs: lines of `case variants: tensors`. */
  readonly all?: string;
  readonly ts?: string;
  readonly native?: string;
  readonly simd128?: string;
  readonly relaxed?: string;
  readonly gpu?: string;
}

const KINDS: readonly Kind[] = [
  {
    why: "LRN across channels keeps a running sum: what is not finite in one channel spoils all behind it, forward and backward.",
    all: `
      LRN-across nan: data/y
      LRN-across inf ninf huge: data/y diff/x
      LRN-across3 nan inf ninf huge: data/y diff/x
      LRN-alexnet nan: data/y
      LRN-alexnet inf ninf huge: data/y diff/x
      net-inception nan: data/n
      net-inception huge: data/n diff/data pdiff/a/0 pdiff/a/1 pdiff/b/0 pdiff/b/1 pdiff/pc/0 pdiff/pc/1
      net-inception ninf: data/n pdiff/pc/0 pdiff/pc/1
    `,
  },
  {
    why: "A product by a mask or a flag that is 0: 0 · ∞ is NaN in what was not chosen.",
    all: `
      ELU-inplace inf huge: diff/x
      ELU-plain inf: diff/x
      LSTM-expose-hidden inf ninf: data/y data/hT data/cT
      LSTM-expose-hidden-bwd inf ninf: data/y data/hT data/cT data/loss_cT data/loss_hT data/loss_y
      PReLU-channel inf: pdiff/l/0
      PReLU-inplace inf: pdiff/l/0
      PReLU-shared inf: pdiff/l/0
      SigmoidCrossEntropyLoss-default inf huge: data/loss
      SigmoidCrossEntropyLoss-soft-targets ninf huge: data/loss
    `,
  },
  {
    why: "A derivative as a quotient of values: ∞ / ∞ and NaN / NaN where the derivative itself is finite.",
    all: `
      Eltwise-prod-unstable nan inf ninf huge: diff/a diff/b
      Power-frac inf ninf: diff/x
    `,
  },
  {
    why: "Terms that cancel: beta · y + σ · (1 − beta · y) for the slope of Swish.",
    all: `
      Swish-plain huge: diff/x
    `,
  },
  {
    why: "A diff that is 0 is multiplied all the same: 0 · NaN in the gradient of a layer that nothing above needs.",
    all: `
      Silence-grad nan inf ninf: pdiff/ip/0
    `,
  },
  {
    why: "OpenBLAS scales by NaN as it does by 0.",
    all: `
      Scale-two-bottoms nan: data/y diff/x
    `,
  },
  {
    why: "Where float32 ends: products and sums overflow, or not, by their order, by what is fused, and by what is kept in float64.",
    all: `
      LRN-within huge: diff/x
      PReLU-inplace huge: pdiff/l/0
      Silence-grad huge: diff/x
    `,
    ts: `
      Convolution-nd-1d huge: pdiff/l/0
      Convolution-nobias huge: pdiff/l/0
      Deconvolution-basic huge: pdiff/l/0
      Convolution-two-bottoms huge: pdiff/l/0
      Deconvolution-stride huge: pdiff/l/0
      Eltwise-prod huge: data/y
      Log-base2 huge: data/y
      Log-inplace huge: data/y
      MVN-across huge: data/y
      MVN-mean-var huge: data/y
      PReLU-inplace huge: data/y
      ReLU-inplace huge: data/y
      net-residual huge: data/g
    `,
    native: `
      Convolution-nobias huge: pdiff/l/0
      Deconvolution-stride huge: pdiff/l/0
      Eltwise-sum-coeff huge: data/y
    `,
    simd128: `
      Eltwise-sum-coeff huge: data/y
      Reduction-sum huge: data/y
      Silence-grad huge: data/a
      net-frozen-middle huge: data/g data/o data/loss pdiff/ip1/0 pdiff/ip1/1 pdiff/ip3/0 pdiff/ip3/1
      net-loss-weight-any-layer huge: pdiff/ip/0
    `,
    relaxed: `
      Convolution-nd-1d huge: pdiff/l/0
      Convolution-nobias huge: pdiff/l/0
      Deconvolution-basic huge: pdiff/l/0
      Deconvolution-stride huge: pdiff/l/0
      Eltwise-sum-coeff huge: data/y
      Reduction-sum huge: data/y
    `,
    gpu: `
      Convolution-nd-1d huge: pdiff/l/0
      Deconvolution-basic huge: pdiff/l/0
      Deconvolution-stride huge: pdiff/l/0
      Eltwise-sum-coeff huge: data/y
      Reduction-sum huge: data/y
    `,
  },
  {
    why: "A layer in place overwrites what backward reads, or what Split shares with others: there the truth is the net written apart.",
    all: `
      Clip-inplace nan inf ninf huge: diff/x
      Log-inplace nan inf ninf huge: diff/x
      Power-inplace nan inf ninf huge: diff/x
      net-reused-inplace-before-after nan inf ninf huge: data/h data/h2
    `,
  },
];

/** The tensors of a case that may differ, and do, as `variant tensor`. */
export function documentedFor(name: string, where: Exclude<keyof Kind, "why" | "all">): ReadonlySet<string> {
  const found = new Set<string>();
  for (const kind of KINDS)
    for (const line of `${kind.all ?? ""}\n${kind[where] ?? ""}`.split("\n")) {
      const [, own, variants, tensors] = /^\s*(\S+) ([^:]+): (.*)$/.exec(line) ?? [];
      if (own !== name) continue;
      for (const variant of variants.split(" "))
        for (const tensor of tensors.split(" ")) found.add(`${variant} ${tensor}`);
    }
  return found;
}
