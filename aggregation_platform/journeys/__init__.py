"""Which conversations of different orgs are one customer contact, and by what evidence."""
