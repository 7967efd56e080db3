"""Where an address leads: aliases, acceptance, local accounts and relays, all by looking up one snapshot."""
