"""In the making."""


class AutoMLOperations:
    """In the making."""
