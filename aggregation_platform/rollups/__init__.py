"""Sums and counts from which every average and rate derives; the division comes last."""
