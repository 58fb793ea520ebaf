// What the desk answers, as its OpenAPI document says, but for one thing: numbers that a double cannot hold arrive as
// text (see exact.ts), so wherever they may stand the type is `Exact` or `Ns`.

import type { components } from "../../schema";

type Told = components["schemas"];
export type Exact = number | string | null;
/** Nanoseconds since 1970, more than a double holds. */
export type Ns = number | string;
export type Span = [Ns, Ns] | null;

export type Check = Omit<Told["Check"], "residual"> & { residual: Exact };

/** A figure with everything that says what it is. `parent`: the figure that it is a part of. */
export type Tile = Omit<Told["Tile"], "value" | "window" | "check"> & { value: Exact; window: Span; check: Check };

export type Column = Told["ColumnTold"];
export type Sum = Told["Sum"];

/** A row: its cells exact, and as they are shown. */
export type Line = Omit<Told["Row"], "raw"> & { raw: (string | number | null)[] };

/** A figure beside what its rows give by a plain fold; `holds` null: they tell it, but do not make it alone. */
export type Again = Omit<Told["Again"], "value" | "again"> & { value: Exact; again: Exact };

export type Rows = Omit<Told["Rows"], "rows" | "exact_sums" | "figure"> & {
  rows: Line[];
  exact_sums: Exact[];
  figure: Again | null;
};

/** A small table inside a page's body: cells as shown. */
export type Table = Omit<Told["Small"], "rows_url" | "caption">;

export type Series = Omit<Told["Series"], "points"> & { points: [Ns, Exact, string, number][] };
export type Session = Told["SessionTold"];
/** What came of a wish. */
export type Done = Told["Done"];

/** What is known of the run itself, in each message of the live line. */
export interface Head {
  run: string;
  mode: string;
  word?: string;
  currency?: string;
  level?: string;
  trouble?: string | null;
  venues?: string[];
  pairs?: string[];
  instruments?: string[];
  ts: Ns | null;
  scopes?: string[];
  physics?: boolean;
  controls_off?: string[];
  strategies?: string[];
}

export interface Alert {
  seq?: number;
  ts?: Ns;
  text: string;
}

export type Message =
  | { type: "snapshot"; as_of_seq: number; tiles: Tile[]; head: Head; alerts?: Alert[] }
  | {
      type: "delta";
      from_seq: number;
      as_of_seq: number;
      tiles: Tile[];
      head?: Head;
      rows?: Record<string, number>;
      alerts?: Alert[];
    }
  | { type: "desk"; alive: boolean; since?: Ns | null; ended?: boolean }
  | { type: "beat" };
