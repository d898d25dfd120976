import { objectStoreSuite } from "../../../suites/object-store-suite.js";
import { startGcsServer } from "../servers/gcs-server.js";

objectStoreSuite("gs://", startGcsServer);
