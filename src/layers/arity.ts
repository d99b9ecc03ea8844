import type { LayerParameter } from "../../proto/index.js";
import type { FailDetail, LayerType } from "./record.js";

/** What is wrong with the counts in a layer: of bottoms, tops, loss weights, propagate_down. */
export function checkCounts(
  layer: LayerParameter,
  type: LayerType,
  fail: (message: string, field?: string, detail?: FailDetail) => never,
): void {
  const { exact, min, max } = type.bottoms;
  const given = layer.bottom.length;
  const at = (field: string, index: number): [string, FailDetail] => [field, { in: layer, index }];
  if (exact !== undefined && given !== exact)
    fail(`it takes ${blobs(exact, "bottom")}, and has ${given}`, ...at("bottom", Math.min(exact, given - 1)));
  if (min !== undefined && given < min)
    fail(`it takes at least ${blobs(min, "bottom")}, and has ${given}`, ...at("bottom", given - 1));
  if (max !== undefined && given > max)
    fail(`it takes at most ${blobs(max, "bottom")}, and has ${given}`, ...at("bottom", max));

  const made = layer.top.length;
  const least = type.autoTop ? 0 : (type.tops.exact ?? type.tops.min ?? 0);
  const most = type.tops.exact ?? type.tops.max;
  const wording = (count: number): string => (least === most ? blobs(count, "top") : "");
  if (made < least)
    fail(
      `it makes ${wording(least) || `at least ${blobs(least, "top")}`}, and has ${made}`,
      ...at("top", made - 1),
    );
  if (most !== undefined && made > most)
    fail(`it makes ${wording(most) || `at most ${blobs(most, "top")}`}, and has ${made}`, ...at("top", most));
  if (type.topPerBottom && made !== given)
    fail(
      `it makes one top for each bottom, and has ${blobs(given, "bottom")} and ${blobs(made, "top")}`,
      ...at("top", made - 1),
    );

  const weights = layer.loss_weight.length;
  if (weights > 0 && weights !== topsOf(layer, type))
    fail(
      `loss_weight is given ${times(weights)} for ${blobs(topsOf(layer, type), "top")}: give it once for each top, or not at all`,
      ...at("loss_weight", 0),
    );
  const down = layer.propagate_down.length;
  if (down > 0 && down !== given)
    fail(
      `propagate_down is given ${times(down)} for ${blobs(given, "bottom")}: give it once for each bottom, or not at all`,
      ...at("propagate_down", 0),
    );
}

/** How many tops a layer has, with those it makes without a name. */
export const topsOf = (layer: LayerParameter, type: LayerType): number =>
  type.autoTop ? Math.max(layer.top.length, type.tops.exact ?? type.tops.min ?? 0) : layer.top.length;

/** How often something is given. */
export const times = (count: number): string => (count === 1 ? "once" : `${count} times`);

/** "no top blobs", "1 top blob", "2 top blobs". */
export const blobs = (count: number, what: string): string =>
  `${count === 0 ? "no" : count} ${what} blob${count === 1 ? "" : "s"}`;
