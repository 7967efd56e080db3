"""What keeps the server's parts running, and carries them over to a new configuration."""
