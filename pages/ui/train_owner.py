"""Who is looking: so that several people on one server do not stop or follow each other's runs by accident."""

from __future__ import annotations

import hashlib
import secrets

import streamlit as st

from lt_core.training import Run

VISITOR = "train-visitor"
COOKIE = "_streamlit_xsrf"
"""What tells a browser from others where nobody logs in; a reload of the page keeps it."""


def me() -> str:
    """Return who starts runs here: the name of the login, else one for this browser, else for this session."""
    if getattr(st.user, "is_logged_in", False):
        return str(st.user.get("name") or st.user.get("email") or st.user.get("sub") or "somebody")
    if VISITOR not in st.session_state:
        cookie = st.context.cookies.get(COOKIE)
        st.session_state[VISITOR] = f"visitor {_lasting(cookie) or secrets.token_hex(3)}"
    return str(st.session_state[VISITOR])


def mine(run: Run) -> bool:
    """Return whether this visitor may stop, delete and go on with ``run`` without being asked: only with one's own."""
    return run.meta.owner == me()


def followed(run: Run) -> bool:
    """Return whether the page may show ``run`` unasked: one's own, or one that names no owner."""
    return run.meta.owner in ("", me())


def _lasting(cookie: object) -> str | None:
    """Return what stays the same of a cookie: a masked one (version, mask, masked, time) is written anew each time."""
    if not isinstance(cookie, str):  # no cookie, or no browser
        return None
    parts = cookie.strip('"').split("|")
    if len(parts) == 4 and parts[0] == "2":
        try:
            mask, masked = bytes.fromhex(parts[1]), bytes.fromhex(parts[2])
        except ValueError:
            return None
        cookie = bytes(byte ^ mask[k % len(mask)] for k, byte in enumerate(masked)).hex()
    return hashlib.sha256(cookie.encode()).hexdigest()[:6] if cookie else None
