import fc from "fast-check";

/**
 * Under CI the properties draw the same cases every time, so that a run says something of the commit and not of the
 * day; elsewhere each run draws new ones, and a failure prints the seed that repeats it.
 */
if (process.env["CI"]) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20261122 });
