"""R-CNN (L5.04): every proposal is cut out of the image, brought to one size, and classified by itself.

    image -> proposals -> a crop of 32 x 32 of each -> CNN features -> an SVM for each class, 4 offsets of the box

Girshick, Donahue, Darrell and Malik, Rich Feature Hierarchies for Accurate Object Detection, 2014. It is trained in
three steps that know nothing of each other: fine-tune the CNN on crops, fit the SVMs, fit the box regression.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.arguments import check_positive, check_tensor
from course_lib.detectors.backbone import WIDTH, at_least_float32
from course_lib.detectors.detector import Detector
from course_lib.detectors.proposals import propose, window_scores, windows
from course_lib.detectors.regions import (
    RoISample,
    balanced_sample,
    offset_targets,
    region_detections,
    training_rois,
)
from course_lib.detectors.targets import NO_OBJECT, assign

SIDE = 32  # every crop is brought to 32 x 32 pixels
CONTEXT = 0.1  # of the box is added on every side: what stands around an object tells something
FEATURES = 4 * WIDTH  # numbers a crop: the backbone's map averaged to 2 x 2 cells
AT_A_TIME = 512  # crops that go through the network together
FITTED = 600  # training images that the SVMs and the box regression are fitted on


def crops(images: Tensor, boxes: list[Tensor]) -> Tensor:
    """The part of the image under each box, with a little of what is around it, stretched to 32 x 32 pixels.

    Args:
        images: a batch, one image at least.               # [B, 3, H, W]
        boxes: of each image, in pixels.                   # B x [n_i, 4]
    Returns:
        Crops, image by image; black beyond the image's edge.   # [sum n_i, 3, 32, 32]
    """
    check_tensor("crops", "[B, 3, H, W]", images=images)
    dtype, images = images.dtype, at_least_float32(images)
    height, width = images.shape[2:]
    scale = torch.tensor([width, height], device=images.device)
    steps = (torch.arange(SIDE, device=images.device) + 0.5) / SIDE  # of a side, 0..1
    parts = []
    for image, rois in zip(images, boxes, strict=True):
        check_tensor("crops", "[n, 4]", boxes=rois)
        rois = at_least_float32(rois)
        size = (1 + 2 * CONTEXT) * (rois[:, 2:] - rois[:, :2])  # [n, 2]
        corner = (rois[:, :2] + rois[:, 2:] - size) / 2
        x, y = (corner[:, :, None] + size[:, :, None] * steps).unbind(1)  # [n, 32] pixels, twice
        x, y = torch.broadcast_tensors(x[:, None, :], y[:, :, None])
        places = 2 * torch.stack([x, y], dim=3) / scale - 1  # [n, 32, 32, 2], the image is -1..1
        copies = image.expand(len(rois), -1, -1, -1)
        parts.append(F.grid_sample(copies, places.to(image.dtype), align_corners=False))
    return torch.cat(parts).to(dtype)


def fit_svm(features: Tensor, positive: Tensor, rounds: int = 2) -> tuple[Tensor, Tensor]:
    """A linear SVM that tells one class from all else, with hard negatives.

        score = w^T x + b,   minimise |w|^2 / 2 + C sum of max(0, 1 - y score)^2,   y = +1 or -1

    Args:
        features: of crops.                                # [n, D]
        positive: which of them show the class.            # [n] bool
        rounds: it is fitted on a few negatives, then anew with those negatives that came too close (score > -1) to
            the class, and so on.
    Returns:
        w and b; zeros and -1 where no crop shows the class, zeros and 1 where all do.   # [D], []

    Lecture topic L5.04; the paper's section 2.3. scikit-learn's LinearSVC does the fitting.
    """
    from sklearn.svm import LinearSVC

    check_tensor("fit_svm", "[n, D]", features=features)
    check_tensor("fit_svm", f"[{len(features)}]", torch.bool, positive=positive)
    features = at_least_float32(features.detach())
    if not positive.any() or positive.all():
        return torch.zeros(features.shape[1]), torch.tensor(1.0 if positive.any() else -1.0)
    chosen = positive.clone()
    chosen[torch.where(~positive)[0][::5]] = True  # every fifth negative to begin with
    for _ in range(rounds):
        svm = LinearSVC(C=0.01, dual=False).fit(features[chosen], positive[chosen])
        scores = torch.from_numpy(svm.decision_function(features))
        chosen |= scores > -1
    return torch.from_numpy(svm.coef_[0]).float(), torch.tensor(svm.intercept_[0]).float()


def fit_ridge(features: Tensor, targets: Tensor, penalty: float = 100.0) -> tuple[Tensor, Tensor]:
    """Linear regression with a penalty on large weights, in closed form.

        W = (X^T X + penalty I)^-1 X^T T,   of X and T less their means

    Args:
        features: X.                                       # [n, D]
        targets: T, the offsets that lead to the object.   # [n, 4]
        penalty: > 0.
    Returns:
        Weights and bias, such that features @ weights + bias is near `targets`.   # [D, 4], [4]

    The paper's appendix C (penalty 1000 on its features). Zeros where n is 0.
    """
    check_tensor("fit_ridge", "[n, D]", features=features)
    check_tensor("fit_ridge", f"[{len(features)}, 4]", targets=targets)
    check_positive("fit_ridge", penalty=penalty)
    if len(features) == 0:
        return torch.zeros(features.shape[1], 4), torch.zeros(4)
    x, t = features.double(), targets.double()
    mean_x, mean_t = x.mean(0), t.mean(0)
    x, t = x - mean_x, t - mean_t
    weights = torch.linalg.solve(x.T @ x + penalty * torch.eye(x.shape[1]), x.T @ t)
    return weights.float(), (mean_t - mean_x @ weights).float()


class RCNN(Detector):
    """R-CNN on the course's backbone.

    Args:
        classes: K, how many.
        max_proposals: of an image, when it detects.

    SVMs and regression are no layers, yet they are kept in the module (as buffers), so that they are saved with it.
    """

    def __init__(self, classes: int, max_proposals: int = 400):
        super().__init__(classes)
        self.max_proposals = max_proposals
        self.logits = nn.Linear(FEATURES, classes + 1)  # for fine-tuning alone
        self.register_buffer("svm_weights", torch.zeros(FEATURES, classes))
        self.register_buffer("svm_bias", torch.zeros(classes))
        self.register_buffer("box_weights", torch.zeros(FEATURES, 4))
        self.register_buffer("box_bias", torch.zeros(4))

    def features(self, images: Tensor, boxes: list[Tensor]) -> Tensor:
        """The CNN's features of every crop: here the work is done, once for *each* box.   # [sum n_i, 384]"""
        parts = crops(images, boxes).split(AT_A_TIME)
        return torch.cat(
            [F.adaptive_avg_pool2d(self.backbone(part), 2).flatten(1) for part in parts]
        )

    def loss(self, images: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
        """Fine-tuning, step one: the class of crops, or background.   # [B, 3, H, W], [B, M, 4], [B, M] -> []"""
        images, boxes, labels = self.checked_batch(images, boxes, labels)
        samples = training_rois(images, boxes, labels, 4 * self.max_proposals)
        logits = self.logits(self.features(images, [sample.rois for sample in samples]))
        roi_labels = torch.cat([sample.labels for sample in samples])
        background = logits.shape[1] - 1
        return F.cross_entropy(
            at_least_float32(logits), torch.where(roi_labels == NO_OBJECT, background, roi_labels)
        )

    @torch.no_grad()
    def finish_training(self, images: Tensor, boxes: Tensor, labels: Tensor) -> None:
        """Steps two and three: the SVMs and the box regression, on the features of crops of the first 600 images."""
        images, boxes, labels = self.checked_batch(*(x[:FITTED] for x in (images, boxes, labels)))
        features, samples = [], []
        every = windows(*images.shape[-2:])
        for image, image_boxes, image_labels in zip(images, boxes, labels, strict=True):
            scores = window_scores(image[None], every)[0]
            best = every[scores.topk(min(1600, len(every))).indices]
            candidates = torch.cat([image_boxes[image_labels != NO_OBJECT], best])
            roi_labels, matched = assign(candidates, image_boxes, image_labels, low=0.3, high=0.6)
            kept = balanced_sample(roi_labels, 40, share=0.3)
            samples.append(RoISample(candidates[kept], roi_labels[kept], matched[kept]))
            features.append(self.features(image[None], [candidates[kept]]))
        features, targets = torch.cat(features), offset_targets(samples, boxes)
        roi_labels = torch.cat([sample.labels for sample in samples])
        svms = [fit_svm(features, roi_labels == c) for c in range(self.classes)]
        self.svm_weights.copy_(torch.stack([w for w, _ in svms], dim=1))
        self.svm_bias.copy_(torch.stack([b for _, b in svms]))
        positive = roi_labels >= 0
        weights, bias = fit_ridge(features[positive], targets[positive])
        self.box_weights.copy_(weights)
        self.box_bias.copy_(bias)

    def detections(self, images: Tensor) -> list[dict[str, Tensor]]:
        """Detections in each image, its proposals included.   # [B, 3, H, W] -> B dicts

        A score is the sigmoid of the SVM's: the same order, in 0..1.
        """
        rois = propose(images, self.max_proposals)
        features = self.features(images, rois)
        scores = at_least_float32(features @ self.svm_weights + self.svm_bias)  # [sum n_i, K]
        offsets = at_least_float32(features @ self.box_weights + self.box_bias)  # [sum n_i, 4]
        return region_detections(
            rois, scores.sigmoid(), offsets, *images.shape[2:], score_threshold=0.25
        )
