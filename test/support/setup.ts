import fc from "fast-check";
import { afterAll } from "vitest";

/**
 * Under CI the properties draw the same cases every time, so that a run says something of the commit and not of the
 * day; elsewhere each run draws new ones, and a failure prints the seed that repeats it.
 */
if (process.env["CI"]) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20261122 });

/** Files share workers: what one of them sets in the environment is not there for the next. */
const environment = { ...process.env };
afterAll(() => {
  for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
  Object.assign(process.env, environment);
});
