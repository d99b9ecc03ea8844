/** Layers may have one name: what is kept of them is kept by place, and this is how names lead there. */

/**
 * Distinct names, by place: of several that are alike the last keeps it (as in pycaffe's `params` and in Caffe's
 * layer_by_name), the others become `ip (1)`, `ip (2)`, …, skipping what another has.
 *
 * @param prefers the places that keep their name before others
 */
export function distinctNames(
  names: readonly string[],
  prefers: (place: number) => boolean = () => true,
): readonly string[] {
  const owners = new Map<string, number>();
  for (const [place, name] of names.entries()) {
    const owner = owners.get(name);
    if (owner === undefined || prefers(place) || !prefers(owner)) owners.set(name, place);
  }
  const taken = new Set(names);
  const counts = new Map<string, number>();
  return names.map((name, place) => {
    if (owners.get(name) === place) return name;
    let count = counts.get(name) ?? 0;
    let other: string;
    do other = `${name} (${++count})`;
    while (taken.has(other));
    counts.set(name, count);
    taken.add(other);
    return other;
  });
}

/** The keys of layers in records by layer: distinct names, of which a layer with parameters goes first. */
export const layerKeys = (
  layers: readonly { readonly name: string; readonly params: readonly unknown[] }[],
): readonly string[] =>
  distinctNames(
    layers.map(({ name }) => name),
    (place) => layers[place].params.length > 0,
  );

interface Named {
  readonly name: string;
}

/**
 * For each target its source by name. As many of one name on both sides go together in their order, so that what a
 * net wrote comes back; where the counts differ, the first target takes the last source, as in Caffe (each source is
 * copied to the first layer of its name).
 */
export function pairByName<S extends Named, T extends Named>(
  sources: readonly S[],
  targets: readonly T[],
): readonly (S | undefined)[] {
  const found = byName(sources);
  const wanted = byName(targets);
  const taken = new Map<string, number>();
  return targets.map(({ name }) => {
    const theirs = found.get(name) ?? [];
    const at = taken.get(name) ?? 0;
    taken.set(name, at + 1);
    if (theirs.length === wanted.get(name)?.length) return theirs[at];
    return at === 0 ? theirs.at(-1) : undefined;
  });
}

function byName<T extends Named>(all: readonly T[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const known = groups.get(one.name);
    if (known) known.push(one);
    else groups.set(one.name, [one]);
  }
  return groups;
}
