"""Facts about Courier's own settings files, and how they are collected."""
