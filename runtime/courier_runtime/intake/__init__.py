"""One message transaction, whatever its source: checks, aliases, headers, filters, and the instant of acceptance."""
