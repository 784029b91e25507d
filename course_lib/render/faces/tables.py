"""The colours that drawn faces are painted with, and the ways in which hair is cut."""

import torch

from course_lib.render.canvas import rgb

SKIN = rgb("#edd0bc", "#e5bb9d", "#d6a17c", "#b47f58", "#875a3e", "#5f3e2d")  # pale to dark
HAIR = rgb(*"#221c1d #43301f #6b4429 #8a4a2b #b5683a #a1804f #d2b57f #8d8b89 #cbc8c2".split())
IRIS = rgb("#3d2a1e", "#6d4c2d", "#7c8650", "#4e7f78", "#5a86b0", "#7d8a96")
CLOTHES = rgb(
    *"#46607a #7d4f50 #58725c #c5b08c #857799 #d5d0c4 #343a47 #b3734f #7393a8 #c99f55".split()
)
FRAMES = rgb("#2b2422", "#5b3a29", "#4a5360")  # of glasses
BACKGROUNDS = rgb(  # wall, curtain, sky, bookshelf, garden: of each four pairs (light, dark)
    *"#d8d5cc #b4b4ae #cfd9d8 #a9bcbc #e2d3bb #c4ad90 #c3cad6 #98a4b5".split(),
    *"#c9a58c #94705d #9fb09a #6f8470 #b9b3c4 #857e96 #d9cbb0 #a8966f".split(),
    *"#dfe9ec #8fb5d3 #f0dcc6 #a9b9d0 #d6e2e6 #a3bccb #ece6d8 #9dc0cf".split(),
    *"#a98a68 #66513f #a39a86 #5d6061 #b08c74 #6b5048 #a3a083 #5f6653".split(),
    *"#b3c08d #6f8d66 #c7c794 #8a9968 #a9c1ac #6b8d81 #d0c08f #9a935f".split(),
).view(5, 4, 2, 3)
WHITE, TEETH, PUPIL, MOUTH, PLAIN, CLOTH, PHONE = rgb(
    *"#f5f1ea #efe9df #17110f #3a1c1c #d9dcdc #6d7680 #2f333a".split()
)[:, :, None, None]
STYLES = "bald cropped side-part fringe bob long curly bun balding long-fringe".split()
CUT = "there top sides low window line slope tent curl bun".split()
# there: any hair at all; top, sides: how thick; low: down to where; window: how wide the face looks out; line: the
# hairline, up is negative; slope: falls to one side; tent: rises in the middle; curl, bun: 1 with, 0 without.
# fmt: off
CUTS = torch.tensor([  # of each style, in head units
    # there top   sides   low   window line  slope tent  curl bun
    [0.0,  0.02, 0.01, -0.05, 1.02, -0.60, 0.00,  0.00, 0.0, 0.0],  # bald
    [1.0,  0.04, 0.01, -0.10, 1.02, -0.62, 0.00,  0.05, 0.0, 0.0],  # cropped
    [1.0,  0.10, 0.02,  0.00, 1.00, -0.54, 0.42,  0.00, 0.0, 0.0],  # side-part
    [1.0,  0.08, 0.04,  0.10, 0.93, -0.36, 0.00,  0.00, 0.0, 0.0],  # fringe
    [1.0,  0.09, 0.11,  0.62, 0.88, -0.74, 0.10,  0.65, 0.0, 0.0],  # bob
    [1.0,  0.08, 0.10,  1.60, 0.87, -0.68, 0.25,  0.40, 0.0, 0.0],  # long
    [1.0,  0.19, 0.17,  0.22, 0.95, -0.54, 0.00, -0.15, 1.0, 0.0],  # curly
    [1.0,  0.03, 0.00, -0.05, 1.00, -0.62, 0.00,  0.30, 0.0, 1.0],  # bun
    [1.0, -0.03, 0.04,  0.15, 0.88, -1.20, 0.00,  0.00, 0.0, 0.0],  # balding
    [1.0,  0.08, 0.10,  1.60, 0.88, -0.38, 0.00,  0.00, 0.0, 0.0],  # long-fringe
])
# fmt: on
