"""Whom and what an org's records name, with their past: users, queues, codes, groups, teams."""
