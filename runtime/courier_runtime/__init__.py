"""From a compiled Courier tree to a running mail server."""
