"""The benchmarks: what each data set is, how a copy of it is recognised, and what others reached on it."""
