// The address is the state: `#/rows/t-fills?figure=fills&as_of=3500`. Back, a bookmark and a colleague see the same.

export type Query = Record<string, string | number | null | undefined>;

function parse(hash: string): { path: string[]; query: URLSearchParams } {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decoded), query: new URLSearchParams(query) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

class Route {
  private hash = $state(location.hash);
  private parts = $derived(parse(this.hash));

  constructor() {
    addEventListener("hashchange", () => (this.hash = location.hash));
  }

  get path(): string[] {
    return this.parts.path;
  }

  get page(): string {
    return this.parts.path[0] ?? "overview";
  }

  get query(): URLSearchParams {
    return this.parts.query;
  }

  /** The journal sequence that the view is pinned at; null follows live. */
  get asOf(): number | null {
    const told = Number(this.parts.query.get("as_of") ?? Number.NaN);
    return Number.isSafeInteger(told) && told >= 0 ? told : null;
  }
}

export const route = new Route();

/** The address of a page. It stays pinned where the present one is, unless `query` says otherwise. */
export function to(path: string[], query: Query = {}): string {
  const all: Query = { as_of: route.asOf, ...query };
  const told = Object.entries(all).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const search = new URLSearchParams(told.map(([name, value]) => [name, String(value)]));
  const text = search.toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

/** The present address with some of its query changed. */
export function here(query: Query): string {
  return to(route.path, { ...Object.fromEntries(route.query), ...query });
}

export function go(address: string): void {
  location.hash = address;
}

/** Change the query in place: typing into a filter is no step of history. */
export function amend(query: Query): void {
  history.replaceState(null, "", here(query));
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/** Where `/api/rows/...` of a figure is shown. */
export function rowsOf(rowsUrl: string, asOf: number | null): string {
  const [path = "", search = ""] = rowsUrl.split("?", 2);
  const query = Object.fromEntries(new URLSearchParams(search));
  const table = decoded(path.split("/").pop() ?? "");
  return to(["rows", table], { ...query, as_of: asOf ?? query["as_of"] });
}
