"""`python -m courier_compiler.cli` is courier-compile."""

import sys

from courier_compiler.cli import main

if __name__ == "__main__":
    sys.exit(main())
