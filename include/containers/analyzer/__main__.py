"""`python -m analyzer`: run as the entry point of the processing container."""

import sys

from analyzer.main import main

sys.exit(main())
