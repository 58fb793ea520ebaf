"""The survival table as a file: read whole or refused in one line, and what v2 needs of it."""

from __future__ import annotations

from pathlib import Path

import control_material as three
import pytest

from crossbook.desk.config import load_config
from crossbook.desk.survival import load_survival, table_text
from crossbook.errors import Refused
from crossbook.lab.survival import Cell, Source

SOURCE = Source(tape="c" * 64, first_ns=1, last_ns=2, pairs=["A", "B"])
GOOD = table_text(SOURCE, [Cell(edge_bps=7.5, delay_ms=5, ppm=3, n=40), Cell(edge_bps=7.5, delay_ms=10, ppm=2, n=40)])


def written(folder: Path, text: str) -> Path:
    (folder / "made by hand").write_text(text)
    (folder / "three.toml").write_text(three.THREE)
    return folder / "three.toml"


def test_v2_reads_the_table_beside_its_configuration(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, GOOD))
    assert list(config.survival_tables) == ["v2"]
    assert config.survival_tables["v2"].source == SOURCE
    assert [row.ppm for row in config.survival_tables["v2"].row] == [3, 2]


def test_a_missing_table_names_how_to_make_one(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    (tmp_path / "made by hand").unlink()
    with pytest.raises(Refused, match="crossbook survival TAPE"):
        load_config(path)


@pytest.mark.parametrize(
    "text",
    [
        "", "[source", GOOD.split("[[row]]")[0], GOOD.replace("ppm = 3", ""), GOOD.replace("ppm = 3", 'ppm = "3"'),
        GOOD.replace("n = 40", "n = 40\nnote = 1", 1), GOOD.replace("[source]", "[origin]"),
    ],
)  # fmt: skip
def test_a_table_that_is_none_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(Refused) as refused:
        load_config(written(tmp_path, text))
    assert "\n" not in str(refused.value) and "made by hand" in str(refused.value)


def test_a_configuration_does_not_bring_its_own_table(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    source = "[survival_tables.v2]\nrow = []\n[survival_tables.v2.source]\ntape = ''\n"
    source += "first_ns = 1\nlast_ns = 2\npairs = []\n"
    path.write_text(three.THREE + source)
    with pytest.raises(Refused, match="survival_tables is filled by crossbook"):
        load_config(path)


def test_the_shipped_table_can_be_read() -> None:
    table = load_survival(Path(__file__).parents[2] / "configs" / "survival.toml")
    assert len({row.edge_bps for row in table.row}) * len({row.delay_ms for row in table.row}) == len(table.row)
    assert all(0 <= row.ppm <= 10**6 for row in table.row)
