"""Venues: what they say on the wire, turned into the rows of the core."""
