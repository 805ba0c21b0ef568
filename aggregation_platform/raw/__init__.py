"""What an org's API returned, verbatim, with how and when it was fetched.

Belongs here: pages into records, one record per conversation, setting apart what has nothing on
the day, a day's finality.
Elsewhere: storing pages (landing/), what a record says (facts/).
"""
