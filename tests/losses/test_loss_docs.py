"""The guide to the losses: its table is the declarations, its code runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from lt_core.cli import main
from lt_core.losses import all_losses
from lt_core.losses.docs_table import BEGIN, END, markdown
from tests.losses.guide import GUIDE, guide_code

MEND = "python -m lt_core losses --markdown docs/losses.md"


def test_the_guide_holds_the_table_of_all_losses() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    table = text.split(BEGIN)[1].split(END)[0]
    assert table.strip() == markdown().strip(), f"docs/losses.md is out of date, mend it with: {MEND}"


def test_the_command_puts_the_table_between_the_marks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    guide = tmp_path / "guide.md"
    guide.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    assert main(["losses", "--markdown", str(guide)]) == 0
    assert guide.read_text(encoding="utf-8") == f"before\n{BEGIN}\n\n{markdown()}\n{END}\nafter\n"
    capsys.readouterr()
    assert main(["losses", "--markdown"]) == 0
    assert capsys.readouterr().out == markdown()
    guide.write_text("no marks", encoding="utf-8")
    for name in (str(guide), str(tmp_path / "none.md")):
        assert main(["losses", "--markdown", name]) == 2
    assert guide.read_text(encoding="utf-8") == "no marks"


def test_the_table_names_everything_that_is_declared() -> None:
    text = markdown()
    sections = {part.split("\n")[0]: part for part in text.split("\n### ")[1:]}
    assert set(sections) == {spec.key for spec in all_losses()}
    for spec in all_losses():
        part = sections[spec.key]
        assert spec.paper.url in part
        assert part.count("\n| `") == len(spec.params)
        for param in spec.params:
            assert f"| `{param.name}` |" in part
        for identity in spec.reduces_to:
            assert f"`{identity.key}`" in part
        assert ("Not in the paper" in part) == bool(spec.extension)


def test_the_code_of_the_guide_runs() -> None:
    blocks = [block for block in guide_code() if "@loss(" not in block]
    assert len(blocks) >= 3
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(GUIDE), "exec", dont_inherit=True), names)
