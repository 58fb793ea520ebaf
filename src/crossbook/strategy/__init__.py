"""Strategies: what each wants, as parameters and a kernel; what it may do is decided elsewhere."""
