"""The losses themselves, one file each; ``lt_core.losses.registry`` finds whatever is here."""
