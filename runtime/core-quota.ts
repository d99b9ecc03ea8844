/** Where Linux says what a group of processes may have (cgroup v2). */
const GROUPS = "/sys/fs/cgroup";

/**
 * Cores that a process may use: those that it is bound to, and no more than the quota of any control group that it is
 * in. (A container with a share of two cores on a machine of 64 is slower with 64 threads than with two.)
 *
 * @param read as `quotaOf` takes it
 */
export const coresWithin = (bound: number, read: (path: string) => string | undefined): number =>
  Math.max(1, Math.min(bound, Math.ceil(quotaOf(read))));

/**
 * The least quota of a process's control groups, in cores; Infinity where there is none.
 *
 * @param read the text of a file, undefined where there is none
 */
export function quotaOf(read: (path: string) => string | undefined): number {
  const own = /^0::(\/.*)$/m.exec(read("/proc/self/cgroup") ?? "")?.[1];
  let least = Number.POSITIVE_INFINITY;
  // What holds for a group holds for those in it.
  for (let group = own; group !== undefined; group = groupAround(group)) {
    const [quota, period] = (read(`${GROUPS}${group === "/" ? "" : group}/cpu.max`) ?? "")
      .split(/\s+/)
      .map(Number);
    if (quota > 0 && period > 0) least = Math.min(least, quota / period);
  }
  return least;
}

const groupAround = (group: string): string | undefined =>
  group === "/" ? undefined : group.slice(0, Math.max(1, group.lastIndexOf("/")));
