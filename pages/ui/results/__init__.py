"""The Results page: which models are looked at, and the views on them."""
