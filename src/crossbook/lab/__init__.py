"""The lab: what can be learned from tapes without a run."""
