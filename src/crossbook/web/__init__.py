"""The page's own process: a run read back from its journal, and served to a browser."""
