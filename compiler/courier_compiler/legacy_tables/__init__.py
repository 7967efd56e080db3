"""An existing configuration directory: its text sources compiled in place, its databases asked as Courier asks them."""
