"""The market beside its quotes: instruments and their grids, fee and funding schedules."""
