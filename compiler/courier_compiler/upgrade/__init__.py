"""Upgrade: settings files made anew from a new release's templates, with the administrator's settings carried over.

`careful` loses nothing and says what it did; `compatible` is what Courier's own sysconftool does, bit for bit. Both
turn bytes into values; `careful_files` and `sysconftool` apply them to files, through `files`.
"""
