import { describeStore } from "../../suites/store-suite.js";
import { duckdbAdapter } from "./duckdb-store.js";

describeStore(duckdbAdapter);
