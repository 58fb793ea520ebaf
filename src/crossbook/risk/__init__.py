"""Risk as policy: which limits there are, their defaults and the ceilings that no configuration can pass."""
