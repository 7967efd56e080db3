"""One generation of a compiled tree, typed and immutable: what a running server knows of its configuration."""
