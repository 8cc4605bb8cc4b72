"""What a run will cost: a few steps in a process of their own, and the layout that pays."""
