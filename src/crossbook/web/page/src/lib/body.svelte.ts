// The body of a page, fetched at the pinned sequence, or again as the journal grows but at most once per `everyMs`.

import { asked, read, Trouble } from "./api";
import { desk } from "./desk.svelte";
import { route } from "./route.svelte";

export class Body<T> {
  data = $state.raw<T | null>(null);
  trouble = $state("");
  status = $state(0);
}

/** To be called while a component is made; `url` is read again whenever what it depends on changes. */
export function follow<T>(url: () => string, everyMs = 1000): Body<T> {
  const body = new Body<T>();
  let shown = "";
  let busy = false;
  let at = 0;

  async function fetch_(address: string, signal: AbortSignal): Promise<void> {
    busy = true;
    at = Date.now();
    try {
      const data = await read<T>(address, signal);
      if (signal.aborted) return;
      body.data = data;
      body.trouble = "";
      shown = address;
    } catch (error) {
      if (signal.aborted) return;
      body.status = error instanceof Trouble ? error.status : 0;
      body.trouble = error instanceof Error ? error.message : String(error);
    } finally {
      busy = false;
    }
  }

  $effect(() => {
    const address = asked(url(), { as_of: route.asOf });
    const pinned = route.asOf !== null;
    const stop = new AbortController();
    if (address !== shown) void fetch_(address, stop.signal);
    let seen = desk.untrackedSeq;
    const timer = setInterval(
      () => {
        const grew = desk.untrackedSeq !== seen || body.trouble !== "";
        if (pinned || busy || document.hidden || !grew || Date.now() - at < everyMs) return;
        seen = desk.untrackedSeq;
        void fetch_(address, stop.signal);
      },
      Math.min(everyMs, 250),
    );
    return () => {
      stop.abort();
      busy = false;
      clearInterval(timer);
    };
  });
  return body;
}
