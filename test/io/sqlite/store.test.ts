import { defaultSqliteDriver } from "../../../io/sqlite/sqlite-driver.js";
import { describeStore } from "../../suites/store-suite.js";
import { sqliteCoreAdapter } from "./sqlite-store.js";

describeStore(sqliteCoreAdapter("libsql"));
if (defaultSqliteDriver() === "node:sqlite") describeStore(sqliteCoreAdapter("node:sqlite"));
