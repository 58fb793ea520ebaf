"""Venues served on the wire: one simulated world, spoken to in the venues' own protocols."""
