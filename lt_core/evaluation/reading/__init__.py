"""Predictions of any origin: which column is which class, which row which image, and what the numbers are."""
