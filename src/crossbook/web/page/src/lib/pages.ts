// The bodies of the pages, as the desk's read model answers them.

import type { Alert, Column, Exact, Line, Ns, Series, Table, Tile } from "./shapes";

export interface PageBody {
  as_of_seq: number;
  ts: Ns;
  title: string;
  groups: { title: string; names: string[] }[];
  figures: Tile[];
  tables: Table[];
}

/** Points of a line: ns, exact value, text. */
export type Points = [Ns, Exact, string][];

export interface StrategyRow {
  name: string;
  level: string;
  own_level: string;
  pnl: Exact;
  pnl_text: string;
  win_rate_text: string;
  interval_text: string;
  round_trips: number;
  note: string;
  sharpe_text: string;
  sharpe_why: string;
  trades: number;
  orders: number;
  denials: number;
  capital_text: string;
  figures: Record<string, string>;
}

export interface Exposure {
  venue: string;
  figure: string;
  gross_text: string;
  worth_text: string;
  away: Exact;
  away_text: string;
  why: string;
}

export interface Process {
  entry: number;
  ts: Ns;
  journal_lag_ns: Ns;
  disk_bytes: Ns;
  loop_lag_ns: Ns;
}

export interface Overview extends PageBody {
  equity: Series;
  drawdown: Series;
  level: string;
  strategies: StrategyRow[];
  others: { name: string; pnl_text: string; figure: string }[];
  exposures: Exposure[];
  alerts: Alert[];
  alerts_in_all: number;
  feeds: Feed[];
  process: Process | null;
  unknown_orders: number;
  restarts: number;
}

/** A venue's streams as last told; null where nothing was. Ages are to the last entry of the journal. */
export interface Feed {
  venue: string;
  up: boolean | null;
  since: Ns | null;
  changes: number;
  marked_age_ns: Ns | null;
  marked_age_text: string;
  clock_offset_text: string;
  budget_left: number | null;
  budget_whole: number | null;
  open_orders: number | null;
  missing: string;
}

export interface Step {
  name: string;
  value: Exact;
  text: string;
}

export interface Missing {
  missing: string;
}

export interface Fall {
  entry: string;
  time: string;
  scope: string;
  name: string;
  old: string;
  new: string;
  why: string;
  words: string;
  again: string;
  sound: boolean;
  count: number;
  stands: { entry: string; time: string; what: string; amount: string }[];
}

export interface Strategy extends PageBody {
  strategy: StrategyRow;
  life: Fall[];
  parameters: Record<string, unknown>;
  build: Record<string, unknown> & { config_text?: string };
  edge: { n: number; entries: number; expected_text: string; captured_text: string; share_text: string; note: string; steps: Step[] };
  orders: { orders: number; filled: number; part: number; ends: Record<string, number>; by_quantity: string; by_orders: string } | null;
  denials: { reason: string; control: string; count: number; figure: string }[];
  pnl: Points;
  survival: Missing | { rows: Record<string, unknown>[]; source: Record<string, unknown> };
  twin: Missing;
}

export interface Told {
  entry: number;
  ts: Ns | null;
  time: string;
  kind: string;
  who: string;
  what: string;
  text: string;
  intent: number | null;
  order: number | null;
  fields: Record<string, unknown>;
}

export interface Leg {
  order: number;
  entry: number;
  instrument: string;
  side: string;
  limit_text: string;
  quantity_text: string;
  filled_text: string;
  ended: string;
  time_line: { entry: number; what: string; ts: Ns; ts_venue: Ns | null; since_ns: Ns; since_text: string }[];
}

export interface Trade extends PageBody {
  intent: { number: number; entry: number; ts: Ns; time: string; strategy: string; pair: string; reason: string; edge: Exact; edge_text: string; notional_text: string; quantity_text: string };
  legs: Leg[];
  book: {
    touches: { instrument: string; entry: number; ts: Ns; bid_text: string; ask_text: string; age_text: string }[];
    decided: { instrument: string; entry: number; filled_text: string; decision_text: string; arrival_text: string }[];
  };
  waterfall: { missing?: string; matched_text?: string; steps: Step[] };
  trip: { opened: Ns; closed: Ns | null; lasted_text: string; net: Exact; net_text: string; intents: number[]; steps: Step[] } | null;
  stamps: { order: number; stretches: { name: string; ns: Ns; text: string }[] }[];
  model: Missing;
  entries: Told[];
}

export interface Stretch {
  venue: string;
  stretch: string;
  label: string;
  n: number;
  p50_ns: Ns | null;
  p99_ns: Ns | null;
  p999_ns: Ns | null;
  p50_text: string;
  p99_text: string;
  p999_text: string;
  note: string;
}

export interface Latency extends PageBody {
  stretches: Stretch[];
  missing: string | null;
  budget: Missing;
}

export interface Limit {
  name: string;
  limit_text: string;
  of: string;
  use: Exact;
  use_text: string;
  share: Exact;
  share_text: string;
  why: string;
  control: string;
}

export interface Rung {
  scope: string;
  kind: string;
  name: string;
  level: string;
  entry: number | null;
  ts: Ns | null;
  why: string;
}

export interface Risk extends PageBody {
  limits: Limit[];
  ladder: Rung[];
  falls: Fall[];
  exposures: Exposure[];
  denials: { figure: string; reason: string; count: number; share: string; each: Record<string, number> }[];
  controls_off: string[];
}

export interface Venues extends PageBody {
  feeds: Feed[];
  process: Process | null;
  exposures: Exposure[];
  unknown_orders: { order: number; entry: number }[];
  reports_that_differed: number;
  restarts: number;
}

export interface Log {
  as_of_seq: number;
  lines: Told[];
  looked_from: number;
  looked_to: number;
  more: boolean;
  kinds: string[];
}

export interface RunRow {
  run: string;
  mode: string;
  alive: boolean;
  written_ns: Ns | null;
  word?: string;
  environment?: string | null;
  complete?: boolean;
  stopped_at?: Ns | null;
  tape?: string;
  version?: string;
  not_traded?: string[];
}

export interface Runs {
  as_of_seq: number;
  runs: RunRow[];
  count: number;
  sweeps: Missing;
  jobs: Record<string, unknown>[];
}

export interface OneRun {
  as_of_seq: number;
  run: RunRow;
  run_as_of_seq: number;
  figures: Tile[];
  compared: {
    modes: string[];
    currencies: string[];
    note: string;
    rows: { name: string; title: string; mine_text: string; other_text: string; difference: Exact; difference_text: string; mine_n: number; other_n: number; unit: string }[];
  } | null;
}

export interface Why {
  as_of_seq: number;
  name: string;
  routes: { route: string; value: Exact; text: string; residual: Exact }[];
  differs: string[];
  parts_that_do_not_sum: { by: string; names: string[]; sum: Exact; of: Exact }[];
  rows_url: string;
  table: string;
  columns: Column[];
  count: number;
  rows: Line[];
  odd: { entry: number; ts: Ns; breaks: number; repeats: number }[];
  trouble: string | null;
}
