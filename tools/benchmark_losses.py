"""Losses, miners and verification beside pytorch-metric-learning (PML) and scikit-learn: forward and backward."""

from collections.abc import Callable

import torch
from torch import Tensor

from course_lib.embeddings.distances import euclidean
from course_lib.metric_learning import margins, mining, triplets
from course_lib.metric_learning.pairs import contrastive_loss
from course_lib.verification import curves
from tools.stopwatch import side_by_side

B, K, D = 1024, 8, 128  # pictures in the batch, of each class, numbers in an embedding
MARGIN = 0.2


def with_gradient(loss: Callable[[Tensor], Tensor], x: Tensor) -> Callable:
    def run() -> None:
        x.grad = None
        loss(x).backward()

    return run


def batch() -> tuple[Tensor, Tensor]:
    """Unit vectors, some way on in training: classes overlap a little."""
    torch.manual_seed(0)
    labels = torch.arange(B) // K
    x = torch.randn(B // K, D)[labels] + 0.8 * torch.randn(B, D)
    return torch.nn.functional.normalize(x).requires_grad_(), labels


def pair_and_triplet_losses() -> list[tuple]:
    from pytorch_metric_learning import losses as pml
    from pytorch_metric_learning import miners
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.reducers import MeanReducer

    x, labels = batch()
    plain = {"distance": LpDistance(normalize_embeddings=False), "reducer": MeanReducer()}
    squares = LpDistance(normalize_embeddings=False, power=2)
    settings = {"distance": squares, "reducer": MeanReducer()}

    def mined(mine: Callable) -> Callable:
        def loss(x: Tensor) -> Tensor:
            d = euclidean(x, x, squared=True)
            return triplets.mined_triplet_loss(d, mine(d, labels), MARGIN)

        return loss

    def theirs_mined(miner: Callable) -> Callable:
        triplet = pml.TripletMarginLoss(margin=MARGIN, **settings)
        return lambda x: triplet(x, labels, miner(x, labels))

    everything = pml.TripletMarginLoss(margin=MARGIN, **settings)
    pairs = pml.ContrastiveLoss(pos_margin=0, neg_margin=1, **plain)
    semi_hard = miners.TripletMarginMiner(MARGIN, "semihard", distance=squares)
    hard = miners.BatchHardMiner(distance=squares)
    cases = {
        "contrastive": (
            lambda x: contrastive_loss(x, labels, 1.0),
            lambda x: pairs(x, labels),
        ),
        "triplets, all": (
            lambda x: triplets.batch_all_triplet_loss(euclidean(x, x, True), labels, MARGIN),
            lambda x: everything(x, labels),
        ),
        "triplets, all semi-hard": (
            mined(lambda d, y: mining.all_semi_hard_triplets(d, y, MARGIN)),
            theirs_mined(semi_hard),
        ),
        "triplets, FaceNet's semi-hard": (
            mined(lambda d, y: mining.semi_hard_triplets(d, y, MARGIN)),
            theirs_mined(semi_hard),
        ),
        "triplets, batch-hard": (mined(mining.hard_triplets), theirs_mined(hard)),
    }
    return [
        (f"{name}, B={B}", *ours_and_peer(ours, theirs, x))
        for name, (ours, theirs) in cases.items()
    ]


def ours_and_peer(ours: Callable, theirs: Callable, x: Tensor) -> tuple:
    mine, peer = side_by_side(with_gradient(ours, x), with_gradient(theirs, x))
    return mine, "PML", peer


def margin_family() -> list[tuple]:
    from pytorch_metric_learning import losses as pml

    x, classes = torch.randn(1024, 128, requires_grad=True), 10_000
    labels = torch.arange(1024) * 9
    cases = {
        "ArcFace": ({"m2": 0.5}, pml.ArcFaceLoss(classes, 128, margin=28.6, scale=16)),
        "CosFace": ({"m3": 0.35}, pml.CosFaceLoss(classes, 128, margin=0.35, scale=16)),
        "norm-softmax": ({}, pml.NormalizedSoftmaxLoss(classes, 128, temperature=1 / 16)),
    }
    rows = []
    for name, (margin, peer) in cases.items():
        head = margins.MarginSoftmax(classes, 128, **margin, s=16)

        def ours(x: Tensor, head=head) -> Tensor:
            head.zero_grad()
            return head(x, labels)

        def theirs(x: Tensor, peer=peer) -> Tensor:
            peer.zero_grad()
            return peer(x, labels)

        rows.append((f"{name}, 1024 x 10k classes", *ours_and_peer(ours, theirs, x)))
    return rows


def verification_curves() -> list[tuple]:
    from sklearn.metrics import roc_curve

    torch.manual_seed(0)
    same = torch.rand(6_000_000) < 0.01
    scores = torch.randn(len(same)) + 2.5 * same
    y, s = same.numpy(), scores.numpy()
    ours, peer = side_by_side(
        lambda: curves.roc(scores, same),
        lambda: roc_curve(y, s, drop_intermediate=False),
        repeats=3,
    )
    return [("ROC of 6 million pairs", ours, "scikit-learn roc_curve", peer)]
