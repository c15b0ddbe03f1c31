"""Two judges that share no code say the same of the same histories."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from cluster import judge
from simulation.example_histories import COUNTER, EVERYTHING, PLAIN, REGISTER, WRONGS, history
from simulation.history import Operation, events_of, write_events
from simulation.linearizability import check

SHAPES = [
    (names, processes) for names in (PLAIN, REGISTER, COUNTER, EVERYTHING) for processes in (2, 6)
]


@pytest.fixture(scope="module", autouse=True)
def porcupine() -> Path:
    """The built judge; a machine without Go skips these tests and says so."""
    try:
        return judge.program()
    except judge.NoGo as error:
        pytest.skip(str(error))


def porcupine_of(operations: list[Operation], folder: Path) -> judge.Verdict:
    path = folder / "history.jsonl"
    write_events(path, events_of(operations))
    return judge.verdict(path)


@pytest.mark.parametrize("wrong", [None, *WRONGS])
def test_both_judges_agree(wrong: str | None, tmp_path: Path) -> None:
    answers: Counter[str] = Counter()
    for names, processes in SHAPES:
        for seed in range(6):
            made = history(
                seed,
                operations=90,
                keys=2,
                processes=processes,
                names=names,
                unknown=0.04,
                wrong=wrong,
            )
            ours, theirs = check(made), porcupine_of(made, tmp_path)

            assert ours.answer == theirs.answer, (names, processes, seed, ours, theirs)
            answers[ours.answer] += 1

    expected = {"linearizable"} if wrong is None else {"linearizable", "violated"}
    assert set(answers) == expected


def test_porcupine_names_the_key(tmp_path: Path) -> None:
    good = history(1, operations=20)
    lost = [
        Operation("a", "write", "lost", "x", "ok", None, 1, 2),
        Operation("a", "read", "lost", None, "ok", None, 3, 4),
    ]

    found = porcupine_of([*good, *lost], tmp_path)

    assert found.lines.splitlines() == [
        'key "lost": violated (2 operations)',
        f"violated: {len(good) + 2} operations on 2 keys",
    ]


def test_a_large_history_is_judged_in_seconds(tmp_path: Path) -> None:
    made = history(5, operations=50_000, keys=50, processes=32, unknown=0.0)

    assert porcupine_of(made, tmp_path).answer == "linearizable"


def test_what_is_no_history_is_no_verdict(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text("nonsense\n")

    with pytest.raises(judge.JudgeFailed, match="no history"):
        judge.verdict(path)
