"""Tracing: one envelope walked through a compiled host, from the connection to the mailbox or the next server.

Nothing is asked of the network or of the mail host: where a real server would look something up, the trace says so and
goes on as if the answer were favourable, and names what it took for granted.
"""
