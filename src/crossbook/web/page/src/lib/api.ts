// Every request to the desk's page process. An answer that is no success becomes one line that can be shown.

import type { paths } from "../../schema";
import { exactly } from "./exact";
import { session } from "./session.svelte";

export class Trouble extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function told(answer: Response): Promise<string> {
  const text = await answer.text();
  try {
    const body = JSON.parse(text) as { error?: unknown; detail?: unknown };
    const said = body.error ?? body.detail;
    if (typeof said === "string") return said;
    if (said) return JSON.stringify(said);
  } catch {
    // not JSON: say the status below
  }
  return `the page's server answered ${answer.status} ${answer.statusText}`.trim();
}

async function request(url: string, init?: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(url, { credentials: "same-origin", cache: "no-store", ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Trouble(0, "the page's server does not answer");
  }
  if (answer.ok) return answer;
  const trouble = new Trouble(answer.status, await told(answer));
  if (answer.status === 401 && !url.endsWith("/api/login")) session.lost();
  throw trouble;
}

export async function read<T>(url: string, signal?: AbortSignal): Promise<T> {
  const answer = await request(url, signal ? { signal } : {});
  return exactly(await answer.text()) as T;
}

export async function post<T>(url: string, body: object): Promise<T> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (session.csrf) headers["x-csrf-token"] = session.csrf;
  const answer = await request(url, { method: "POST", headers, body: JSON.stringify(body) });
  return exactly(await answer.text()) as T;
}

/** `url` with a query; what is empty is left out. */
export function asked(url: string, query: Record<string, string | number | boolean | null | undefined>): string {
  const told = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(told.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${url}${url.includes("?") ? "&" : "?"}${text}` : url;
}

type Reads = { [P in keyof paths]: paths[P] extends { get: object } ? P : never }[keyof paths];
type Parameters<P extends Reads> = paths[P] extends { get: { parameters: infer Told } } ? Told : never;
type Names<P extends Reads> = Parameters<P> extends { path: infer Told } ? Told : Record<string, never>;
type Asked<P extends Reads> = Parameters<P> extends { query?: infer Told } ? { [N in keyof Told]?: string | number | boolean | null } : object;

/** The address of something that can be read, its names and its query as the OpenAPI document has them. */
export function address<P extends Reads>(path: P, names: Names<P>, query: Asked<P> | null = null): string {
  const told = names as Record<string, unknown>;
  const url = path.replace(/{(\w+)}/g, (_, name: string) => encodeURIComponent(String(told[name] ?? "")));
  return asked(url, { ...query });
}
