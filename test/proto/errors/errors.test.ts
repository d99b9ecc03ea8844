import { inspect } from "node:util";
import { expect, it } from "vitest";
import { CortadoError, InternalError, userError } from "../../../proto/errors/index.js";
import { parseNet } from "../../../src/index.js";

/** A mistake of a text that is far longer than what is to be said of it. */
function mistake(): CortadoError {
  try {
    parseNet(`# ${"a long text ".repeat(50)}\nfoo: 3`);
  } catch (error) {
    if (error instanceof CortadoError) return error;
  }
  throw new Error("nothing was thrown");
}

it("printed, logged or sent, an error is its message and the caller's own line", () => {
  const error = mistake();
  const lines = inspect(error).split("\n");
  expect(lines[0]).toBe('CortadoError: <net>:2:1: error: unknown field "foo"');
  expect(lines.slice(4)).not.toEqual([]);
  for (const frame of lines.slice(4)) expect(frame).toMatch(/^ {4}at .*(test\/proto\/errors|node_modules)\//);
  expect(error.stack).toBe(inspect(error));
  expect(Object.keys(error)).toEqual([]);
  expect(JSON.parse(JSON.stringify({ error }))).toEqual({
    error: { name: "CortadoError", message: error.message },
  });
  expect(String(error)).toBe(`CortadoError: ${error.message}`);
});

it("what it found stays readable for code", () => {
  const [{ message, span }] = mistake().diagnostics;
  expect([message, span?.source.text.length]).toEqual(['unknown field "foo"', 609]);
  expect(userError("no", "but").diagnostics).toEqual([{ severity: "error", message: "no", hint: "but" }]);
});

it("a fault of Cortado's own keeps all its frames", () => {
  expect(inspect(new InternalError("broken"))).toMatch(
    /^InternalError: broken\nThis is a fault[\s\S]*\n {4}at /,
  );
});
