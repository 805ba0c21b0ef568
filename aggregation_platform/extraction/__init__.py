"""Fetching an org's day, so that it cannot be knocked over.

Belongs here: one org's day as steps that can be cut anywhere (org_day.py), what to do next
(moves.py), windows and their halves (windows.py), several orgs and days at once (many.py), the
fresh tail (tail.py), figures on how it went (quality.py).
Elsewhere: talking to an org (genesys/), what is stored (landing/), rows (raw/).
"""
