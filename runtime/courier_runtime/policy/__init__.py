"""Judgement: one file per check, and the order in which they are asked. Checks know values and seams, no sockets."""
