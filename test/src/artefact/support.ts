/** Builds nets and runs what was built elsewhere: in a Node process of its own, in a browser. */
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Project, ts } from "ts-morph";
import { type BuildOptions, buildNet } from "../../../src/build-net.js";

/** A new folder, removed after the tests of a file by `removeFolders`. */
const folders: string[] = [];
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cortado-build-"));
  folders.push(folder);
  return folder;
}

export async function removeFolders(): Promise<void> {
  // A browser that was ended may still be writing: try again a few times.
  for (const folder of folders.splice(0))
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

export async function build(net: string, options: Omit<BuildOptions, "out"> = {}): Promise<string> {
  const out = join(await newFolder(), "dist");
  await buildNet(net, { ...options, out });
  return out;
}

/** The same input for everybody: from 0 to below 1. */
export const standIn = (elements: number, offset = 0): Float32Array =>
  Float32Array.from({ length: elements }, (_, i) => (Math.imul(i + offset + 1, 0x9e3779b1) >>> 8) / 2 ** 24);

/** What a scenario may use beside `load`; its result goes through JSON. */
const PRELUDE = `
import { load } from "./net.js";
const standIn = (elements, offset = 0) =>
  Float32Array.from({ length: elements }, (_, i) => (Math.imul(i + offset + 1, 0x9e3779b1) >>> 8) / 2 ** 24);
const bits = (array) => Array.from(new Uint32Array(array.buffer, array.byteOffset, array.length));
const failure = (promise) => promise.then(() => "no error", (error) => \`\${error.constructor.name}: \${error.message}\`);
`;

/** A JavaScript module that exports what a body of statements returns. */
const scenarioModule = (body: string): string =>
  `${PRELUDE}\nexport const result = await (async () => {${body}})();\n`;

/** The bits of an array, as a scenario's `bits` gives them. */
export const bits = (array: Float32Array): readonly number[] =>
  Array.from(new Uint32Array(array.buffer, array.byteOffset, array.length));

async function stage(built: string, body: string): Promise<string> {
  const folder = await newFolder();
  await cp(built, folder, { recursive: true });
  await writeFile(join(folder, "scenario.js"), scenarioModule(body));
  return folder;
}

interface NodeOptions {
  /** All of it: nothing is inherited. */
  readonly env?: Readonly<Record<string, string>>;
  /** For Node itself; FOLDER stands for the folder it runs in. */
  readonly flags?: readonly string[];
}

/** Runs a scenario in a Node process, in a folder that holds nothing but the build. */
export async function inNode(
  built: string,
  body: string,
  { env = {}, flags = [] }: NodeOptions = {},
): Promise<unknown> {
  const folder = await stage(built, body);
  const main = 'import("./scenario.js").then(({ result }) => process.stdout.write(JSON.stringify(result)))';
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [...flags.map((flag) => flag.replace("FOLDER", folder)), "--input-type=module", "-e", main],
      { cwd: folder, env, maxBuffer: 2 ** 28 },
      (error, stdout, stderr) => (error ? reject(new Error(stderr)) : resolve(JSON.parse(stdout))),
    );
  });
}

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

/** Runs a scenario in a page of a headless browser, served over HTTP from this machine under a host name. */
export async function inBrowser(built: string, body: string, host = "127.0.0.1"): Promise<unknown> {
  const folder = await stage(built, body);
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
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      "content-type": TYPES[name.split(".").at(-1) ?? ""] ?? "application/octet-stream",
    });
    response.end(content);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const profile = await newFolder();
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
  }
}

/** What a strict type check says of a program that uses a build's types. */
export function checkUse(declarations: string, program: string): readonly string[] {
  const project = new Project({
    compilerOptions: {
      strict: true,
      noUncheckedIndexedAccess: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      types: [],
      lib: ["lib.es2022.d.ts"],
    },
    skipAddingFilesFromTsConfig: true,
    useInMemoryFileSystem: true,
  });
  project.createSourceFile("/package.json", '{ "type": "module" }');
  project.createSourceFile("/net.d.ts", declarations);
  project.createSourceFile(
    "/use.ts",
    `import { load } from "./net.js";\nconst net = await load();\n${program}`,
  );
  return project
    .getPreEmitDiagnostics()
    .map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.compilerObject.messageText, "\n"));
}
