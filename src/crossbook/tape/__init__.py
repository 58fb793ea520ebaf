"""Tapes: recorded market frames as event rows, archived in Parquet and replayed from a memory map."""
