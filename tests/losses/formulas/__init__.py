"""Every loss written a second time, from its formula, in 50-digit arithmetic: what our code is compared with.

``cells`` has the losses that are a sum over cells, ``rows`` the single-label ones, ``whole`` those that look across a
row or a batch of a multi-label matrix. Nothing here may call the code under test.
"""
