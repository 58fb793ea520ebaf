// How times, ages and counts are written. Figures come as text from the desk and are never formatted here.

import type { Ns } from "./shapes";
import { settings } from "./settings.svelte";

const MOMENT = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?(?: UTC|Z)?$/;
const MS = 1_000_000;

export const NA = "n/a";

export function count(n: number): string {
  return n.toLocaleString("en-US");
}

/** `1 fill`, `3 fills`. */
export function several(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

function two(n: number, width = 2): string {
  return String(n).padStart(width, "0");
}

function written(date: Date, zone: "UTC" | "local", fraction: string): string {
  const utc = zone === "UTC";
  const day = utc
    ? [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()]
    : [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  const time = utc
    ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
    : [date.getHours(), date.getMinutes(), date.getSeconds()];
  return `${day.map((part) => two(part)).join("-")} ${time.map((part) => two(part)).join(":")}${fraction}`;
}

/** Nanoseconds since 1970 as `2026-03-02 15:55:03.543` in the chosen zone. */
export function moment(ns: Ns | null | undefined): string {
  const told = Number(ns ?? Number.NaN);
  if (!Number.isFinite(told) || told <= 0) return NA;
  return written(new Date(Math.floor(told / MS)), settings.zone, `.${two(Math.floor(told / MS) % 1000, 3)}`);
}

/** Only the time of day. */
export function clock(ns: Ns | null | undefined): string {
  const text = moment(ns);
  return text === NA ? text : text.slice(11, 23);
}

/** A UTC time that the desk wrote, in the chosen zone; anything else as it is. */
export function inZone(text: string): string {
  const found = settings.zone === "local" ? MOMENT.exec(text) : null;
  if (!found) return text;
  return written(new Date(`${found[1]}T${found[2]}Z`), "local", found[3] ?? "");
}

/** How long, in the unit that reads best. */
export function span(ms: number): string {
  if (!Number.isFinite(ms)) return NA;
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const s = ms / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.round(s)} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  if (s < 172_800) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d`;
}

export function window_(told: readonly Ns[] | null | undefined): string {
  const [from, till] = told ?? [];
  return from === undefined || till === undefined ? "no window yet" : `${moment(from)} to ${moment(till)}`;
}

/** `close only` of `CLOSE_ONLY`. */
export function plainly(name: string): string {
  return name.toLowerCase().replaceAll("_", " ");
}
