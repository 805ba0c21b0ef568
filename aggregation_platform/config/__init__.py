"""What a person configures: platform.yaml, the rules files, the environment.

Belongs here: reading and checking them, once, as a whole, at the door. Elsewhere: everything that
acts on them.
"""
