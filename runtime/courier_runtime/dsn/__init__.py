"""Delivery status notifications: whom to tell what became of a message, and in which words (RFC 3464)."""
