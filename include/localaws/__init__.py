"""A stand-in for AWS that really does the work, on loopback. Run it with ``python -m localaws --help``."""

VERSION = "0.1.0"
ACCOUNT_ID = "123456789012"
