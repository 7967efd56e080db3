"""The language people write: one module per YAML section, frozen values, no defaults from elsewhere, no I/O."""
