"""The steward: everything that is done in a recipient's name, and nothing else.

Standard library only, for the same acts run in the process of the server (embedded) and in the one small process that
keeps root's rights.
"""
