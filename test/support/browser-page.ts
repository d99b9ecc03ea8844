/** Pages of a headless browser, served from this machine. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A browser: $CHROMIUM, or where Debian puts it. */
export const chromium = [process.env["CHROMIUM"], "/usr/bin/chromium"].find(
  (path) => path !== undefined && existsSync(path),
);

const TYPES: Readonly<Record<string, string>> = {
  js: "text/javascript",
  json: "application/json",
  html: "text/html",
  wasm: "application/wasm",
};

const PAGE = `<!doctype html><meta charset="utf-8"><title>cortado</title><script type="module">
const post = (value) => fetch("/result", { method: "POST", body: JSON.stringify(value) });
import("./scenario.js").then(({ result }) => post({ result }), (error) => post({ error: String(error?.stack ?? error) }));
</script>`;

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];

/** Headers of a page that may share memory between threads. */
export const ISOLATED = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

export interface PageOptions {
  /** The name that the page is served under. */
  readonly host?: string;
  /** Of every answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What `scenario.js` of a folder exports as `result`, through JSON, in a page that is served over HTTP. */
export async function runPage(
  folder: string,
  { host = "127.0.0.1", headers = {} }: PageOptions = {},
): Promise<unknown> {
  let settle: (text: string) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const answer = new Promise<string>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });
  const server = createServer(async (request, response) => {
    const name = request.url === "/" ? "index.html" : (request.url ?? "").slice(1);
    if (request.method === "POST") {
      let text = "";
      for await (const piece of request) text += piece;
      response.end();
      settle(text);
      return;
    }
    const content =
      name === "index.html"
        ? PAGE
        : /^(kernels\/)?[\w.-]+$/.test(name) && (await readFile(join(folder, name)).catch(() => undefined));
    if (!content) {
      response.writeHead(404, headers).end();
      return;
    }
    response.writeHead(200, {
      ...headers,
      "content-type": TYPES[name.split(".").at(-1) ?? ""] ?? "application/octet-stream",
    });
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const profile = await mkdtemp(join(tmpdir(), "cortado-browser-"));
  const browser = spawn(
    chromium ?? "chromium",
    [
      ...FLAGS,
      `--user-data-dir=${profile}`,
      `--host-resolver-rules=MAP * 127.0.0.1`,
      `http://${host}:${port}/`,
    ],
    { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, HOME: profile } },
  );
  let said = "";
  browser.stderr.on("data", (text) => {
    said = `${said}${text}`.slice(-4000);
  });
  browser.on("error", fail);
  const ended = new Promise<void>((resolve) => {
    browser.on("exit", (code) => {
      fail(new Error(`the browser ended with ${code} before the page had a result:\n${said}`));
      resolve();
    });
  });
  try {
    const { result, error } = JSON.parse(await answer) as { result?: unknown; error?: string };
    if (error !== undefined) throw new Error(`in the page: ${error}`);
    return result;
  } finally {
    browser.kill("SIGKILL");
    await ended;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    // A browser that was ended may still be writing: try again a few times.
    await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}
