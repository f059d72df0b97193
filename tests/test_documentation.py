"""The documentation is true: its code blocks run, its commands exist, its links and images lead somewhere."""

import importlib.util
import itertools
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
from PIL import Image

from noref.cli.app import app
from noref.cli.group import CONTEXT
from noref.lab.experiments.recipe import load_recipe, read_yaml

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
READMES = sorted((ROOT / "src").rglob("README.md"))
HISTORY = ROOT / "docs" / "history"  # states commands as they were
REPOSITORY = "https://github.com/noref/noref/blob/main/"
RAW = "https://raw.githubusercontent.com/noref/noref/main/"
NOT_RUN = "<!-- not run -->"
ELSEWHERE = {ROOT / "docs" / "how-to" / name for name in ("datasets.md", "spark.md")}  # run by test_guides.py

END = "\f"  # behind what a block prints
IN_TURN = f"""
import sys, types
for script in sys.argv[1:]:
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    module.__file__ = script
    with open(script) as file:
        exec(compile(file.read(), script, "exec"), vars(module))
    print(end={END!r})
"""
"""Runs each script as the main module."""

_FENCE = re.compile(rf"(?P<mark>{NOT_RUN}\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_PLACEHOLDERS = {"...", "METHOD", "RECIPE", "RESULTS", "PROTOCOL", "SWITCH", "[--set"}  # of a form, not of a command


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    language: str
    code: str


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, those that are not run under an empty language."""
    found = _FENCE.finditer(page.read_text(encoding="utf-8"))
    name = str(page.relative_to(ROOT))
    return [Block(name, "" if each["mark"] else each["language"], each["code"]) for each in found]


def runnable(page: Path) -> Iterator[tuple[Block, str | None]]:
    """The Python and console blocks of a page, each with the `text` block right behind it."""
    everything = [*blocks(page), Block("", "", "")]
    for block, following in itertools.pairwise(everything):
        if block.language in ("python", "console"):
            yield block, following.code if following.language == "text" and block.language == "python" else None


def commands() -> Iterator[tuple[str, str]]:
    """Every `noref ...` command line of the pages, with its page; continued lines are joined."""
    for page in (*PAGES, *READMES):
        if HISTORY in page.parents:
            continue
        text = page.read_text(encoding="utf-8")
        lines = [line for block in _FENCE.finditer(text) if block["language"] == "sh" for line in _joined(block["code"])]
        lines += _joined("\n".join(re.findall(r"^    (\S.*|  +--.*)$", text, re.MULTILINE)))
        for line in lines:
            command = re.split(r" #| [|&<>]", line)[0].strip()
            if command.startswith("noref ") and not _PLACEHOLDERS & set(command.split()):
                yield str(page.relative_to(ROOT)), command


def _joined(code: str) -> list[str]:
    return [line.strip() for line in re.sub(r"\\\n\s*", "", code).splitlines()]


RUNNABLE = [page for page in PAGES if HISTORY not in page.parents and page not in ELSEWHERE and any(runnable(page))]
NAMES = [str(page.relative_to(ROOT)) for page in RUNNABLE]
COMMANDS = sorted({command: page for page, command in commands()}.items())


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples name: `photo.jpg`, `photos` and `broken.png`."""
    folder = tmp_path_factory.mktemp("documentation")
    module = _module(ROOT / "examples" / "sample_photos.py")
    module.main(folder / "photos")
    with Image.open(folder / "photos" / "astronaut.png") as photo:
        photo.save(folder / "photo.jpg", quality=90)
    whole = (folder / "photos" / "chelsea.png").read_bytes()
    (folder / "broken.png").write_bytes(whole[:5000])
    shim = folder / "bin" / "noref"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m noref.cli "$@"\n')
    shim.chmod(0o755)
    return folder


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(words: list[str], folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, with this noref and its command on the paths."""
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
    }
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False, **options)


def same_shape(shown: str, printed: str) -> bool:
    """Whether two outputs differ in numbers only, each by no more than 2; decoders differ a little between versions."""
    if _NUMBER.sub("#", shown).split() != _NUMBER.sub("#", printed).split():
        return False
    pairs = zip(_NUMBER.findall(shown), _NUMBER.findall(printed), strict=True)
    return all(abs(float(first) - float(second)) <= 2 for first, second in pairs)


def run_page(page: Path, folder: Path, ignored: str = "error") -> None:
    """Run the blocks of a page; a warning is an error unless it is `ignored`, a filter as of `python -W`.

    Python blocks between two console blocks share a process, which imports libraries once, but no variables.
    """
    for kind, group in itertools.groupby(runnable(page), key=lambda one: one[0].language):
        if kind == "python":
            _run_python([*group], folder, ignored)
        else:
            for block, _ in group:
                _run_console(block, folder)


def _run_python(group: list[tuple[Block, str | None]], folder: Path, ignored: str) -> None:
    scripts = []
    for number, (block, _) in enumerate(group):
        scripts.append(f"example{number}.py")
        (folder / scripts[-1]).write_text(block.code)
    ended = run([sys.executable, "-W", "error", "-W", ignored, "-c", IN_TURN, *scripts], folder)
    printed = ended.stdout.split(END)
    for (block, expected), found in zip(group, printed, strict=False):
        if expected is not None:
            assert same_shape(expected, found), f"{block.page} prints\n{found}\n{ended.stderr}"
    assert (ended.returncode, len(printed)) == (0, len(group) + 1), f"{block.page}, block {len(printed)}:\n{ended.stderr}"


def _run_console(block: Block, folder: Path) -> None:
    for part in re.split(r"^\$ ", block.code, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        ended = run(["sh", "-c", f"{{ {command}; }} 2>&1"], folder)
        assert ended.returncode in (0, 1), f"{block.page}: {command}\n{ended.stdout}"
        if output.strip():
            assert same_shape(output, ended.stdout), f"{block.page}: {command} prints\n{ended.stdout}"


@pytest.mark.skipif(os.name != "posix", reason="console blocks are written for a POSIX shell")
@pytest.mark.parametrize("page", NAMES)
def test_code_blocks_run(page: str, photos: Path):
    run_page(ROOT / page, photos)


def test_the_comparison_of_outputs_can_fail():
    assert same_shape("a 82.3 b", "a 82.9  b")
    assert not same_shape("a 82.3 b", "a 86 b")
    assert not same_shape("a 82.3 b", "a 82.3 c")


@pytest.mark.parametrize(("command", "page"), COMMANDS, ids=[f"{page}: {command}" for command, page in COMMANDS])
def test_commands_exist_with_these_options(command: str, page: str):
    _, *words = shlex.split(command)
    here: click.Command = app
    while isinstance(here, click.Group):
        below = here.get_command(click.Context(here), words[0])
        assert below is not None, f"{page}: there is no command {words[0]}"
        here, words = below, words[1:]
    try:
        parsed = here.make_context(command, words, **CONTEXT).params
    except click.exceptions.Exit:  # of an option such as --list
        return
    if here.name == "train" and Path(parsed["recipe"]).suffix != ".yaml":
        changes = dict(change.split("=", 1) for change in parsed["changes"] or [])
        load_recipe(parsed["recipe"], {name: read_yaml(value) for name, value in changes.items()})


def test_the_reference_lists_every_command_and_option():
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (noref[^\n]*)\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL))
    found = dict(_module(ROOT / "tools" / "cli_reference.py").commands())
    assert list(sections) == list(found), "run `python tools/cli_reference.py`"
    for name, command in found.items():
        text = "".join(sections[name].split())  # help texts wrap, at hyphens too
        for parameter in command.params:
            help_text = getattr(parameter, "help", None) or ""
            for shown in (*(option for option in parameter.opts if option.startswith("-")), help_text):
                assert "".join(shown.split()) in text, f"{name}: {shown}; run `python tools/cli_reference.py`"


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in (*PAGES, *READMES)])
def test_links_and_images_lead_to_files(page: str):
    for target in _LINK.findall((ROOT / page).read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        for prefix in (REPOSITORY, RAW):
            if path.startswith(prefix):
                file = ROOT / path.removeprefix(prefix)
                break
        else:
            if "://" in path or not path:
                continue
            assert page != "README.md", f"{target} is relative; PyPI shows the README, too"
            file = (ROOT / page).parent / path
        assert file.is_file(), f"{page}: {target}"
        if anchor and file.suffix == ".md" and not anchor.startswith("noref."):
            assert anchor in _anchors(file), f"{page}: {target}"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip()) for heading in headings}


def test_every_page_is_in_the_navigation():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\ntheme:")[0]
    listed = set(re.findall(r"[\w/-]+\.md", navigation))
    assert listed == {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
