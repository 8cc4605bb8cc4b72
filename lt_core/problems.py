"""What can go wrong through no fault of the code, said in one sentence a user can act on."""

from __future__ import annotations


class Problem(Exception):
    """Bad input: the message says what is wrong, where, and how to mend it.

    Pages show the message, the command line prints it on one line of stderr and exits with 2.
    Anything that is not a ``Problem`` is a bug of ours.
    """

    def __str__(self) -> str:  # KeyError would quote the sentence
        return str(self.args[0]) if self.args else type(self).__name__


class Unknown(Problem, KeyError):
    """A name that is not in a list of known names; the message gives the nearest and all of them."""

    @classmethod
    def of(cls, kind: str, name: str, known: list[str]) -> Unknown:
        """Return the error for ``name`` not being a ``kind`` among ``known``."""
        from difflib import get_close_matches

        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return cls(f"unknown {kind} {name!r}: {hint}known are {', '.join(known)}")


class Invalid(Problem, ValueError):
    """A value outside what its declaration allows."""
