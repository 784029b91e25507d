"""R-CNN (L5.04): every proposal is cut out of the picture, brought to one size, and looked at by itself.

    picture -> proposals -> a crop of 32 x 32 of each -> CNN features -> an SVM for each class, 4 corrections of the box

Girshick, Donahue, Darrell and Malik, Rich Feature Hierarchies for Accurate Object Detection, 2014. It is trained in
three steps that know nothing of each other: fine-tune the CNN on crops, fit the SVMs, fit the box regression.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.detection.anchors import clip, decode
from course_lib.detectors.backbone import WIDTH, Backbone
from course_lib.detectors.postprocess import final_detections
from course_lib.detectors.proposals import propose, window_scores, windows
from course_lib.detectors.regions import SPREAD, balanced_sample, rois_to_learn, wanted_corrections
from course_lib.detectors.targets import ABSENT, assign, check_batch, scene_batches
from course_lib.training.loop import fit

SIDE = 32  # every crop is brought to 32 x 32 pixels
CONTEXT = 0.1  # of the box is added on every side: what stands around an object tells something
FEATURES = 4 * WIDTH  # numbers a crop: the backbone's map averaged to 2 x 2 cells
AT_A_TIME = 512  # crops that go through the network together


def crops(images: Tensor, boxes: list[Tensor]) -> Tensor:
    """The part of the picture under each box, with a little of what is around it, stretched to 32 x 32 pixels.

    Args:
        images: pictures.                                  # [B, 3, H, W]
        boxes: of each picture, in pixels.                 # B x [n_i, 4]
    Returns:
        Crops, picture by picture; black beyond the picture's edge.   # [sum n_i, 3, 32, 32]
    """
    height, width = images.shape[2:]
    scale = torch.tensor([width, height], device=images.device)
    steps = (torch.arange(SIDE, device=images.device) + 0.5) / SIDE  # of a side, 0..1
    parts = []
    for image, own in zip(images, boxes, strict=True):
        size = (1 + 2 * CONTEXT) * (own[:, 2:] - own[:, :2])  # [n, 2]
        corner = (own[:, :2] + own[:, 2:] - size) / 2
        x, y = (corner[:, :, None] + size[:, :, None] * steps).unbind(1)  # [n, 32] pixels, twice
        x, y = torch.broadcast_tensors(x[:, None, :], y[:, :, None])
        places = 2 * torch.stack([x, y], dim=3) / scale - 1  # [n, 32, 32, 2], the picture is -1..1
        copies = image.expand(len(own), -1, -1, -1)
        parts.append(F.grid_sample(copies, places, align_corners=False))
    return torch.cat(parts)


def fit_svm(features: Tensor, positive: Tensor, rounds: int = 2) -> tuple[Tensor, Tensor]:
    """A linear SVM that tells one class from all else, with hard negatives.

        score = w^T x + b,   minimise |w|^2 / 2 + C sum of max(0, 1 - y score)^2,   y = +1 or -1

    Args:
        features: of crops.                                # [n, D]
        positive: which of them show the class.            # [n] bool
        rounds: it is fitted on a few negatives, then anew with those negatives that came too close (score > -1) to
            the class, and so on.
    Returns:
        w and b; zeros and -1 where no crop shows the class.   # [D], []

    Lecture topic L5.04; the paper's section 2.3. scikit-learn's LinearSVC does the fitting.
    """
    from sklearn.svm import LinearSVC

    if not positive.any():
        return torch.zeros(features.shape[1]), torch.tensor(-1.0)
    chosen = positive.clone()
    chosen[torch.where(~positive)[0][::5]] = True  # every fifth negative to begin with
    for _ in range(rounds):
        svm = LinearSVC(C=0.01, dual=False).fit(features[chosen], positive[chosen])
        scores = torch.from_numpy(svm.decision_function(features))
        chosen |= scores > -1
    return torch.from_numpy(svm.coef_[0]).float(), torch.tensor(svm.intercept_[0]).float()


def fit_ridge(features: Tensor, wanted: Tensor, penalty: float = 100.0) -> tuple[Tensor, Tensor]:
    """Linear regression with a penalty on large weights, in closed form.

        W = (X^T X + penalty I)^-1 X^T T,   of X and T less their means

    Args:
        features: X.                                       # [n, D]
        wanted: T, the corrections that lead to the object.   # [n, 4]
        penalty: > 0.
    Returns:
        Weights and bias, such that features @ weights + bias is near `wanted`.   # [D, 4], [4]

    The paper's appendix C (penalty 1000 on its features). Zeros where n is 0.
    """
    if len(features) == 0:
        return torch.zeros(features.shape[1], 4), torch.zeros(4)
    x, t = features.double(), wanted.double()
    mean_x, mean_t = x.mean(0), t.mean(0)
    x, t = x - mean_x, t - mean_t
    weights = torch.linalg.solve(x.T @ x + penalty * torch.eye(x.shape[1]), x.T @ t)
    return weights.float(), (mean_t - mean_x @ weights).float()


class RCNN(nn.Module):
    """R-CNN on the course's backbone.

    Args:
        classes: kinds of objects.
        most: proposals a picture, when it detects.

    SVMs and regression are no layers, yet they are kept in the module (as buffers), so that they are saved with it.
    """

    def __init__(self, classes: int, most: int = 400):
        super().__init__()
        self.most = most
        self.backbone = Backbone()
        self.logits = nn.Linear(FEATURES, classes + 1)  # for fine-tuning alone
        self.register_buffer("svm_weights", torch.zeros(FEATURES, classes))
        self.register_buffer("svm_bias", torch.zeros(classes))
        self.register_buffer("box_weights", torch.zeros(FEATURES, 4))
        self.register_buffer("box_bias", torch.zeros(4))

    def features(self, images: Tensor, boxes: list[Tensor]) -> Tensor:
        """What the CNN says of every crop: here the work is done, once for *each* box.   # [sum n_i, 384]"""
        parts = crops(images, boxes).split(AT_A_TIME)
        return torch.cat(
            [F.adaptive_avg_pool2d(self.backbone(part), 2).flatten(1) for part in parts]
        )

    def loss(self, images: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """Fine-tuning, step one: the class of crops, or background.   # [B, 3, H, W], [B, M, 4], [B, M] -> []"""
        check_batch("RCNN", images, boxes, labels)
        drawn = rois_to_learn(images, boxes, labels, 4 * self.most)
        logits = self.logits(self.features(images, [rois for rois, _, _ in drawn]))
        found = torch.cat([kinds for _, kinds, _ in drawn])
        return F.cross_entropy(logits, torch.where(found == ABSENT, logits.shape[1] - 1, found))

    @torch.no_grad()
    def fit_the_rest(self, images: Tensor, boxes: Tensor, labels: Tensor) -> None:
        """Steps two and three: the SVMs and the box regression, on the features of crops of these pictures."""
        features, found, wanted = [], [], []
        every = windows(*images.shape[-2:])
        for image, own, kinds in zip(images, boxes, labels, strict=True):
            best = every[window_scores(image[None], every)[0].topk(1600).indices]
            candidates = torch.cat([own[kinds != ABSENT], best])
            kinds_found, which = assign(candidates, own, kinds, low=0.3, high=0.6)
            kept = balanced_sample(kinds_found, 40, share=0.3)
            features.append(
                self.features(image[None].to(self.svm_bias.device), [candidates[kept]]).cpu()
            )
            found.append(kinds_found[kept])
            drawn = (candidates[kept], kinds_found[kept], which[kept])
            wanted.append(wanted_corrections([drawn], own[None]))
        features, found, wanted = torch.cat(features), torch.cat(found), torch.cat(wanted)
        svms = [fit_svm(features, found == c) for c in range(len(self.svm_bias))]
        self.svm_weights.copy_(torch.stack([w for w, _ in svms], dim=1))
        self.svm_bias.copy_(torch.stack([b for _, b in svms]))
        hit = found >= 0
        weights, bias = fit_ridge(features[hit], wanted[hit])
        self.box_weights.copy_(weights)
        self.box_bias.copy_(bias)

    @torch.no_grad()
    def detect(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections of each picture, its proposals included.   # [B, 3, H, W] -> B dicts

        A score is the sigmoid of the SVM's: the same order, in 0..1.
        """
        proposals = propose(images, self.most)
        features = self.features(images, proposals)
        scores = (features @ self.svm_weights + self.svm_bias).sigmoid()  # [sum n_i, K]
        corrections = features @ self.box_weights + self.box_bias  # [sum n_i, 4]
        found, counts = [], [len(own) for own in proposals]
        for own, own_scores, deltas in zip(
            proposals, scores.split(counts), corrections.split(counts), strict=True
        ):
            boxes = clip(decode(deltas * SPREAD.to(own.device), own), *images.shape[-2:])
            found.append(final_detections(boxes, own_scores, score_threshold=0.25))
        return found


def train_rcnn(detector: RCNN, images: Tensor, boxes: Tensor, labels: Tensor) -> list[float]:
    """The course's recipe: 320 batches of 16 scenes for the CNN, then SVMs and box regression on the first 600 scenes.

    Args:
        images, boxes, labels: the training set.           # [N, 3, H, W], [N, M, 4], [N, M]
    Returns:
        The loss of every step of the fine-tuning. About a minute on one CPU core.
    """
    torch.manual_seed(0)  # of the crops that are drawn
    losses = fit(
        detector,
        scene_batches(images, boxes, labels, 16),
        RCNN.loss,
        steps=320,
        lr=3e-3,
        max_norm=5.0,
        max_seconds=900,
        label="R-CNN",
    )
    detector.fit_the_rest(images[:600], boxes[:600], labels[:600])
    return losses
