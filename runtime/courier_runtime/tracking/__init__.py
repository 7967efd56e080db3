"""The memory of addresses and hosts that fail, so that mail for them is refused before it becomes backscatter."""
