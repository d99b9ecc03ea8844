/** What is used of the engine's WebAssembly, of which the library that types know has nothing. */

/** Memory that modules are given. */
export interface LinearMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  /** By pages of 64 KiB, a bigint in a memory of 64-bit addresses. @throws RangeError where there are not so many */
  grow(pages: number | bigint): number | bigint;
}

/** A compiled module: it can be sent to workers. */
export type CompiledModule = { readonly compiled: unique symbol };

export type WasmFunctions = Readonly<
  Record<string, (...args: readonly (number | bigint)[]) => number | bigint | undefined>
>;

export type ModuleImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface ModuleInstance {
  readonly exports: WasmFunctions;
}

export interface Engine {
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<CompiledModule>;
  readonly Memory: new (limits: {
    readonly initial: number | bigint;
    readonly maximum: number | bigint;
    readonly shared: boolean;
    readonly address?: "i64";
  }) => LinearMemory;
  /** Browsers make none of a large module while a page waits, so that this is no constructor. */
  instantiate(module: CompiledModule, imports: ModuleImports): Promise<ModuleInstance>;
}

/** Absent where the engine has none. */
export const ENGINE = (globalThis as { readonly WebAssembly?: unknown }).WebAssembly as Engine | undefined;
