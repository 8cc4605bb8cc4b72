"""What only readers of chest X-ray sets need: names of findings, uncertain labels, boxes and votes of readers."""

from __future__ import annotations
