"""Reads of the warehouse for people and for automation: one small typed function for each.

Belongs here: SQL, and the grain and columns of what it returns. Elsewhere: who asks (cli/, defs/).
"""
