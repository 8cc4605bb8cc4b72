"""ARFF, the text format of Weka, Mulan and Meka: the header, the rows, and which attributes are labels."""

from __future__ import annotations
