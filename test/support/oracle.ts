/**
 * Where the files lie that BVLC Caffe wrote and the values it computed: $CORTADO_ORACLE, or `../shared/oracle`
 * beside the project.
 */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** The oracle's folder. */
export const oracleRoot: string = resolve(PROJECT, process.env["CORTADO_ORACLE"] ?? "../shared/oracle");

/** Whether the oracle is there. Under CI it must be: its absence is then a failure, not a silent pass. */
export function hasOracle(): boolean {
  if (existsSync(oracleRoot)) return true;
  if (process.env["CI"]) throw new Error(`the oracle is not at ${oracleRoot}: set CORTADO_ORACLE`);
  return false;
}

/** The path of something in the oracle. */
export function oraclePath(...parts: readonly string[]): string {
  return resolve(oracleRoot, ...parts);
}

/** The folder of MNIST's four idx files, gzipped as published: $CORTADO_MNIST, or `../shared/data/mnist`. */
export const mnistRoot: string = resolve(PROJECT, process.env["CORTADO_MNIST"] ?? "../shared/data/mnist");

/** Whether MNIST is there; under CI it must be. */
export function hasMnist(): boolean {
  if (existsSync(mnistRoot)) return true;
  if (process.env["CI"]) throw new Error(`MNIST is not at ${mnistRoot}: set CORTADO_MNIST`);
  return false;
}

/** The path of one of MNIST's files: `train-images-idx3-ubyte.gz`. */
export function mnistPath(name: string): string {
  return resolve(mnistRoot, name);
}
