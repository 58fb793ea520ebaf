"""The parts of `benchmarks/tick_to_wire.py`."""
