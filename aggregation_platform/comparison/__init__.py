"""One org's day beside the org's own report, and beside what we publish of it.

Belongs here: gathering the sides from warehouse, landing zone and org. Elsewhere: comparing them
(rollups/reconciliation.py, rollups/rollup_check.py), choosing the days and printing
(cli/reconcile.py), the asset checks (defs/source_checks.py).
"""
