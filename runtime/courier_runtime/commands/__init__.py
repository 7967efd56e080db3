"""Small commands under Courier's own names. They start in a blink: standard library only, and little of that."""
