"""Mail to other servers: where to connect, what to say, and what the answers mean for each recipient (RFC 5321)."""
