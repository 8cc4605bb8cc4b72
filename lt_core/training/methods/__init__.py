"""Methods beyond the loss: semi-supervised, self-calibrating, class-incremental; one file each.

``get_method`` and ``all_methods`` are in ``lt_core.training.methods.registry``. A run names one with ``method`` and
its hyper-parameters with ``method_values``. A new method is one new file here.
"""
