"""A venue that takes commands and gives events, over the matching kernels."""
