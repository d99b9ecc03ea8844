/**
 * Who takes part in backward, as Caffe's Net::Init decides it. Caffe decides on the net in which a blob with several
 * readers has a Split layer, by blob name; here those splits exist in this analysis only.
 */

/** What the decision reads of a layer. */
export interface DecidedLayer {
  readonly name: string;
  /** Blobs by name, as written. */
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  /** The loss weights written; empty where none are. */
  readonly lossWeights: readonly number[];
  /** The first top's loss weight where none are written: 1 for losses. */
  readonly defaultLossWeight: number;
  /** Loss tops that have no name. */
  readonly unnamedTops: number;
  /** For each bottom, or empty. */
  readonly propagateDown: readonly boolean[];
  /** For each parameter blob, whether its lr_mult is not 0. */
  readonly learns: readonly boolean[];
  /** Whether force_backward reaches into a bottom. */
  readonly forces: (bottom: number) => boolean;
}

/** The decision for one layer of the net with splits. */
export interface Decision {
  readonly name: string;
  /** Which layer of the net it is; undefined for a split. */
  readonly layer: number | undefined;
  /** As Caffe logs it: before force_backward switches the rest on. */
  readonly logged: boolean;
  readonly needsBackward: boolean;
  /** Whether the gradient goes on into each bottom. */
  readonly bottoms: readonly boolean[];
  /** Layers whose parameters learn, at or below this one, the nearest first: at most `MOST_CAUSES`. */
  readonly learning: readonly string[];
  /** Layers with a loss weight, at or above this one, the nearest first: at most `MOST_CAUSES`. */
  readonly losses: readonly string[];
}

/** So many names of layers say why; in a deep net all others would be said at every layer. */
const MOST_CAUSES = 3;

const join = (...causes: readonly (readonly string[])[]): readonly string[] =>
  [...new Set(causes.flat())].slice(0, MOST_CAUSES);

/** Decides for every layer and every split, in the order in which they run. */
export function decideBackward(net: readonly DecidedLayer[], forceBackward: boolean): readonly Decision[] {
  const layers = insertSplits(net);
  const blobNeeds = new Map<string, boolean>();
  const layerNeeds: boolean[] = [];
  const bottomNeeds: boolean[][] = [];
  const causes = causesOf(layers);
  for (const { layer, bottoms, tops } of layers) {
    let need = layer.learns.includes(true);
    bottomNeeds.push(
      bottoms.map((blob, i) => {
        const blobNeed = blobNeeds.get(blob) ?? false;
        need ||= blobNeed;
        return layer.propagateDown.length > 0 ? layer.propagateDown[i] : blobNeed;
      }),
    );
    layerNeeds.push(need);
    for (const blob of tops) if (need || !blobNeeds.has(blob)) blobNeeds.set(blob, need);
  }

  // From the end: what contributes to no loss, or passes nothing down, takes no part.
  const underLoss = new Set<string>();
  const skipped = new Set<string>();
  for (let index = layers.length - 1; index >= 0; index--) {
    const { bottoms, tops, weights } = layers[index];
    const contributes = tops.some((blob, top) => weights[top] !== 0 || underLoss.has(blob));
    if (tops.every((blob) => skipped.has(blob))) {
      if (layerNeeds[index]) bottomNeeds[index].fill(false);
      layerNeeds[index] = false;
    }
    if (!contributes) layerNeeds[index] = false;
    for (const [i, blob] of bottoms.entries()) {
      if (contributes) underLoss.add(blob);
      else bottomNeeds[index][i] = false;
      if (!bottomNeeds[index][i]) skipped.add(blob);
    }
  }
  return layers.map(({ layer, source }, index) => ({
    name: layer.name,
    layer: source,
    logged: layerNeeds[index],
    needsBackward: layerNeeds[index] || forceBackward,
    bottoms: bottomNeeds[index].map((need, i) => need || (forceBackward && layer.forces(i))),
    ...causes[index],
  }));
}

/** Of each layer, which layers at or below it learn, and which at or above it have a loss weight. */
function causesOf(layers: readonly SplitNetLayer[]): readonly Pick<Decision, "learning" | "losses">[] {
  const below = new Map<string, readonly string[]>();
  const learning = layers.map(({ layer, bottoms, tops }) => {
    const own = layer.learns.includes(true) ? [layer.name] : [];
    const found = join(own, ...bottoms.map((blob) => below.get(blob) ?? []));
    for (const blob of tops) below.set(blob, found);
    return found;
  });
  const above = new Map<string, readonly string[]>();
  const losses = layers.toReversed().map(({ owner, bottoms, tops, weights }) => {
    // A split that carries a weight carries its layer's.
    const own = tops.some((_, top) => weights[top] !== 0) ? [owner] : [];
    const found = join(own, ...tops.map((blob) => above.get(blob) ?? []));
    for (const blob of bottoms) above.set(blob, join(above.get(blob) ?? [], found));
    return found;
  });
  return learning.map((found, index) => ({ learning: found, losses: losses[layers.length - 1 - index] }));
}

/** A layer of the net with splits: `bottoms` and `tops` are the names after splitting. */
interface SplitNetLayer {
  readonly layer: DecidedLayer;
  readonly source: number | undefined;
  /** Its name, or of a split that of the layer whose top it splits. */
  readonly owner: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  /** Of each top. */
  readonly weights: readonly number[];
}

/**
 * Caffe's InsertSplits: a top that is used more than once (each reader counts, and so does a loss weight that is
 * written) gets a layer `<blob>_<layer>_<top>_split` behind it, and each use a blob of its own.
 */
function insertSplits(net: readonly DecidedLayer[]): readonly SplitNetLayer[] {
  interface Made {
    /** Its name in the net with splits. */
    readonly key: string;
    /** Caffe's name of its split, and what tells the split's tops from those of another of this name. */
    readonly splitName: string;
    readonly splitKey: string;
    uses: number;
    taken: number;
  }
  const current = new Map<string, Made>();
  const unknown = (blob: string): Made => ({
    key: blob,
    splitName: blob,
    splitKey: blob,
    uses: 0,
    taken: 0,
  });
  const read: Made[][] = [];
  const made: Made[][] = [];
  for (const layer of net) {
    const sources = layer.bottoms.map((blob) => current.get(blob) ?? unknown(blob));
    for (const source of sources) source.uses++;
    read.push(sources);
    made.push(
      layer.tops.map((blob, top) => {
        const known = current.get(blob);
        const next: Made = {
          // In place keeps the name. Where the old value has other readers, Caffe refuses; here it is a new blob.
          key: known && (layer.bottoms[top] !== blob || known.uses > 1) ? `${blob}#${made.length}` : blob,
          splitName: `${blob}_${layer.name}_${top}_split`,
          splitKey: `${blob}_${made.length}_${top}_split`,
          uses: (layer.lossWeights[top] ?? 0) !== 0 ? 1 : 0,
          taken: 0,
        };
        current.set(blob, next);
        return next;
      }),
    );
  }
  return net.flatMap((layer, index): SplitNetLayer[] => {
    const bottoms = read[index].map((source) =>
      source.uses > 1 ? `${source.splitKey}_${source.taken++}` : source.key,
    );
    const tops = made[index].map(({ key }) => key);
    const splitWeights = layer.tops.some(
      (_, top) => made[index][top].uses > 1 && (layer.lossWeights[top] ?? 0) !== 0,
    );
    // Caffe moves the weight to the split and clears all of the layer's own.
    const weights = splitWeights ? [] : layer.lossWeights;
    const splits = made[index].flatMap((top, i): SplitNetLayer[] => {
      if (top.uses < 2) return [];
      const weight = layer.lossWeights[i] ?? 0;
      if (weight !== 0) top.taken++;
      return [
        {
          layer: SPLIT(top.splitName),
          source: undefined,
          owner: layer.name,
          bottoms: [top.key],
          tops: Array.from({ length: top.uses }, (_, k) => `${top.splitKey}_${k}`),
          weights: Array.from({ length: top.uses }, (_, k) => (k === 0 ? weight : 0)),
        },
      ];
    });
    const unnamed = Array.from({ length: layer.unnamedTops }, (_, i) => `${index}#${i}`);
    const allTops = [...tops, ...unnamed];
    return [
      {
        layer,
        source: index,
        owner: layer.name,
        bottoms,
        tops: allTops,
        weights: allTops.map((_, top) =>
          weights.length > 0 ? (weights[top] ?? 0) : top === 0 ? layer.defaultLossWeight : 0,
        ),
      },
      ...splits,
    ];
  });
}

const SPLIT = (name: string): DecidedLayer => ({
  name,
  bottoms: [],
  tops: [],
  lossWeights: [],
  defaultLossWeight: 0,
  unnamedTops: 0,
  propagateDown: [],
  learns: [],
  forces: () => true,
});
