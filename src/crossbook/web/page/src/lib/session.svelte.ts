// Who is looking: nobody, a viewer or an operator. The session itself is a cookie that no script can read.

import type { Session as Told } from "./shapes";

class Session {
  role = $state<string | null>(null);
  name = $state("");
  /** Whether there is a password to raise with. */
  mayRaise = $state(false);
  asked = $state(false);
  csrf = "";

  get operator(): boolean {
    return this.role === "operator";
  }

  take(told: Told): void {
    this.role = told.role;
    this.csrf = told.csrf ?? "";
    this.name = told.name ?? "";
    this.mayRaise = told.may_raise;
    this.asked = true;
  }

  lost(): void {
    this.role = null;
    this.csrf = "";
    this.asked = true;
  }

  /** Ask whether the cookie still holds; says whether the server answered. */
  async look(): Promise<boolean> {
    try {
      const answer = await fetch("/api/session", { credentials: "same-origin", cache: "no-store" });
      if (answer.ok) this.take((await answer.json()) as Told);
      else if (answer.status === 401 || answer.status === 403) this.lost();
      return true;
    } catch {
      return false;
    }
  }
}

export const session = new Session();
