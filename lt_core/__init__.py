"""LongTail Lab's core: data sets, label statistics, losses, training, evaluation and explanation.

Importing it imports nothing heavy: torch and timm come in only with the packages that need them.
"""

__version__ = "0.1.0"
