/** Every region starts at a multiple of this: a cache line, and what GPUs want of coalesced and vector access. */
export const ALIGNMENT = 256;

export const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** A stretch of memory asked for: so many bytes during the steps `first` to `last`, both inclusive. */
export interface Request {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

export interface Packing {
  /** Byte offset of each request, in the requests' order. */
  readonly offsets: readonly number[];
  readonly bytes: number;
}

/** Up to this many requests several orders are tried and the best is kept; of more, this many are placed so. */
const FEW = 4000;

/**
 * Places requests so that no two that are live at the same step overlap. Greedy: one request after another, each into
 * the tightest gap that it fits among those placed before it and live with it, or above them. Large ones first is
 * the order that does best most of the time; others are tried while that costs little and the most bytes live at
 * one step (which no packing can beat) are not reached. O(n²) with a small constant: of very many requests only the
 * largest are placed so, and the small ones above them, each where one of its size was.
 */
export function packArena(requests: readonly Request[]): Packing {
  return requests.length > FEW ? packMany(requests) : packFew(requests);
}

function packFew(requests: readonly Request[]): Packing {
  const bound = mostLive(requests).bytes;
  const span = (r: Request): number => r.last - r.first;
  const orders: readonly ((a: Request, b: Request) => number)[] = [
    (a, b) => b.bytes - a.bytes || span(b) - span(a),
    (a, b) => b.bytes * (1 + span(b)) - a.bytes * (1 + span(a)),
    (a, b) => span(b) - span(a) || b.bytes - a.bytes,
    (a, b) => a.first - b.first || b.bytes - a.bytes,
  ];
  let best = place(requests, orders[0]);
  for (const order of orders.slice(1)) {
    if (best.bytes === bound) break;
    const packing = place(requests, order);
    if (packing.bytes < best.bytes) best = packing;
  }
  return best;
}

function packMany(requests: readonly Request[]): Packing {
  const bySize = requests.map((_, i) => i).sort((i, j) => requests[j].bytes - requests[i].bytes || i - j);
  const large = bySize.slice(0, FEW);
  const packed = packFew(large.map((i) => requests[i]));
  const offsets = new Array<number>(requests.length).fill(0);
  for (const [at, i] of large.entries()) offsets[i] = packed.offsets[at];
  const small = bySize.slice(FEW);
  const bytes = small.length === 0 ? packed.bytes : placeBySize(requests, small, packed.bytes, offsets);
  return { offsets, bytes };
}

/**
 * Places requests from `bottom` on in the order of their first steps, each where an earlier one of its size has ended,
 * or above all: O(n log n).
 *
 * @param which the requests to place
 * @param offsets of all requests; those of `which` are written
 */
function placeBySize(
  requests: readonly Request[],
  which: readonly number[],
  bottom: number,
  offsets: number[],
): number {
  const starting = [...which].sort((i, j) => requests[i].first - requests[j].first || i - j);
  const ending = [...which].sort((i, j) => requests[i].last - requests[j].last || i - j);
  const free = new Map<number, number[]>();
  let top = bottom;
  let ended = 0;
  for (const i of starting) {
    const { bytes, first } = requests[i];
    for (; requests[ending[ended]].last < first; ended++) {
      const old = ending[ended];
      const size = aligned(requests[old].bytes);
      const known = free.get(size);
      if (known) known.push(offsets[old]);
      else free.set(size, [offsets[old]]);
    }
    const size = aligned(bytes);
    const reused = free.get(size)?.pop();
    offsets[i] = reused ?? top;
    if (reused === undefined) top += size;
  }
  return top;
}

/** The step at which the most bytes are live, each request rounded up to the alignment. */
export function mostLive(requests: readonly Request[]): { readonly step: number; readonly bytes: number } {
  const last = requests.reduce((latest, request) => Math.max(latest, request.last), -1);
  // Changes from one step to the next; step −1 is at 0.
  const change = new Float64Array(last + 3);
  for (const request of requests) {
    change[request.first + 1] += aligned(request.bytes);
    change[request.last + 2] -= aligned(request.bytes);
  }
  let peak = { step: -1, bytes: 0 };
  for (let at = 0, live = 0; at < change.length; at++) {
    live += change[at];
    if (live > peak.bytes) peak = { step: at - 1, bytes: live };
  }
  return peak;
}

function place(requests: readonly Request[], order: (a: Request, b: Request) => number): Packing {
  const offsets = new Array<number>(requests.length).fill(0);
  const sequence = requests.map((_, i) => i).sort((i, j) => order(requests[i], requests[j]) || i - j);
  // What is placed, by ascending offset, in columns: the scan below is all the time this takes.
  const start = new Float64Array(requests.length);
  const end = new Float64Array(requests.length);
  const first = new Int32Array(requests.length);
  const last = new Int32Array(requests.length);
  let placed = 0;
  let total = 0;
  for (const i of sequence) {
    const request = requests[i];
    const bytes = aligned(request.bytes);
    if (bytes === 0) continue;
    let offset = -1;
    let tightest = Number.POSITIVE_INFINITY;
    let top = 0;
    for (let j = 0; j < placed; j++) {
      if (last[j] < request.first || first[j] > request.last) continue;
      const gap = start[j] - top;
      if (gap >= bytes && gap < tightest) {
        offset = top;
        tightest = gap;
      }
      if (end[j] > top) top = end[j];
    }
    if (offset < 0) offset = top;
    offsets[i] = offset;
    total = Math.max(total, offset + bytes);

    let at = lowerBound(start, placed, offset);
    while (at < placed && start[at] === offset) at++;
    for (const column of [start, end, first, last]) column.copyWithin(at + 1, at, placed);
    start[at] = offset;
    end[at] = offset + bytes;
    first[at] = request.first;
    last[at] = request.last;
    placed++;
  }
  return { offsets, bytes: total };
}

function lowerBound(values: Float64Array, length: number, value: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
