"""What the platform says about itself while it works: logs, metrics, alerts.

Belongs here: how events are written, and that nothing personal or secret is in them.
Elsewhere: which events there are (whoever does the work logs them).
"""
