"""The live endpoint: how it is asked for, watched while it changes, scaled, pinned, undone and tidied."""
