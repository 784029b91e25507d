"""Photographs as the pretrained networks take them: colour or grey, in 0..1."""

from torch import Tensor

from course_lib.arguments import check_images


def as_batch(where: str, images: Tensor) -> Tensor:
    """Several images of one size, or one alone, as a batch.           # [B, 3 or 1, H, W] or [3 or 1, H, W]

    Args:
        where: who asks, for the message.
    Returns:
        [B, 3 or 1, H, W]
    Raises:
        TypeError, ValueError: no tensor of floats, no image, channels that are not first or neither 3 nor 1, values
            outside of 0..1 or not finite.
    """
    if isinstance(images, Tensor) and images.ndim == 3:
        images = images[None]
    grey = isinstance(images, Tensor) and images.ndim == 4 and images.shape[1] == 1
    check_images(where, images, channels=1 if grey else 3)
    return images
