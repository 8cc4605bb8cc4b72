"""Results: which classes work?"""

from __future__ import annotations

from pages.ui import results_panel, run_picker

run_picker.header("Results", "Which classes work, and how sure can one be?")
found = run_picker.with_results("precision, recall, F1, AP and AUROC of every class, from head to tail")
first, second = results_panel.choose(found)
part, threshold = results_panel.settings(first, second)
reports = results_panel.evaluated(first, second, part, threshold)
results_panel.numbers(reports)
results_panel.groups(reports, threshold)
results_panel.classes(reports)
results_panel.table(reports)
