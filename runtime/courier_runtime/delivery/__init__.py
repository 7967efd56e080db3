"""Transports: how a message leaves the queue, into a mailbox here or to another server."""
