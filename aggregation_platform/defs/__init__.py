"""Dagster, and nothing else: what is an asset, how its partitions are cut, when it runs.

Elsewhere: what the numbers are (raw, facts, journeys, rollups), where they lie (warehouse).
"""
