import { exportDB } from "../../../browser/index.js";
import { SnapshotReader, bytesSource } from "../../../snapshot/index.js";

/** Like the background of an extension: no page, no dedicated workers, no synchronous files. */
addEventListener("message", (event) => {
  const { data, ports } = event as MessageEvent<string>;
  (event as unknown as { waitUntil(work: Promise<unknown>): void }).waitUntil(
    recordsOf(data).then(
      (records) => ports[0]!.postMessage({ records }),
      (error: unknown) => ports[0]!.postMessage({ error: String(error) }),
    ),
  );
});

async function recordsOf(name: string): Promise<number> {
  const reader = exportDB(name).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let read = await reader.read(); !read.done; read = await reader.read())
    parts.push(read.value as Uint8Array<ArrayBuffer>);
  const snapshot = await SnapshotReader.open(
    bytesSource(new Uint8Array(await new Blob(parts).arrayBuffer())),
  );
  await snapshot.verify();
  return snapshot.summary.records;
}
