"""The guide to the losses, and the code in it."""

from __future__ import annotations

import re
from pathlib import Path

from lt_core.losses.docs_table import BEGIN

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "losses.md"


def guide_code() -> list[str]:
    """Return the blocks of Python in the part of the guide that a person has written."""
    text = GUIDE.read_text(encoding="utf-8").split(BEGIN)[0]
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
