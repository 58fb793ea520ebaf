// What a person chose for this browser: dark or light, and whose clock the times are of.

type Theme = "dark" | "light";
type Zone = "UTC" | "local";

function kept(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    return; // a browser that keeps nothing still shows everything
  }
}

class Settings {
  theme = $state<Theme>("dark");
  zone = $state<Zone>("UTC");

  constructor() {
    const system = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
    this.theme = kept("theme") === "light" ? "light" : kept("theme") === "dark" ? "dark" : system;
    this.zone = kept("zone") === "local" ? "local" : "UTC";
    this.apply();
  }

  turn(): void {
    this.theme = this.theme === "dark" ? "light" : "dark";
    keep("theme", this.theme);
    this.apply();
  }

  turnZone(): void {
    this.zone = this.zone === "UTC" ? "local" : "UTC";
    keep("zone", this.zone);
  }

  private apply(): void {
    document.documentElement.dataset["theme"] = this.theme;
  }
}

export const settings = new Settings();
