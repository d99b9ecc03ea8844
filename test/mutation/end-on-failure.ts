import fc from "fast-check";

/** That a property fails is enough: the smallest case of a planted fault is of no interest. */
fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });
