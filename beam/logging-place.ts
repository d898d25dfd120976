import "./node-compatibility.js";
import "apache-beam";
import { loggingLocalStorage, type LoggingStageInfo } from "apache-beam/worker/logging";

/** Which bundle and which step the running code belongs to, as far as it is known. */
export function loggingPlace(): Readonly<LoggingStageInfo> {
  return (loggingLocalStorage.getStore() as LoggingStageInfo | undefined) ?? {};
}
