// What is known of the desk now: its figures, all of one journal sequence, as they come in or pinned.

import { untrack } from "svelte";
import { address, read, Trouble } from "./api";
import { exactly } from "./exact";
import { route } from "./route.svelte";
import { session } from "./session.svelte";
import type { Alert, Head, Message, Ns, Tile } from "./shapes";

/** A desk that trades says something each second; one that is silent so long is asked, and lost if it does not answer. */
const PROBE_MS = 1200;
const PROBE_IDLE_MS = 15_000;
const LOST_MS = 700;
const WAIT_MS = [250, 500, 1000, 2000, 4000];
const ALERTS_MAX = 50;

class Desk {
  head = $state.raw<Head | null>(null);
  liveTiles = $state.raw<Record<string, Tile>>({});
  pinnedTiles = $state.raw<Record<string, Tile>>({});
  liveSeq = $state(0);
  alerts = $state.raw<Alert[]>([]);
  /** Null while connected; otherwise when the connection was lost (ms). */
  lostAt = $state<number | null>(null);
  /** Whether a desk runs it now; whether its run came to its end. */
  alive = $state(false);
  ended = $state(false);
  ever = $state(false);
  attempts = $state(0);
  /** Null while the desk lives; otherwise since when it does not, in ns (0: unknown). */
  deadSince = $state<Ns | null>(null);
  changedAt = $state(Date.now());
  heardAt = $state(Date.now());
  now = $state(Date.now());
  pinTrouble = $state("");

  private socket: WebSocket | null = null;
  private timer = 0;
  private probedAt = 0;
  private pinnedAt: number | null = null;

  constructor() {
    setInterval(() => this.tick(), 250);
  }

  /** The figures of the view: pinned ones where the address says so. */
  get tiles(): Record<string, Tile> {
    return route.asOf === null ? this.liveTiles : this.pinnedTiles;
  }

  get seq(): number {
    return route.asOf ?? this.liveSeq;
  }

  /** The newest sequence, for a timer: nothing runs again because it grew. */
  get untrackedSeq(): number {
    return untrack(() => this.liveSeq);
  }

  /** Live figures that nobody keeps up: no connection, or no desk while its run is not finished. */
  get stale(): boolean {
    return route.asOf === null && (this.lostAt !== null || (this.deadSince !== null && !this.ended));
  }

  get ageMs(): number {
    return this.now - this.changedAt;
  }

  connect(): void {
    this.disconnect();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/live?after=${this.liveSeq}`);
    this.socket = socket;
    socket.onmessage = (event) => {
      if (this.socket === socket) this.take(exactly(String(event.data)) as Message);
    };
    socket.onopen = () => (this.heardAt = Date.now());
    socket.onclose = () => {
      if (this.socket === socket) this.lose();
    };
  }

  disconnect(): void {
    clearTimeout(this.timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  /** Fetch the figures at the sequence that the address pins. */
  async pin(seq: number): Promise<void> {
    if (this.pinnedAt === seq) return;
    this.pinnedAt = seq;
    this.pinTrouble = "";
    try {
      const body = await read<{ figures: Tile[] }>(address("/api/figures", {}, { as_of: seq }));
      if (this.pinnedAt === seq) this.pinnedTiles = byName(body.figures);
    } catch (error) {
      this.pinnedAt = null;
      this.pinTrouble = error instanceof Trouble ? error.message : String(error);
    }
  }

  private take(message: Message): void {
    this.heardAt = Date.now();
    this.lostAt = null;
    this.ever = true;
    this.attempts = 0;
    if (message.type === "desk") {
      this.deadSince = message.alive || message.ended ? null : (message.since ?? 0);
      this.alive = message.alive;
      this.ended = !message.alive && message.ended === true;
      return;
    }
    if (message.type !== "snapshot" && message.type !== "delta") return;
    if (message.type === "delta" && message.from_seq > this.liveSeq) {
      this.liveSeq = 0;
      this.connect(); // something between was missed: begin with a whole snapshot
      return;
    }
    const came = byName(message.tiles ?? []);
    this.liveTiles = message.type === "snapshot" ? came : { ...this.liveTiles, ...came };
    if (message.head) this.head = { ...this.head, ...message.head };
    if (message.as_of_seq !== this.liveSeq) this.changedAt = this.heardAt;
    this.liveSeq = message.as_of_seq;
    if (message.alerts?.length) this.alerts = [...message.alerts, ...this.alerts].slice(0, ALERTS_MAX);
  }

  private lose(): void {
    this.socket = null;
    this.lostAt ??= Date.now();
    const wait = WAIT_MS[Math.min(this.attempts, WAIT_MS.length - 1)] ?? 4000;
    this.attempts += 1;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.again(), wait);
  }

  /** A server that came up again may have forgotten the session: ask before knocking. */
  private async again(): Promise<void> {
    if ((await session.look()) && session.role === null) return;
    this.connect();
  }

  private tick(): void {
    this.now = Date.now();
    const socket = this.socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    const trades = this.deadSince === null && !this.ended;
    const silent = this.now - Math.max(this.heardAt, this.probedAt);
    if (this.probedAt > this.heardAt && silent > LOST_MS) {
      this.socket = null;
      socket.close(); // waits for an answer that will not come, so lose it at once
      this.lose();
    } else if (silent > (trades ? PROBE_MS : PROBE_IDLE_MS)) {
      this.probedAt = this.now;
      socket.send("again");
    }
  }
}

function byName(tiles: Tile[]): Record<string, Tile> {
  return Object.fromEntries(tiles.map((tile) => [tile.name, tile]));
}

export const desk = new Desk();
