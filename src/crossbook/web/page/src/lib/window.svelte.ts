// A window onto rows that stay with the desk: only the chunks that are looked at are fetched and kept.

import { asked, read } from "./api";
import type { Query } from "./route.svelte";
import type { Line, Rows } from "./shapes";

const CHUNK = 200;
const KEPT = 12;

export class RowWindow {
  head = $state.raw<Rows | null>(null);
  trouble = $state("");
  private chunks = $state.raw<Map<number, Line[]>>(new Map());
  private address = "";
  private waiting = new Set<number>();
  private turn = 0;

  /** Ask for other rows; what was shown stays until they come. */
  async show(url: string, query: Query): Promise<void> {
    const address = asked(url, query);
    this.address = address;
    this.turn += 1;
    this.waiting.clear();
    await this.fetch(0, this.turn, true);
  }

  /** The rows from `from` on; those that are not here yet are undefined and on their way. */
  between(from: number, till: number): (Line | undefined)[] {
    const found: (Line | undefined)[] = [];
    for (let at = from; at < till; at += 1) found.push(this.chunks.get(Math.floor(at / CHUNK))?.[at % CHUNK]);
    return found;
  }

  /** Fetch what the window needs. */
  want(from: number, till: number): void {
    for (let chunk = Math.floor(from / CHUNK); chunk * CHUNK < till; chunk += 1) {
      if (!this.chunks.has(chunk) && !this.waiting.has(chunk)) void this.fetch(chunk, this.turn, false);
    }
  }

  /** Every row, if all of them are here. */
  get all(): Line[] | null {
    if (!this.head || this.head.n > CHUNK) return null;
    return this.chunks.get(0) ?? [];
  }

  private async fetch(chunk: number, turn: number, fresh: boolean): Promise<void> {
    this.waiting.add(chunk);
    try {
      const body = await read<Rows>(asked(this.address, { offset: chunk * CHUNK, limit: CHUNK }));
      if (turn !== this.turn) return;
      const kept = fresh ? new Map<number, Line[]>() : new Map([...this.chunks].slice(-KEPT));
      kept.set(chunk, body.rows);
      this.chunks = kept;
      this.head = body;
      this.trouble = "";
    } catch (error) {
      if (turn !== this.turn) return;
      this.trouble = error instanceof Error ? error.message : String(error);
    } finally {
      this.waiting.delete(chunk);
    }
  }
}
