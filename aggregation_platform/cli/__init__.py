"""The command `aggregation-platform`: one file per command.

Belongs here: options, progress, what is printed and the exit status. Elsewhere: the work itself.
"""
