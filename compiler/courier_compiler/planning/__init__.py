"""Planning: from two trees, the one on disk and the one that a build wants, to a plan that people and programs read.

`sides` decodes both, `forms` says how a file's entries are told apart, `difference` compares entry by entry, `effects`
says what that means for mail, `guards` refuses what is rarely meant, `plan` is the value, `rendering` prints it.
"""
