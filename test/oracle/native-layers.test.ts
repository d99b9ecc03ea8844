import { describe, it } from "vitest";
import { checkLayerCase, coveredLayerCases, createFindings } from "../support/layer-case.js";

describe("oracle layers/ on native", () => {
  const findings = createFindings();
  it.each(coveredLayerCases)("%s", (name) => checkLayerCase(name, "native", findings));
});
