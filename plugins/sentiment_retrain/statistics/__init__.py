"""The mathematics that judgements rest on. Pure."""
