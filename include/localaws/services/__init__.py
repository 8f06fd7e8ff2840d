"""The services that really work here; every other one is moto's."""
