// Which level a person is about to ask for. One dialog at a time, openable from any page.

export interface Wish {
  scope: string;
  level: string;
  now: string;
}

class Wishes {
  lower = $state<Wish | null>(null);
  raise = $state<Wish | null>(null);
}

export const wishes = new Wishes();
