import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSnapshot } from "../../io/index.js";
import { sync } from "../../pipelines/index.js";
import { createRunner } from "../../runners/index.js";
import { deviceSnapshot, notesSchema } from "../device-snapshot.js";
import { temporaryFolder } from "../temporary-folder.js";

async function twoDatabases(): Promise<string> {
  const folder = temporaryFolder();
  const note = (text: string, updatedAt: number) => ({ id: "1", text, updatedAt });
  writeFileSync(
    join(folder, "a.idbsnap"),
    await deviceSnapshot({ device: "a", capturedAt: 1, notes: [note("a", 1)] }),
  );
  const other = {
    ...notesSchema,
    name: "other",
    objectStores: [
      ...notesSchema.objectStores,
      { name: "more", keyPath: null, autoIncrement: false, indexes: [] },
    ],
  };
  writeFileSync(
    join(folder, "b.idbsnap"),
    await deviceSnapshot({ device: "b", capturedAt: 2, notes: [note("b", 2)], schema: other }),
  );
  return folder;
}

test("databases of different names are not merged by mistake, even where all keys are the same", async () => {
  const folder = await twoDatabases();
  const run = createRunner().run(
    sync({ input: join(folder, "*.idbsnap"), output: join(folder, "out"), by: "updatedAt" }),
  );
  await expect(run).rejects.toMatchObject({ code: "SNAPSHOT_DATABASE_MIXED" });
});

test("databases of different names become one when that is asked for, with the stores of all", async () => {
  const folder = await twoDatabases();
  await createRunner().run(
    sync({ input: join(folder, "*.idbsnap"), output: join(folder, "out"), by: "updatedAt", database: "all" }),
  );
  await using merged = await openSnapshot(join(folder, "out/merged-00000-of-00001.idbsnap"));
  expect(merged.schema.name).toBe("all");
  expect(merged.schema.objectStores.map(({ name }) => name)).toEqual(["notes", "more"]);
  expect((await merged.get("notes", "1"))?.value).toMatchObject({ text: "b" });
});
