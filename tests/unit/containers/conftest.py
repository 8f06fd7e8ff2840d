"""Settings of the property tests here."""

from hypothesis import settings

# A busy machine is no bug: examples have no deadline of their own, the test run has one.
settings.register_profile("containers", deadline=None)
settings.load_profile("containers")
