/**
 * Caffe's average_loss: gives the mean of the last `window` losses, the newest replacing the oldest. A loss that is
 * not finite counts for as long as it lies in the window, and no longer.
 */
export function createSmoother(window: number): (loss: number) => number {
  const losses: number[] = [];
  let next = 0;
  let sum = 0;
  return (loss) => {
    sum += loss - (losses[next] ?? 0);
    losses[next] = loss;
    next = (next + 1) % window;
    if (!Number.isFinite(sum)) sum = losses.reduce((total, x) => total + x, 0);
    return sum / losses.length;
  };
}

/** Units a second over the last measurements, old ones fading. */
export function createThroughput(fade = 0.9): (units: number, seconds: number) => number {
  let units = 0;
  let time = 0;
  return (newUnits, seconds) => {
    units = fade * units + newUnits;
    time = fade * time + seconds;
    return time > 0 ? units / time : 0;
  };
}
