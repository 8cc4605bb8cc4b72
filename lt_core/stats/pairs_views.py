"""Pairs of classes put in the orders that questions about them need."""

from __future__ import annotations

import pandas as pd

from lt_core.problems import Unknown

VIEWS = {
    "frequent": "The pairs with the most images.",
    "rarest": "The pairs seen in the fewest images, at least one. Where two rare pairs are equally rare, the one "
    "expected more often comes first.",
    "more": "Pairs seen more often than by chance (q < 0.05), by the lower end of the lift's interval: how many times "
    "as often they are at least.",
    "less": "Pairs seen less often than by chance (q < 0.05), by the upper end of the lift's interval.",
    "never": "Pairs of classes never seen together, by the number expected under independence.",
}
"""The views of ``pairs_by`` and what each lists."""

SURE = 0.05
"""Pairs below this q are listed as more or less frequent than by chance."""


def pairs_by(view: str, seen: pd.DataFrame, never: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of one view of ``VIEWS``, in its order, from ``pair_table`` and ``never_together``.

    "less" lists pairs never seen, too, where that is less than chance. Raises ``Unknown`` for another view.
    """
    match view:
        case "frequent":
            return seen.sort_values(["n", "a", "b"], ascending=[False, True, True], ignore_index=True)
        case "rarest":
            return seen.sort_values(["n", "expected", "a", "b"], ascending=[True, False, True, True], ignore_index=True)
        case "more":
            sure = seen[(seen["q"] < SURE) & (seen["lift"] > 1)]
            return sure.sort_values(["lift_low", "n"], ascending=False, ignore_index=True)
        case "less":
            rows = pd.concat([seen, never], ignore_index=True) if len(never) else seen
            sure = rows[(rows["q"] < SURE) & (rows["lift"] < 1)]
            return sure.sort_values(["lift_high", "expected"], ascending=[True, False], ignore_index=True)
        case "never":
            return never.sort_values(["expected", "a", "b"], ascending=[False, True, True], ignore_index=True)
    raise Unknown.of("view of pairs", view, list(VIEWS))
