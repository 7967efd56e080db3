"""When messages are tried, by whom, how many at a time, and what follows from the outcome."""
