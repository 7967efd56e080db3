"""Importing: an existing configuration directory of any age becomes a site, and the proof that nothing was lost."""
