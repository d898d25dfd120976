import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openSqlite, type SqliteDatabase } from "../../../io/sqlite/sqlite-driver.js";
import { temporaryFolder } from "../../temporary-folder.js";

function write(database: SqliteDatabase, rows: number): void {
  database.exec("CREATE TABLE IF NOT EXISTS numbers (n)");
  const insert = database.prepare("INSERT INTO numbers VALUES (?)");
  database.transaction(() => {
    for (let n = 0; n < rows; n++) insert.run([n]);
  });
}

const countOf = (database: SqliteDatabase): number =>
  Number(database.all("SELECT count(*) AS count FROM numbers")[0]!.count);

/** What someone gets who takes the file alone. */
function countOfCopy(file: string): number {
  const copy = `${file}.copy`;
  copyFileSync(file, copy);
  const database = openSqlite(copy, 1000);
  const count = countOf(database);
  database.close();
  return count;
}

describe("a database that has been closed", () => {
  test("is whole in its one file at once, whatever becomes of the process", () => {
    const file = join(temporaryFolder(), "a.sqlite");
    for (const total of [100, 200]) {
      const database = openSqlite(file, 1000);
      write(database, 100);
      database.close();
      expect([existsSync(`${file}-wal`), existsSync(`${file}-shm`)]).toEqual([false, false]);
      expect(countOfCopy(file)).toBe(total);
    }
  });

  test("while another writer has it open is whole, too, and the other goes on", () => {
    const file = join(temporaryFolder(), "a.sqlite");
    const [first, second] = [openSqlite(file, 1000), openSqlite(file, 1000)];
    write(first, 100);
    expect(countOf(second)).toBe(100);
    first.close();
    expect(countOfCopy(file)).toBe(100);
    write(second, 100);
    expect(countOf(second)).toBe(200);
    second.close();
    expect(countOfCopy(file)).toBe(200);
  });
});
