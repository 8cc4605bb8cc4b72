"""The symbols of hyper-parameters as HTML: the explorer's labels are drawn where there is no LaTeX."""

from __future__ import annotations

import re

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "eta": "η", "theta": "θ",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ",
    "psi": "ψ", "omega": "ω",
}  # fmt: skip
UPRIGHT = ("max", "min", "log")


def symbol_html(tex: str) -> str:
    r"""Return a symbol such as ``\gamma_-`` or ``m_{\max}`` as HTML; empty where it is more than that."""
    match = re.fullmatch(r"(\\?[A-Za-z]+)'?(?:([_^])(?:\{([^{}]*)\}|(\\?[A-Za-z]+|[^\\{}])))?", tex.strip())
    if not match:
        return ""
    base, kind, braced, single = match.groups()
    html = _letters(base)
    if kind:
        tag = "sub" if kind == "_" else "sup"
        html += f"<{tag}>{_letters(braced if braced is not None else single)}</{tag}>"
    return html if "\\" not in html else ""


def _letters(tex: str) -> str:
    """Return letters, Greek ones and a few words as HTML; a command it does not know stays."""

    def word(match: re.Match[str]) -> str:
        name = match[1]
        if name in UPRIGHT:
            return f'<span style="font-style:normal">{name}</span>'
        return GREEK.get(name, match[0])

    safe = tex.replace("&", "&amp;").replace("<", "&lt;").replace("-", "−")
    return re.sub(r"\\(?:text|mathrm)?\{?([A-Za-z]+)\}?", word, safe)
