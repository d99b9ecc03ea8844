import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { TargetName } from "../../codegen/targets/index.js";
import { codeOf } from "../../proto/words/trouble.js";

/** What nets of a target are loaded by. */
export interface LoaderParts {
  /** The module of their device, in runtime/artefact/. */
  readonly device: string;
  /** Its function that opens it. */
  readonly open: string;
  /** Whether it needs modules of Node's. */
  readonly node: boolean;
}

export const LOADERS: Readonly<Record<TargetName, LoaderParts>> = {
  ts: { device: "artefact-ts-device", open: "openTsDevice", node: false },
  wasm: { device: "artefact-wasm-device", open: "openWasmDevice", node: false },
  native: { device: "artefact-native-device", open: "openNativeDevice", node: true },
  cuda: { device: "artefact-cuda-device", open: "openCudaDevice", node: true },
};

const texts = new Map<TargetName, Promise<string>>();

/**
 * The text that a built module begins with: it declares `loader` and the function that opens the target's device. In the package
 * it lies beside the modules; where Cortado runs from its sources it is put together of them.
 */
export function loaderText(target: TargetName): Promise<string> {
  const known = texts.get(target) ?? readLoader(target);
  texts.set(target, known);
  return known;
}

async function readLoader(target: TargetName): Promise<string> {
  try {
    return await readFile(new URL(`../../loaders/${target}.js`, import.meta.url), "utf8");
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  const bundler = new URL("../bundle-loaders.mjs", import.meta.url).href;
  const { bundleLoader } = (await import(bundler)) as {
    bundleLoader(folder: string, loader: LoaderParts): Promise<string>;
  };
  return bundleLoader(fileURLToPath(new URL("../../", import.meta.url)), LOADERS[target]);
}
