"""Two languages as pure values: the one people write (a site in YAML) and the one Courier reads.

Nothing here opens sockets, reads clocks or decides where a file goes; bytes become values and values bytes.
"""

__version__ = "0.1.0"
