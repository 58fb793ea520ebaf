// Steps of a waterfall from what the desk tells. "of it" steps explain the one before and add nothing themselves.

import type { Step } from "./pages";

export interface Bar {
  name: string;
  value: number;
  text: string;
  total?: boolean;
  inside?: boolean;
  apart?: boolean;
}

export function bars(steps: readonly Step[], totals: readonly string[]): Bar[] {
  return steps.map((step) => ({
    name: step.name.replace(/^of it /, ""),
    value: Number(step.value ?? 0),
    text: step.text,
    total: totals.includes(step.name),
    apart: step.name === "expected edge",
    inside: step.name.startsWith("of it "),
  }));
}
