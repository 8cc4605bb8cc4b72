"""The only place that turns core types into widgets."""
