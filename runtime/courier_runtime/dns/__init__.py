"""DNS as mail needs it: mail exchangers, addresses, texts and verified host names."""
