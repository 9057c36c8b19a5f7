"""Finding a space by name or by path, and what is said where there is none."""

from pathlib import Path

import pytest

from nas.errors import SpaceError
from nas.spaces import absolute, built_in, load_space

USERS = Path(__file__).with_name("user_space.py")


def test_built_in_spaces_by_name() -> None:
    assert built_in() == ("googlenet", "googlenet_staged", "inception_residual", "inception_series", "inception_small")
    assert [load_space(name).name for name in built_in()] == list(built_in())


@pytest.mark.parametrize("suffix", ["", ":SPACE"])
def test_a_users_space_by_path(suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_space(f"{USERS}{suffix}").name == "mine"
    monkeypatch.chdir(USERS.parent)
    assert load_space(f"{USERS.name}{suffix}").name == "mine"


def test_another_name_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "two.py"
    path.write_text(USERS.read_text() + "\nOTHER = Space(name='other', choices=choices, decode=decode, "
                    "reference=SPACE.reference)\n")  # fmt: skip
    assert load_space(f"{path}:OTHER").name == "other"


def test_dataclasses_in_a_users_file(tmp_path: Path) -> None:
    path = tmp_path / "data.py"
    head = "from __future__ import annotations\nfrom dataclasses import dataclass\n\n@dataclass\nclass A:\n    x: int\n"
    path.write_text(head + USERS.read_text().replace('"""A user\'s own space, as the README shows one."""', ""))
    assert load_space(str(path)).name == "mine"


@pytest.mark.parametrize("name", ["googlenets", "inception", "", "nothing like it", "search_spaces.googlenet"])
def test_unknown_names_get_the_nearest(name: str) -> None:
    with pytest.raises(SpaceError) as error:
        load_space(name)
    assert f"got {name!r}" in str(error.value)
    assert "must be one of googlenet, googlenet_staged, inception_residual, inception_series, inception_small" in str(
        error.value
    )
    assert error.value.args[0].count("\n") == 0


def test_nearest_name() -> None:
    with pytest.raises(SpaceError, match="the nearest is 'inception_small'"):
        load_space("inceptionsmall")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match=r"there is none at .*nowhere\.py"):
        load_space(str(tmp_path / "nowhere.py"))
    with pytest.raises(SpaceError, match="there is none at"):
        load_space(str(tmp_path / "nowhere.py:SPACE"))


def test_missing_and_wrong_attributes(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match=r"must define 'SPICE', but its spaces are SPACE"):
        load_space(f"{USERS}:SPICE")
    with pytest.raises(SpaceError, match=r"'choices' of .* must be a Space, but is of type tuple"):
        load_space(f"{USERS}:choices")
    with pytest.raises(SpaceError, match="must define ''"):
        load_space(f"{USERS}:")
    empty = tmp_path / "empty.py"
    empty.write_text("")
    with pytest.raises(SpaceError, match="must define 'SPACE', but it defines no space"):
        load_space(str(empty))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\ny = x / 0\n", "raised ZeroDivisionError in line 2: division by zero."),
        ("def f():\n    raise ValueError\n\nf()\n", "raised ValueError in line 2: without a message."),
        ("import nothing_of_that_name\n", "raised ModuleNotFoundError in line 1: No module named"),
        ("x = 1\nif:\n", "raised SyntaxError in line 2: "),
        ("from nas.space import Choice\nChoice(name='x', values=())\n", "raised SpaceError in line 2: choice 'x' must"),
        ("import sys\nsys.exit(3)\n", "raised SystemExit in line 2: 3."),
        ("raise ValueError('one\\nand two')\n", "raised ValueError in line 1: one and two."),
    ],
)
def test_errors_of_a_users_file_are_named_with_their_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    path = tmp_path / "broken.py"
    path.write_text(code)
    for _ in range(2):
        with pytest.raises(SpaceError) as error:
            load_space(str(path))
        assert said in str(error.value)
        assert str(path) in str(error.value)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpaceError) as error:
        load_space(path.name)
    assert said in str(error.value), "by a relative path, too"


MINE = """
from nas import Choice, Space
from search_spaces.inception_small import SPACE as OTHER

def decode(point):
    BODY

SPACE = Space(name="mine", choices=(Choice(name="w", values=(8, 16)),), decode=decode, reference=OTHER.reference)
"""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('return point["zz"]', r"raised KeyError in line 6: 'zz', for the point \{'w': 8\}"),
        ("return 7", r"must return an Architecture, but returned one of type int for the point \{'w': 8\}"),
    ],
)
def test_a_decode_that_is_wrong_is_told(body: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(MINE.replace("BODY", body))
    with pytest.raises(SpaceError, match=said):
        load_space(f"{path}:SPACE").decode({"w": 8})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "values=(8, 16)",
            "values=(8, 16), when=lambda p: p['nope']",
            r"`when` of choice 'w' of space file .* KeyError",
        ),
        ("decode=decode,", "decode=decode, encode=lambda a: 1 / 0,", r"`encode` of space file .* ZeroDivisionError"),
        ("decode=decode,", "decode=decode, encode=lambda a: 7,", r"a point of the space or None, but .* type int\."),
        ("decode=decode,", "decode=decode, encode=lambda a: {},", r"returned \{\}: .* must assign 'w', but"),
        ("decode=decode,", "decode=decode, encode=lambda a: {'w': 9},", r"'w': 9\}: w must be one of 8, 16, but got 9"),
        ("decode=decode,", "decode=decode, encode=lambda a: {'w': 8.0},", r"w must be one of 8, 16, but got 8\.0"),
        ("values=(8, 16)", "values=[8, 16]", r"the values of choice 'w' must be a tuple, but got \[8, 16\]"),
        (
            "values=(8, 16)",
            "values=((3, 5), (5, 7))",
            r"values of choice 'w' must be .* but got \(3, 5\) of type tuple\.",
        ),
        ("values=(8, 16)", "values=tuple(__import__('numpy').arange(2))", r"values of choice 'w' .* of type int64\."),
        ("values=(8, 16)", "values=(8.0, float('nan'))", r"the values of choice 'w' must be finite, but got nan\."),
        ('name="mine"', 'name=""', r"the name of a space must not be empty, but got ''\."),
        ("OTHER.reference", "None", r"the reference of space 'mine' must be an Architecture, but is of type NoneType"),
    ],
)
def test_what_else_is_wrong_with_a_users_space_is_told(old: str, new: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(MINE.replace("BODY", "return OTHER.reference").replace(old, new))
    with pytest.raises(SpaceError, match=said):
        load_space(f"{path}:SPACE").canonical({"w": 8})


def test_a_space_file_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("googlenet") == "googlenet"
    assert absolute("mine.py") == str(tmp_path / "mine.py")
    assert absolute("mine.py:SPACE") == f"{tmp_path / 'mine.py'}:SPACE"
