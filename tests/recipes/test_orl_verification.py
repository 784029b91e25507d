"""Folds of forty people: the pairs of a fold are its own, and who is tested was not seen."""

import torch

from course_lib.recipes import orl_verification as recipe


def whole(pairs: recipe.Pairs) -> None:
    """360 pairs a fold, half of them of one person, all of the fold's four people."""
    assert pairs.fold.bincount().tolist() == [360] * 10
    for fold in range(10):
        here = pairs.fold == fold
        assert pairs.same[here].sum() == 180
        for side in (pairs.first, pairs.second):
            assert (side[here] // 40 == fold).all()
    people = pairs.first // 10, pairs.second // 10
    assert torch.equal(people[0] == people[1], pairs.same)
    assert (pairs.first != pairs.second).all()


def test_pairs_are_drawn_where_no_list_lies(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "find", lambda name: tmp_path)
    pairs = recipe.orl_pairs()
    whole(pairs)
    assert len({*zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}) == 3600
    assert torch.equal(pairs.first, recipe.orl_pairs().first)


def test_a_list_is_read(tmp_path, monkeypatch):
    lines = ["10\t180"]
    for fold in range(10):
        four = [f"s{4 * fold + k}" for k in (1, 2, 3, 4)]
        same = [(p, i, j) for p in four for i in range(1, 11) for j in range(i + 1, 11)]
        different = [
            (four[0], i, q, j) for i in range(1, 11) for j in range(1, 11) for q in four[1:3]
        ]
        lines += ["\t".join(map(str, row)) for row in (*same, *different[:180])]
    (tmp_path / "orl_pairs.txt").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(recipe, "find", lambda name: tmp_path)
    pairs = recipe.orl_pairs()
    whole(pairs)
    assert (pairs.first[0], pairs.second[0]) == (0, 1) and (
        pairs.first[180],
        pairs.second[180],
    ) == (0, 10)


def test_the_network_has_not_seen_the_folds_it_is_kept_from(monkeypatch):
    seen = {}

    def instead(name, model, train, images, labels):
        seen.update(images=images, labels=labels)

    monkeypatch.setattr(recipe, "load_or_train", instead)
    images = torch.arange(400.0)[:, None, None, None].expand(-1, 1, 8, 8)
    people = torch.arange(40).repeat_interleave(10)
    recipe.encoder_without((0, 9), images, people, 0)
    assert seen["images"].aminmax() == (40, 359) and seen["labels"].unique().tolist() == [
        *range(32)
    ]


def test_scores_are_cosines_of_pairs():
    x = torch.randn(400, 5, generator=torch.Generator().manual_seed(0))
    pairs = recipe.Pairs(
        torch.tensor([0, 3]), torch.tensor([1, 399]), torch.tensor([True, False]), torch.zeros(2)
    )
    expected = torch.cosine_similarity(x[pairs.first], x[pairs.second])
    torch.testing.assert_close(recipe.scores_of(x, pairs), expected)
