"""Simulated Genesys Cloud organisations: a witness to hold the platform against.

Belongs here: a seeded world of conversations, the records and aggregates an organisation would
serve of it, the faults it would have, and the truth about it. Elsewhere: everything that reads
such records; this package shares no code with the client or the facts it is a witness for.
"""
