"""Smoke test of the built wheel: build it, check its content, install it into a fresh environment, and use it there.

Needs mypy beside the running Python, and a package index for the dependencies of the wheel.
"""

import json
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
EXPECTED = (
    "noref/py.typed",
    "noref/models/unified.onnx",
    "noref/models/unified.json",
    "noref/lab/recipes/unified.yaml",
    "noref/lab/cli/app.py",
    "noref/lab/torch/quality.py",
)
TYPED = """\
import noref

score: float = noref.score("photo.png").score
defects: dict[str, noref.Defect] = noref.score("photo.png").likely_defects
"""


def run(*command: str | Path, folder: Path) -> str:
    """Standard output of a command; what it writes to standard error is shown."""
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> None:
    """Raise an exception where the wheel is not as it should be."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)  # away from the source tree, so that the installed package is imported
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
        run(*pip, "wheel", "--no-deps", "--wheel-dir", folder, REPOSITORY, folder=folder)
        (wheel,) = folder.glob("noref-*.whl")
        files = zipfile.ZipFile(wheel).namelist()
        missing = set(EXPECTED) - set(files)
        strange = [file for file in files if not file.startswith(("noref/", "noref-")) or "test" in file]
        assert not missing, f"missing in the wheel: {missing}"
        assert not strange, f"not wanted in the wheel: {strange}"

        venv.create(folder / "venv", with_pip=True)
        programs = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        python = programs / "python"
        run(python, *pip[1:], "install", wheel, folder=folder)
        make = "from PIL import Image; Image.effect_mandelbrot((320, 240), (-2, -1, 1, 1), 50).save('photo.png')"
        run(python, "-c", make, folder=folder)
        result = json.loads(run(programs / "noref", "score", "photo.png", "--format", "jsonl", folder=folder))
        assert 0 <= result["score"] <= 100, result
        assert result["defects"], result

        (folder / "typed.py").write_text(TYPED)
        print(run(sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "typed.py", folder=folder), end="")
        print(f"{wheel.name}: {len(files)} files; score of the test image {result['score']:.1f}")


if __name__ == "__main__":
    main()
