"""Who may write: the sites of one platform and the lease between them."""
