import { boot } from "../../runners/boot/boot.js";
import { bootProgram } from "../../runners/boot/boot-launcher.js";
import type { Command } from "../command.js";
import { interruptible } from "../interruptible.js";

/** Beam's boot program for workers, on a machine that has this package. A runner calls it, so it takes the flags of Beam's container contract. */
export const bootCommand: Command = {
  name: "boot",
  argumentsText: "--id=ID --provision_endpoint=HOST:PORT",
  summary: "Start the workers of a job: called by runners, for the environment type PROCESS.",
  details:
    'A runner takes the path of one program without arguments, so give it a script with: exec beam-indexeddb boot "$@"\nFailures are also written to the file that BEAM_INDEXEDDB_BOOT_LOG names (default: beam-indexeddb-boot.log in the system\'s temporary folder).',
  options: [
    { name: "id", kind: "text", value: "ID", help: "The worker's id." },
    {
      name: "provision_endpoint",
      kind: "text",
      value: "HOST:PORT",
      help: "The service that tells the rest.",
    },
    { name: "control_endpoint", kind: "text", value: "HOST:PORT", help: "Where that service names none." },
    { name: "artifact_endpoint", kind: "text", value: "HOST:PORT", help: "Where that service names none." },
    { name: "logging_endpoint", kind: "text", value: "HOST:PORT", help: "Where that service names none." },
    {
      name: "semi_persist_dir",
      kind: "text",
      value: "PATH",
      help: "Folder for the files of the job.",
      defaultText: "the system's temporary folder",
    },
  ],
  run: ({ arguments: args, terminal }) =>
    interruptible((signal) =>
      boot(args, {
        program: bootProgram(),
        printError: (line) => {
          terminal.err(`${line}\n`);
        },
        signal,
      }),
    ),
};
