import { openAddon } from "../../native/addon.js";
import { guardAddon } from "./guarded-addon.js";

const { addon } = openAddon();
const log = process.env["CORTADO_SANITIZER_LOG"];
if (!addon || !log) throw new Error("sanitizers are run by sanitizers.check.ts");
guardAddon(addon, log);
