// Reads a Vitest JSON report and prints "<passed> <failed>". Exits with 1 when the report is missing or when a test
// was skipped: a check that did not run proves nothing. On stderr stands each test that failed, with its message.
import { readFileSync } from "node:fs";

const [file] = process.argv.slice(2);
let report;
try {
  report = JSON.parse(readFileSync(file, "utf8"));
} catch (error) {
  console.error(`No test report could be read from ${file}: ${error.message}`);
  console.log("0 0");
  process.exit(1);
}

const assertions = report.testResults.flatMap((suite) => suite.assertionResults);
const withStatus = (...statuses) => assertions.filter(({ status }) => statuses.includes(status));
const passed = withStatus("passed").length;
// A file that could not even be loaded has no assertions, but it has failed.
const unloadable = report.testResults.filter(
  (suite) => suite.status === "failed" && !suite.assertionResults.some(({ status }) => status === "failed"),
);
const failed = withStatus("failed").length + unloadable.length;
const skipped = withStatus("skipped", "pending", "todo", "disabled");

console.log(`${passed} ${failed}`);
for (const suite of unloadable) console.error(`Could not run ${suite.name}: ${suite.message}`);
for (const suite of report.testResults) {
  for (const { fullName, status, failureMessages } of suite.assertionResults) {
    if (status !== "failed") continue;
    console.error(`Failed: ${suite.name}: ${fullName}`);
    for (const message of failureMessages) console.error(message.split("\n").slice(0, 25).join("\n"));
  }
}
for (const { fullName, status } of skipped) console.error(`Not run (${status}): ${fullName}`);
if (skipped.length > 0) process.exit(1);
