"""One organization's API, as the fact sheet describes it and as servers really behave.

Belongs here, from the wire up: transport.py (bytes), replies.py (what a status means), tally.py,
rate_limits.py and wire.py (one request within the budget), retries.py, tokens.py and auth.py (who
we are), api.py (one call, repeated as the table allows), details.py, queries.py, reference.py,
aggregates.py (what is asked), client.py (the front door).
Elsewhere: what is done with a page (extraction/, landing/, raw/).
"""
