import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import {
  CALL_LOG_TABLES,
  type Column,
  redacted,
  snakeCase,
  TABLE_NAMES,
} from "../../../worker-shim/call-log-columns.ts";
import { MemoryD1, migrations } from "./support/fakes.ts";

interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly pk: number;
}

function columnsOf(database: DatabaseSync, table: string): TableColumn[] {
  const rows = database.prepare(`SELECT name, type, "notnull", pk FROM pragma_table_info('${table}')`).all();
  return rows as unknown as TableColumn[];
}

describe("the call log's columns", () => {
  const { database } = new MemoryD1();

  it.each(TABLE_NAMES)("of %s are those that the migrations make", (table) => {
    const { columns, key } = CALL_LOG_TABLES[table];
    const made = columnsOf(database, table);
    // Only the database itself knows what it has redacted.
    const written = made.filter(({ name }) => !(table === "calls" && name === "redacted"));
    const describeColumn = ({ name, type, notnull, pk }: TableColumn) =>
      `${name} ${type}${notnull === 1 || pk > 0 ? " NOT NULL" : ""}`;
    const declared = (columns as readonly Column[]).map(({ name, type }) =>
      (key as readonly string[]).includes(name)
        ? `${name} ${type.replace(" NOT NULL", "")} NOT NULL`
        : `${name} ${type}`,
    );
    expect(declared).toEqual(written.map(describeColumn));
    const keys = made.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
    expect(key).toEqual(keys.map(({ name }) => name));
  });

  it("say who called whom, what was said, and where it can be heard, and forget it", () => {
    expect(redacted("calls", "all")).toEqual({
      carrierCallId: "",
      fromNumber: "",
      toNumber: "",
      recordingKey: null,
      recordingBytes: 0,
      flightKey: null,
    });
    expect(redacted("calls", "recording")).toEqual({ recordingKey: null, recordingBytes: 0, flightKey: null });
    expect(redacted("turns", "all")).toEqual({ text: "", question: null, said: null });
    expect(redacted("tool_calls", "all")).toEqual({ arguments: "", result: null });
  });

  it("are those of the tables that docs/records.md has for Supabase", () => {
    const page = readFileSync(new URL("../../../docs/records.md", import.meta.url), "utf8");
    for (const table of TABLE_NAMES.filter((name) => CALL_LOG_TABLES[name].supabase)) {
      const [, body = ""] = new RegExp(`create table ${table} \\(\\n([^;]*)\\n\\);`).exec(page) ?? [];
      const plain = body.replace(/,?\s*primary key \([^)]*\)/, "");
      const names = plain.split(",").map((column) => column.trim().split(" ")[0]);
      expect(names).toEqual(CALL_LOG_TABLES[table].columns.map(({ name }) => snakeCase(name)));
    }
  });
});

describe("the migrations", () => {
  it("keep the calls that there are", () => {
    const database = new DatabaseSync(":memory:");
    const [first, ...rest] = migrations();
    database.exec(first?.sql ?? "");
    const values = columnsOf(database, "calls").map(
      ({ name, type }) => [name, type === "TEXT" ? `a ${name}` : 7] as const,
    );
    const names = values.map(([name]) => name);
    const query = `INSERT INTO calls (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;
    database.prepare(query).run(...values.map(([, value]) => value));
    for (const { sql } of rest) database.exec(sql);
    const renamed = values.map(([name, value]) => [name === "callSid" ? "carrierCallId" : name, value]);
    expect({ ...database.prepare("SELECT * FROM calls").get() }).toEqual(Object.fromEntries(renamed));
  });
});
