/** The copies of a program, on any device. */
import { expect } from "vitest";
import type { Argument, Program } from "../../codegen/kernel/kernel.js";
import type { Device } from "../../runtime/device.js";

const blob = (number: number): Argument => ({
  storage: "arena",
  dtype: "real",
  byteOffset: 256 * number,
  elements: 2,
});
/** The second element of the second parameter and the one after it. */
const PARAM: Argument = { storage: "param", param: 1, offset: 1, elements: 2 };
const PROGRAM: Program = {
  kernels: [],
  prepare: [],
  forward: [],
  backward: [],
  copies: [
    { pass: "backward", from: blob(2), to: PARAM },
    { pass: "forward", from: blob(0), to: blob(1) },
    { pass: "forward", from: blob(1), to: blob(2) },
    { pass: "backward", from: PARAM, to: blob(3) },
  ],
  arenaBytes: 1024,
};

/** A pass's copies are carried out with that pass alone, in their order, from memory to memory. Closes the device. */
export async function checkCopies(device: Device, threads: number): Promise<void> {
  const memories = [device.allocate(1), device.allocate(4)];
  await memories[1].write([1, 2, 3, 4]);
  const executor = await device.load(PROGRAM, { dtype: "float32", memories }, { threads });
  const state = async (): Promise<readonly (readonly number[])[]> => [
    ...(await Promise.all([0, 1, 2, 3].map(async (i) => [...(await executor.read(blob(i)))]))),
    [...(await memories[1].read())],
  ];
  for (const i of [0, 1, 2, 3]) await executor.write(blob(i), [10 * i, 10 * i + 1]);
  await executor.run("prepare");
  expect(await state()).toEqual([
    [0, 1],
    [10, 11],
    [20, 21],
    [30, 31],
    [1, 2, 3, 4],
  ]);
  await executor.run("forward");
  expect(await state()).toEqual([
    [0, 1],
    [0, 1],
    [0, 1],
    [30, 31],
    [1, 2, 3, 4],
  ]);
  await executor.write(blob(0), [7, 8]);
  await executor.run("backward");
  expect(await state()).toEqual([
    [7, 8],
    [0, 1],
    [0, 1],
    [0, 1],
    [1, 0, 1, 4],
  ]);
  await executor.close();
  await device.close();
}
