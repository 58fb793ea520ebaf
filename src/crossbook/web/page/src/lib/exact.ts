// Numbers of rows are exact beyond 2^53: they are read as the text that was sent, and summed as whole numbers.

type Context = { source?: string } | undefined;
type Reviver = (key: string, value: unknown, context: Context) => unknown;

const parse = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** JSON with every number that a double cannot hold kept as its text. */
export function exactly(text: string): unknown {
  return parse(text, (_key, value, context) => {
    if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
    return context?.source ?? value;
  });
}

function scaled(text: string): [bigint, number] | null {
  const found = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!found) return null;
  const [, sign, whole = "0", fraction = "", power = "0"] = found;
  const digits = BigInt(whole + fraction) * (sign === "-" ? -1n : 1n);
  return [digits, fraction.length - Number(power)];
}

/** The exact sum of decimal texts; null where one is none. */
export function total(values: readonly (string | number)[]): string | null {
  let digits = 0n;
  let places = 0;
  for (const value of values) {
    const found = scaled(String(value));
    if (!found) return null;
    let [more, at] = found;
    if (at < 0) [more, at] = [more * 10n ** BigInt(-at), 0];
    if (at > places) [digits, places] = [digits * 10n ** BigInt(at - places), at];
    digits += more * 10n ** BigInt(places - at);
  }
  return trimmed(digits, places);
}

function trimmed(digits: bigint, places: number): string {
  const sign = digits < 0n ? "-" : "";
  const text = (digits < 0n ? -digits : digits).toString().padStart(places + 1, "0");
  const whole = text.slice(0, text.length - places);
  const fraction = places ? text.slice(-places).replace(/0+$/, "") : "";
  return sign + whole + (fraction ? `.${fraction}` : "");
}

/** Whether a number of the desk is below, at or above 0. */
export function sign(value: number | string | null | undefined): -1 | 0 | 1 {
  const number = Number(value ?? 0);
  return number < 0 ? -1 : number > 0 ? 1 : 0;
}
