// Keys: `g` and a letter goes to a page, the rest does one thing each. None while a person types.

export interface Place {
  key: string;
  page: string;
  title: string;
  what: string;
}

export const PLACES: readonly Place[] = [
  { key: "o", page: "overview", title: "Overview", what: "value, why, strategies, exposure" },
  { key: "s", page: "strategies", title: "Strategies", what: "life, edge, why it did not trade" },
  { key: "t", page: "trades", title: "Trades", what: "every intent and what became of it" },
  { key: "l", page: "latency", title: "Latency", what: "each hop, from the socket to the fill" },
  { key: "k", page: "risk", title: "Risk", what: "limits, ladder, stop" },
  { key: "v", page: "venues", title: "Venues", what: "streams, breaks, unknown orders" },
  { key: "m", page: "models", title: "Models", what: "cards, calibration, drift" },
  { key: "r", page: "runs", title: "Runs", what: "backtests, paper and live, compared" },
  { key: "p", page: "reports", title: "Reports", what: "months, and tear sheets" },
  { key: "e", page: "explore", title: "Explore", what: "group and sum any rows" },
  { key: "j", page: "log", title: "Log", what: "journal and alerts by trace" },
];

export const KEYS: readonly [string, string][] = [
  ["/", "search figures, tables and pages"],
  ["f", "follow live, or pin what is shown"],
  ["d", "dark or light"],
  ["z", "times in UTC or local"],
  ["x", "stop: close only or kill"],
  ["?", "this help"],
  ["Esc", "close what is open"],
];

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [contenteditable]") !== null;
}

/** Listen; `act` gets the key, or `g o` for two. Returns how to stop. */
export function listen(act: (key: string) => boolean): () => void {
  let first = 0;
  function down(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing(event.target) && event.key !== "Escape") return;
    if (document.querySelector("dialog[open]") && event.key !== "Escape") return;
    const second = Date.now() - first < 1200;
    first = event.key === "g" && !second ? Date.now() : 0;
    if (act(second ? `g ${event.key}` : event.key)) event.preventDefault();
  }
  addEventListener("keydown", down);
  return () => removeEventListener("keydown", down);
}
