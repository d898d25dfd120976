import { objectStoreSuite } from "../../../suites/object-store-suite.js";
import { startS3Server } from "../servers/s3-server.js";

objectStoreSuite("s3://", startS3Server);
