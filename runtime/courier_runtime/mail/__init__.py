"""Mail in motion, as values: envelopes, identifiers, replies and outcomes. No I/O and no clock."""
