import { describe, expect, it } from "vitest";
import { complaint, startPeer } from "../../benchmarks/peers/peer-process.js";

/** A process of a few lines of JavaScript. */
const node = (program: string) => startPeer([process.execPath, "-e", program], { TOLD: "yes" });

const ANSWERING = `
  console.log(JSON.stringify({ ready: true, passes: ["forward"] }));
  require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const request = JSON.parse(line);
    const answers = {
      warm: { samples: [2, 1] },
      values: { values: [process.env.TOLD === "yes" ? 1 : 0] },
      round: { error: "no " + request.pass },
    };
    console.log(JSON.stringify(answers[request.do]));
  });`;

describe("a peer", () => {
  it("answers one request after another, and ends when it is closed", async () => {
    const peer = await node(ANSWERING);
    expect(peer.passes).toEqual(["forward"]);
    expect(await peer.time({ do: "warm", pass: "forward" })).toEqual([2, 1]);
    expect(await peer.values("forward")).toEqual([1]);
    await peer.close();
    await expect(peer.values("forward")).rejects.toThrow("ended with code 0");
  });

  it("tells of its mistakes and goes on", async () => {
    const peer = await node(ANSWERING);
    const round = peer.time({ do: "round", pass: "step", milliseconds: 1 });
    await expect(round).rejects.toThrow("no step");
    expect(await peer.values("forward")).toEqual([1]);
    await peer.close();
  });

  it("that ends before it is ready has its complaint as reason", async () => {
    await expect(node('throw new RangeError("too little memory")')).rejects.toThrow("too little memory");
    await expect(node("process.exit(3)")).rejects.toThrow("ended with code 3");
  });

  it("that is not there says so", async () => {
    await expect(startPeer(["/nonexistent/python"], {})).rejects.toThrow("ENOENT");
  });
});

it("a complaint is the line of the error, not the stack or the version behind it", () => {
  expect(complaint("Traceback\n  File x\nModuleNotFoundError: No module named 'torch'\n")).toBe(
    "ModuleNotFoundError: No module named 'torch'",
  );
  expect(complaint("at x\n\nTypeError: no\n    at y\n\nNode.js v20\n")).toBe("TypeError: no");
  expect(complaint("one\ntwo")).toBe("two");
});
