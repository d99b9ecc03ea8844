import { availableParallelism } from "node:os";
import { expect, it } from "vitest";
import { quotaOf } from "../../runtime/core-quota.js";
import { availableCores } from "../../runtime/cores.js";

const filesOf = (files: Readonly<Record<string, string>>) => (path: string) => files[path];

it.each<[string, Readonly<Record<string, string>>, number]>([
  ["nothing where there are no groups", {}, Number.POSITIVE_INFINITY],
  [
    "no quota",
    { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n" },
    Number.POSITIVE_INFINITY,
  ],
  ["a container's", { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "150000 100000\n" }, 1.5],
  [
    "the least of the groups that one lies in",
    {
      "/proc/self/cgroup": "1:cpu:/old\n0::/a.slice/b\n",
      "/sys/fs/cgroup/a.slice/b/cpu.max": "800000 100000\n",
      "/sys/fs/cgroup/a.slice/cpu.max": "200000 100000\n",
      "/sys/fs/cgroup/old/cpu.max": "100000 100000\n",
    },
    2,
  ],
  [
    "nothing of what it cannot read",
    { "/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/cpu.max": "" },
    Number.POSITIVE_INFINITY,
  ],
])("a process's quota of cores: %s", (_, files, cores) => {
  expect(quotaOf(filesOf(files))).toBe(cores);
});

it("there is at least one core, and no more than the process is bound to", () => {
  expect(Number.isInteger(availableCores())).toBe(true);
  expect(availableCores()).toBeGreaterThanOrEqual(1);
  expect(availableCores()).toBeLessThanOrEqual(availableParallelism());
});
