import { BUILT_MARK } from "./built-mark.js";

/**
 * What makes a package of a folder: every Node takes net.js for a module then, wherever the folder lies, and who requires
 * it gets `net.cjs`. Files that are asked for by their names are there.
 */
export const PACKAGE = `${JSON.stringify(
  {
    ...{ private: true, type: "module", main: "net.cjs", module: "net.js", types: "net.d.ts" },
    exports: {
      ".": {
        import: { types: "./net.d.ts", default: "./net.js" },
        require: { types: "./net.d.cts", default: "./net.cjs" },
      },
      "./*": "./*",
    },
  },
  null,
  2,
)}\n`;

/** Before Node 22 no module can be required: `load` gives a promise anyway, and so waits for it. */
export const COMMON_MODULE = `// ${BUILT_MARK} For \`require\`: \`load\` of net.js.
"use strict";

const net = () => import("./net.js");
exports.load = async (options) => (await net()).load(options);
`;
