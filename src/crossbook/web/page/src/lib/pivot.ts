// Group rows and sum their columns exactly. A group is the sum of its rows, and the groups are the sum of all.

import { total } from "./exact";
import type { Column } from "./shapes";

export interface Group {
  names: string[];
  rows: number;
  sums: (string | null)[];
}

/** The cells of a CSV file, its head apart. */
export function cells(text: string): { head: string[]; rows: string[][] } {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === ",") {
      row.push(cell);
      cell = "";
    } else if (letter === "\n") {
      row.push(cell);
      rows.push(row);
      [row, cell] = [[], ""];
    } else if (letter !== "\r") cell += letter;
  }
  if (cell || row.length) rows.push([...row, cell]);
  const [head = [], ...rest] = rows;
  return { head, rows: rest };
}

/** One group for each combination of values in the columns `by`; sums of the columns `summed` (their places). */
export function grouped(rows: readonly string[][], by: readonly number[], summed: readonly number[]): Group[] {
  const found = new Map<string, { names: string[]; rows: string[][] }>();
  for (const row of rows) {
    const names = by.map((at) => row[at] ?? "");
    const key = names.join("\u0000");
    const group = found.get(key);
    if (group) group.rows.push(row);
    else found.set(key, { names, rows: [row] });
  }
  return [...found.values()].map((group) => ({
    names: group.names,
    rows: group.rows.length,
    sums: summed.map((at) => total(group.rows.map((row) => row[at] ?? "").filter((cell) => cell !== ""))),
  }));
}

const SUMMED = new Set(["count", "money", "worth"]);

export function sumsOf(columns: readonly Column[]): number[] {
  return columns.flatMap((column, at) => (SUMMED.has(column.kind) ? [at] : []));
}

const MANY = new Set(["entry", "money", "worth", "amount", "ns", "count"]);

/** Columns that rows can be grouped by. */
export function groupable(columns: readonly Column[]): string[] {
  return columns.filter((column) => !MANY.has(column.kind) && column.name !== "#").map((column) => column.name);
}

/** An exact decimal with thousands and at most `places` digits behind the point, half away from zero. */
export function readable(text: string | null, places = 6): string {
  if (text === null) return "n/a";
  const found = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!found) return text;
  const [, sign = "", whole = "0", fraction = ""] = found;
  let digits = BigInt(whole + fraction.padEnd(places, "0").slice(0, places));
  if ((fraction[places] ?? "0") >= "5") digits += 1n;
  const all = digits.toString().padStart(places + 1, "0");
  const front = all.slice(0, all.length - places).replace(/\B(?=(\d{3})+$)/g, ",");
  const back = fraction ? all.slice(all.length - places) : "";
  return sign + front + (back ? `.${back}` : "");
}
