/** Strict assertions for tests of pipelines. */
export { assertElements, assertRecords, type AssertRecordsOptions } from "./assert-elements.js";
export { structuredEqual } from "./structured-equal.js";
