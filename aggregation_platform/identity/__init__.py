"""Who is who over all orgs: global queues, global agents, and how sure we are."""
