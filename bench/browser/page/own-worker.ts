import "beam-indexeddb/browser/worker";
import { startTransactionClock } from "./transaction-clock.js";

/** The package's worker with a clock in it, which the page hears by a channel of its own. */
const channel = new BroadcastChannel("transaction clock");
startTransactionClock(new URLSearchParams(location.search).get("database") ?? "", (totalMs) => {
  channel.postMessage(totalMs);
});
