"""A loss with its settings as Python text: a few lines that use this library, or a module that needs only PyTorch."""

from __future__ import annotations

from lt_core.losses.export.module_text import as_module, class_name
from lt_core.losses.export.python_text import as_python

__all__ = ["as_module", "as_python", "class_name"]
