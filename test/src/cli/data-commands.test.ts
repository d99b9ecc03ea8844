import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { cortado, folderWith } from "./support.js";

test("convert and mean, of the built-in digits", async () => {
  const { folder, path, remove } = await folderWith({});
  try {
    const run = (...argv: readonly string[]) => cortado(argv, { cwd: folder });
    const made = await run("convert", "records", "builtin:digits/test", "--out", "digits", "--records", "50");
    expect([made.code, made.stdout, made.stderr]).toEqual([0, "digits: 50 records\n", ""]);
    const mean = await run("mean", "digits", "--out", "mean.binaryproto");
    expect([mean.code, mean.stderr]).toEqual([0, ""]);
    expect(mean.stdout).toMatch(/^mean of 50 images of 1×28×28\nmean_value of channel 0: \d+\.\d+\n$/);
    expect((await readFile(path("mean.binaryproto"))).length).toBe(10 + 3 + 4 * 784 - 2);
    const json = JSON.parse((await run("mean", "digits", "--json")).stdout);
    expect(json).toMatchObject({ shape: [1, 28, 28], records: 50 });

    for (const [argv, says] of [
      [
        ["convert", "mnst", ".", "--out", "x"],
        "Expected images, mnist, cifar10 or records: did you mean mnist?",
      ],
      [["convert", "mnist", ".", "--out", "x"], "train-images-idx3-ubyte"],
      [["convert", "cifar10", ".", "--out", "x"], "data_batch_1.bin"],
      [["convert", "records", "none", "--out", "x"], 'none" is not there'],
      [["convert", "records", "digits", "--out", "digits"], 'digits" is there already, with files in it'],
      [["convert", "records", "digits"], "'--out <folder>' not specified"],
      [["convert", "mnist", "--out", "x"], "missing required argument 'source'"],
      [["convert", "mnist", ".", "--out", "x", "--gray"], "--gray is for convert images, not for mnist"],
      [["convert", "images", "none.txt", "--out", "x", "--records", "3"], "--records is for convert records"],
      [
        ["convert", "images", "none.txt", "--out", "x", "--resize", "3"],
        "Expected height×width, as 256x256.",
      ],
      [["convert", "images", "none.txt", "--out", "x", "--resize", "8x8"], 'none.txt" is not there'],
      [["mean", "none"], 'none" is not there'],
      [["mean", "digits", "--out", "no/such.binaryproto"], "cannot write"],
    ] as const) {
      const { code, stdout, stderr } = await run(...argv);
      expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(says)]);
    }
    expect(existsSync(path("x"))).toBe(false);
  } finally {
    await remove();
  }
});
