"""The symbols of hyper-parameters as HTML: the explorer's labels are drawn where there is no LaTeX."""

from __future__ import annotations

import re

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "varepsilon": "ε", "eta": "η", "theta": "θ",
    "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ",
    "psi": "ψ", "omega": "ω",
}  # fmt: skip
UPRIGHT = ("max", "min", "log")


SYMBOL = re.compile(r"(\\?[A-Za-z]+)'?((?:[_^](?:\{[^{}]*\}|\\?[A-Za-z]+|[^\\{}]))*)")
SCRIPT = re.compile(r"([_^])(?:\{([^{}]*)\}|(\\?[A-Za-z]+|[^\\{}]))")


def symbol_html(tex: str) -> str:
    r"""Return a symbol such as ``\gamma_-`` or ``w^+_{\max}`` as HTML; empty where it is more than that."""
    match = SYMBOL.fullmatch(tex.strip())
    if not match:
        return ""
    html = _letters(match[1])
    for kind, braced, single in SCRIPT.findall(match[2]):
        tag = "sub" if kind == "_" else "sup"
        html += f"<{tag}>{_letters(braced or single)}</{tag}>"
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
