"""Tables of labels: text to cells, cells to roles (image, patient, part, labels), labels to a matrix."""

from __future__ import annotations
