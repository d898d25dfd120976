import { exportDB } from "../../../browser/index.js";
import { SnapshotReader, bytesSource } from "../../../snapshot/index.js";
import { create, ended, open, put } from "./database.js";

/** Two stores whose sum never changes while money moves between them: a torn snapshot shows as another sum. */
const accounts = 400;

export async function openBank(): Promise<void> {
  const db = await create("bank", (upgrading) => {
    upgrading.createObjectStore("left");
    upgrading.createObjectStore("right");
  });
  const balances = Array.from(
    { length: accounts },
    (_, at) => [at, { balance: 100, padding: "x".repeat(500) }] as const,
  );
  await put(db, "left", balances);
  await put(db, "right", balances);
  db.close();
}

let moving = false;

/** Moves money until it is told to stop; resolves to how many moves there were. */
export async function moveMoney(): Promise<number> {
  const db = await open("bank");
  moving = true;
  let moves = 0;
  while (moving) {
    const transaction = db.transaction(["left", "right"], "readwrite", { durability: "relaxed" });
    const done = ended(transaction);
    const [from, to] = moves % 2 ? ["left", "right"] : ["right", "left"];
    for (const [store, change] of [
      [from, -7],
      [to, 7],
    ] as const) {
      const key = (moves * 37) % accounts;
      const request = transaction.objectStore(store).get(key) as IDBRequest<{ balance: number }>;
      request.onsuccess = () => {
        transaction
          .objectStore(store)
          .put({ ...request.result, balance: request.result.balance + change }, key);
      };
    }
    await done;
    moves++;
    (globalThis as { moves?: number }).moves = moves;
  }
  db.close();
  return moves;
}

export function stopMoving(): void {
  moving = false;
}

/** Balances of a snapshot taken now. */
export async function snapshotSum(worker: boolean): Promise<number> {
  const reader = exportDB("bank", { worker }).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let read = await reader.read(); !read.done; read = await reader.read())
    parts.push(read.value as Uint8Array<ArrayBuffer>);
  const snapshot = await SnapshotReader.open(
    bytesSource(new Uint8Array(await new Blob(parts).arrayBuffer())),
  );
  let sum = 0;
  for await (const { value } of snapshot.records()) sum += (value as { balance: number }).balance;
  return sum;
}
