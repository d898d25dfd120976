import fc from "fast-check";
import { expect, test } from "vitest";
import { describeErrors, jobError } from "../../../io/bigquery/bigquery-error.js";
import { bigqueryColumns, fieldsOf, planOf, tableDescription } from "../../../io/bigquery/table-schema.js";
import { assignIdentifiers } from "../../../io/table/identifier.js";

test.each([
  ["title", "title"],
  ["Größe", /^Gr__e__[0-9a-f]{8}$/],
  ["2nd", /^_2nd__[0-9a-f]{8}$/],
  ["_partitiondate", /^__partitiondate__/],
  ["__ROOT__", /^___ROOT____/],
  ["beam_indexeddb_deletions", /^_beam_indexeddb_deletions__/],
  ["a`b", /^a_b__/],
  ["", /^___/],
])("%j becomes a name that BigQuery takes", (name, expected) => {
  const identifier = assignIdentifiers([name], bigqueryColumns.identifiers, []).get(name)!;
  if (typeof expected === "string") expect(identifier).toBe(expected);
  else expect(identifier).toMatch(expected);
});

test("any names become different names of letters, digits and underscores", () => {
  const name = fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 90 });
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(name, fc.constantFrom("a", "A", "ä", "_FILE_", "1"))), (names) => {
      const identifiers = [...assignIdentifiers(names, bigqueryColumns.identifiers, []).values()];
      for (const identifier of identifiers) expect(identifier).toMatch(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/);
      expect(new Set(identifiers.map((one) => one.toLowerCase())).size).toBe(names.length);
    }),
    { seed: 5 },
  );
});

test("a plan comes back from the descriptions of its table and columns, and foreign columns are passed over", () => {
  const plan = {
    database: "a\0\ud800",
    store: 'no"tes',
    table: "notes",
    columns: [
      { name: "n", field: "n", variant: false, kind: "integer" },
      { name: "n__v_json", field: "n", variant: true, kind: "json" },
      { name: "_value", field: undefined, variant: false, kind: "date" },
    ],
    children: [],
  } as const;
  const own = { name: "mine", type: "STRING", description: "beam-indexeddb: not JSON" };
  const resource = {
    tableReference: { tableId: "notes" },
    description: tableDescription(plan),
    schema: { fields: [...fieldsOf(plan), own] },
  };
  expect(planOf(resource)).toEqual(plan);
  expect(planOf({ ...resource, description: "my table" })).toBeUndefined();
});

test("a column that was widened is one of numbers", () => {
  const description = 'beam-indexeddb: {"field":"n","kind":"integer"}';
  const plan = planOf({
    tableReference: { tableId: "t" },
    description: tableDescription({ database: "a", store: "b" }),
    schema: { fields: [{ name: "n", type: "FLOAT", description }] },
  });
  expect(plan!.columns).toEqual([{ name: "n", field: "n", variant: false, kind: "number" }]);
});

test("of many errors the first ones are told, without secrets", () => {
  const errors = Array.from({ length: 5 }, (_, i) => ({
    reason: "invalid",
    message: `row ${i} bearer ya29.x`,
  }));
  const text = describeErrors(errors);
  expect(text).toMatch(/^row 0 .*; row 1 .*; row 2 .*; and 2 more$/);
  expect(text).not.toContain("ya29");
  expect(jobError("load", "job-1", errors)).toMatchObject({ code: "STORE_CONSTRAINT" });
  expect(jobError("load", "job-1", [{ message: "Could not serialize access to table" }])).toMatchObject({
    code: "STORE_UNAVAILABLE",
  });
});
