"""Where messages are safe: leased for delivery, settled afterwards, and never lost or served twice in between."""
