"""SMTP as a server speaks it: connections, the conversation, and who is let in."""
