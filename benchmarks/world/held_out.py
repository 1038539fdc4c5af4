"""`execution` with objects that no skill was built or tuned on.

python -m benchmarks.world.held_out --workers 2 --write
"""

import sys

from benchmarks.world.execution import main

if __name__ == "__main__":
    sys.exit(main(["--held-out", "--trials", "220", *sys.argv[1:]]))
