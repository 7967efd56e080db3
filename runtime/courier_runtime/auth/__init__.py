"""Accounts: who has a mailbox here, and who can prove it."""
