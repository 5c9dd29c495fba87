"""``covid3dgan demo``: what it asks of the system, and the command that its report prints."""

import json

import pytest

from covid3dgan.cli.main import main
from covid3dgan.systems import shabani


@pytest.mark.parametrize("given, printed", [
    ([], "covid3dgan demo --seed 0"),
    (["--seed", "3", "--precision", "float32"], "covid3dgan demo --seed 3 --precision float32"),
    (["--seed", "3", "--workers", "1"], "covid3dgan demo --seed 3")])
def test_the_reports_command_names_seed_and_precision(tmp_path, monkeypatch, capsys, given, printed):
    asked = {}

    def reproduce(out, preset, execution, **options):
        asked.update(options, preset=preset.name, execution=execution)
        (tmp_path / "results.json").write_text(json.dumps({"mean_dice": {"GAN": {"Mosmed": 0.5}}}))
        return tmp_path / "report.html"

    monkeypatch.setattr(shabani, "reproduce", reproduce)
    assert main(["demo", "--out", str(tmp_path), *given]) == 0
    assert asked["command"] == printed and asked["preset"] == "shabani/demo"
    assert asked["execution"].side_by_side is (asked["execution"].workers > 1)
    assert "PHANTOMS (not patients)" in capsys.readouterr().out
