import { beforeEach } from "vitest";
import { fileSystemSuite } from "../../suites/file-system-suite.js";
import { temporaryFolder } from "../../temporary-folder.js";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

fileSystemSuite("this machine", () => folder);
