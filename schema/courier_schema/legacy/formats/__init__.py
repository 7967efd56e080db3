"""File formats, both directions: bytes to values and values to bytes, pure."""
