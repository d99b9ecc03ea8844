import { describe, expect, test } from "vitest";
import {
  grouped,
  showBytes,
  showCount,
  showDuration,
  showShape,
  showThousands,
} from "../../../proto/words/amounts.js";
import { unquoted } from "../../../proto/words/names.js";
import { createProgressLine, drawProgress } from "../../../src/cli/progress.js";
import { json, shownPath, table } from "../../../src/cli/text.js";

describe("numbers for people", () => {
  test.each([
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [431080, "431,080"],
    [61000000, "61,000,000"],
  ])("grouped %d", (value, text) => expect(grouped(value)).toBe(text));
  test.each([
    [0, "0"],
    [999, "999"],
    [1000, "1.00 k"],
    [2293000, "2.29 M"],
    [9996, "10.0 k"],
    [9994, "9.99 k"],
    [99960000, "100 M"],
    [999999, "1.00 M"],
    [1.5e15, "1.50 P"],
  ])("showThousands %d", (value, text) => expect(showThousands(value)).toBe(text));
  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.00 KiB"],
    [1724320, "1.64 MiB"],
  ])("bytes %d", (value, text) => expect(showBytes(value)).toBe(text));
  test.each([
    [0, "0.0s"],
    [3.21, "3.2s"],
    [9.96, "10s"],
    [59.6, "1m 00s"],
    [102.4, "1m 42s"],
    [3600, "1h 00m"],
    [Number.POSITIVE_INFINITY, "?"],
  ])("duration %d", (value, text) => expect(showDuration(value)).toBe(text));
  test("counts", () => {
    expect(showCount(1, "mistake")).toBe("1 mistake");
    expect(showCount(0, "mistake")).toBe("0 mistakes");
  });
});

test("names cannot steer a terminal or break a line", () => {
  expect(unquoted("conv1/3x3")).toBe("conv1/3x3");
  expect(unquoted("a\x1b[31m\nb\u202e")).toBe("a\\u001b[31m\\u000ab\\u202e");
  expect(unquoted("x".repeat(100), 10)).toBe(`${"x".repeat(9)}…`);
});

test("shapes, paths, tables, JSON", () => {
  expect(showShape([64, 1, 28, 28])).toBe("64×1×28×28");
  expect(showShape([])).toBe("scalar");
  expect(shownPath({ cwd: "/home/me" }, "/home/me/nets/a.caffemodel")).toBe("nets/a.caffemodel");
  expect(shownPath({ cwd: "/home/me" }, "/data/a.caffemodel")).toBe("/data/a.caffemodel");
  expect(table([{ title: "layer" }, { title: "n", align: "right" }], [["conv1", "10"], ["a"]])).toEqual([
    "layer   n",
    "-----  --",
    "conv1  10",
    "a",
  ]);
  expect(JSON.parse(json({ loss: Number.NaN, rate: 0.1, far: Number.NEGATIVE_INFINITY }))).toEqual({
    loss: "NaN",
    rate: 0.1,
    far: "-Infinity",
  });
});

describe("the progress line", () => {
  const state = {
    done: 111,
    total: 300,
    loss: 0.21451,
    rate: 0.0099512345,
    imagesPerSecond: 811.7,
    secondsLeft: 72,
  };
  test("says it all where there is room", () => {
    expect(drawProgress(state, 120, false)).toBe(
      " 37%  [===========...................]  111/300  loss 0.2145  1m 12s left  812 images/s  lr 0.009951",
    );
    expect(drawProgress(state, 120, true)).toMatch(/^ 37% {2}█{11}[▏▎▍▌▋▊▉]░{20} {2}111\/300/);
  });
  test("never wider than the terminal", () => {
    for (let columns = 1; columns < 140; columns++)
      for (const doing of [undefined, "testing"])
        expect(drawProgress({ ...state, doing }, columns, true).length).toBeLessThanOrEqual(
          Math.max(1, columns - 1),
        );
  });
  test("the loss is the last figure to go", () => {
    expect(drawProgress(state, 40, false)).toContain("loss 0.2145");
    expect(drawProgress({ ...state, loss: Number.NaN }, 40, false)).toContain("loss nan");
  });
  test("the ends", () => {
    expect(drawProgress({ done: 0, total: 300 }, 60, false)).toMatch(/^ {2}0% {2}\[\.+\] {4}0\/300$/);
    expect(drawProgress({ done: 300, total: 300 }, 60, false)).toMatch(/^100% {2}\[=+\] {2}300\/300$/);
    expect(drawProgress({ done: 0, total: 0 }, 60, false)).toMatch(/^ {2}0%/);
  });
});

test("the progress line is cleared from its beginning on, whatever a narrower terminal has made of it", () => {
  let [written, time] = ["", 0];
  let resized = (): void => {};
  const stderr = {
    columns: 60,
    write: (text: string) => {
      written += text;
    },
    onResize: (listener: () => void) => {
      resized = listener;
      return () => {
        resized = () => {};
      };
    },
  };
  const io = { stdout: stderr, stderr, env: {}, cwd: "/" };
  const line = createProgressLine(io, () => time);
  const taken = (): string => {
    const text = written;
    written = "";
    return text;
  };
  line.log(["before"]);
  expect(taken()).toBe("before\x1b[K\n");
  line.show({ done: 1, total: 9 });
  expect(taken()).toBe("\r\x1b[J 11%  [===...........................]  1/9\r");
  line.show({ done: 2, total: 9 });
  expect(taken()).toBe("");
  time = 100;
  line.show({ done: 3, total: 9 });
  expect(taken()).toContain("3/9");
  stderr.columns = 12;
  resized();
  expect(taken()).toBe("\r\x1b[J 33%  3/9\r");
  line.log(["a", "b"]);
  expect(taken()).toBe("\x1b[Ja\x1b[K\nb\x1b[K\n\r\x1b[J 33%  3/9\r");
  line.show({ done: 9, total: 9 });
  line.close();
  expect(taken()).toBe("\r\x1b[J100%  9/9\r\n");
  resized();
  expect(taken()).toBe("");
});
