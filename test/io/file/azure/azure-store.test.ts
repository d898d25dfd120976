import { objectStoreSuite } from "../../../suites/object-store-suite.js";
import { startAzureServer } from "../servers/azure-server.js";

objectStoreSuite("az://", startAzureServer, ["back\\slash", "dot.", "dot./x"]);
