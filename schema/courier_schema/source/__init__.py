"""Reading a site: YAML text to a plain tree with marks, includes and host overlays merged, secrets fetched.

The only room of the schema that opens files and runs commands, and only in `loader` and `secrets`.
"""
