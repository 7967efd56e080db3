"""Courier's alias language: sources to databases, databases to sources, and the lookup in between."""
