"""What things cost, as ratios to a peer in the same run; never a test, never a gate.

Belongs here: the benchmarks, one file each, and how they measure (measuring.py). How to read them,
and the figures: docs/benchmarks.md.
"""
