"""Mail servers of others on machines beside this one, for ours to exchange mail with."""
