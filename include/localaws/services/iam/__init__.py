"""IAM: moto's records, with the simulation of a principal's policies."""
