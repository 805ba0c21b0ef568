"""What the records of one org and day say, typed, in UTC and integer milliseconds.

Belongs here: conversations, sessions, segments, session metrics, attributes, and what did not fit.
Elsewhere: the records themselves (raw/), who an agent or a queue is (identity/), sums (rollups/).
"""
