"""What the processes of one site share at one organization: permits, blocks, values, claims.

Belongs here: the seam (state.py), the embedded state (sqlite_state.py), production's
(postgres_state.py) and choosing between them (opening.py).
Elsewhere: what a permit is held for (genesys/rate_limits.py), what a claim protects (extraction/).
"""
