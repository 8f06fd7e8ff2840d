"""One run: its form, its plan, its names, its costs, and what its tasks handed on."""
