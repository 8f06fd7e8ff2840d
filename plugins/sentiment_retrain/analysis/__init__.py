"""What is found out about the data and the models: bias, attributions, drift."""
