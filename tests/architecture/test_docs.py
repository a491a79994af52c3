"""The docs cover what there is."""

from pathlib import Path

from typer.main import get_command

from retake.cli.main import app
from retake.settings import Settings

ROOT = Path(__file__).parents[2]


def test_every_setting_is_documented():
    text = (ROOT / "docs/settings.md").read_text()
    missing = [name for name in Settings.model_fields if f"`RETAKE_{name.upper()}`" not in text]
    assert not missing


def test_every_command_is_named_in_the_docs():
    shown = [name for name, command in get_command(app).commands.items() if not command.hidden]
    texts = "".join(path.read_text() for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")])
    missing = [name for name in shown if f"retake {name}" not in texts]
    assert not missing


def test_every_picture_that_the_readme_shows_is_there():
    text = (ROOT / "README.md").read_text()
    for line in text.splitlines():
        if line.startswith("!["):
            assert (ROOT / line.split("](")[1].rstrip(")")).is_file(), line
