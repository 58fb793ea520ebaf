"""Rules, written once, as kernels over the desk's arrays."""
