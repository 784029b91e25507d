# %% [markdown]
# # Start here
#
# *Seeing in Vectors* is a course that you run. Five lectures on computer vision are its syllabus; what they claim is computed here, topic by topic (the lecture map below shows how far it has come), on data that is already on this machine. Every algorithm can be read, and more than half of the figures have something to move. In a quarter of an hour you will be able to
#
# * run a cell and move a control;
# * tell what a lecture says from what was measured;
# * find the notebook for a lecture topic, and see how long it takes;
# * look at your own picture;
# * find out what is wrong when something does not work.
#
# ## Run a cell
#
# A notebook is a page of text and **cells** of code. A Python process in the background, the **kernel**, runs them. Click into the cell below and press **Shift + Enter**: it runs, its output appears under it, and the next cell is selected. *Run > Run All Cells* runs the whole page.

# %%
from course_lib.data import datasets

digits = datasets.load("digits", "test")
print(len(digits), "handwritten digits, each of", list(digits.images[0].shape))

# %% [markdown]
# The three numbers are channels (1: grey), height and width. The digits come with scikit-learn; other pictures come with packages, too, or are drawn by the course's own programs. Nothing is downloaded.
#
# ## Predict
#
# Some pages ask before they show. Run the next cell, choose an answer, and press *Commit*; then read on. (The cell's code is folded: click on its three dots to read it.)

# %% jupyter={"source_hidden": true}
from course_lib.page.predict import predict

predict(
    "We average twenty handwritten threes, pixel by pixel. What will the average look like?",
    ["a sharp three, as if one hand had written it", "a soft three", "grey noise"],
    answer=1,
    why=[
        "No two hands write a three in the same place: edges are averaged away.",
        "Most threes share most of their ink; where they differ it turns grey.",
        "What differs from picture to picture is averaged away; what they share stays.",
    ],
    name="00.average",
)

# %% [markdown]
# ## Move a control
#
# Run the next cell: is the average what you expected? Then drag a slider, or reach it with **Tab** and use the **arrow keys**: the picture follows. Buttons lead to things worth seeing, *Reset* leads back. Without a running kernel (on GitHub, say) you see the picture in its first state.

# %% jupyter={"source_hidden": true}
from course_lib.page import plots
from course_lib.page.controls import explore
from course_lib.page.pictures import contact_sheet, show_image


def draw_average(digit=3, how_many=20):
    same = digits[digits.labels == digit].images[:how_many]
    fig, (left, middle, right) = plots.panels(3, height=2.6, widths=(2.2, 1, 1))
    contact_sheet(left, same, columns=10, title=f"The digit {digit}: {len(same)} of them")
    show_image(middle, same[0], "The first of them")
    show_image(right, same.mean(0), "Their average")
    return fig


explore(
    draw_average,
    alt="Twenty handwritten threes, the first of them enlarged, and their average: a softer three.",
    presets={"one picture": {"how_many": 1}, "sixty eights": {"digit": 8, "how_many": 60}},
    digit=(0, 9, 1),
    how_many=(1, 60, 1),
    labels={"how_many": "how many"},
)

# %% [markdown]
# ## The drawn world
#
# The lectures need faces, landmarks, scenes and pictures with captions. Programs of the course draw them: people who do not exist, buildings that nobody built. So everything in an image (who, where, how far) is known exactly and can be measured, and nobody has to be asked for permission. Run the next cell to see them.

# %% jupyter={"source_hidden": true}
from course_lib.page.boxes import draw_boxes
from course_lib.page.notebook import figure

fig, axes = plots.panels(2, rows=2, height=2.4)
faces = datasets.load("faces", "test", people=10, photos=1, size=72).images
landmarks = datasets.load("landmarks", "test", buildings=10, photos=1, size=72).images
contact_sheet(axes[0], faces, columns=5, title="Faces: ten people who do not exist")
contact_sheet(axes[1], landmarks, columns=5, title="Landmarks: ten buildings nobody built")
scenes = datasets.load("scenes", "test", count=11, size=144)
scene, target = scenes.images[10], scenes.targets[10]
draw_boxes(axes[2], scene, target["boxes"], target["labels"], scenes.names)
show_image(axes[3], scenes.details["depth"][10][None] / 12)
axes[2].set_title("A scene and its boxes")
axes[3].set_title("Its depth: darker is farther")
alt = "Two sheets of ten drawn faces and ten drawn buildings; a scene with a named box around each thing, and its depth."
figure(fig, alt)

# %% [markdown]
# `data/README.md`, in the course's folder, one above this notebook, describes every set. Real ones (LFW, Omniglot, Fashion-MNIST, VOC, your own folders) come through the same door, `datasets.load(name, split, folder=...)`, from where you keep them.
#
# ## Read the source, believe the claim
#
# What the course teaches stands in its library twice: plainly, to be read, and fast, to be used. A test holds the two against each other. This is the plain form of the Euclidean distance between vectors:

# %%
from course_lib.by_definition import embeddings as plain
from course_lib.page.notebook import show_source

show_source(plain.euclidean)

# %% [markdown]
# A sentence in a lecture can be wrong. A **claim** here is computed whenever its cell runs. It shows a blue tick if it holds; if it does not, it says so in orange, and the page goes on. The next cell tries the function above; a *tensor* is PyTorch's array. Change `expected` and run it again:

# %%
import torch

from course_lib.page.notebook import claim

x, expected = torch.tensor([[0.0, 0.0], [3.0, 4.0]]), 5
measured = plain.euclidean(x[:1], x[1:]).item()
claim(f"the distance from (0, 0) to (3, 4) is {expected}", measured == expected)

# %% [markdown]
# Where a lecture gives a number or a formula, ours stands beside it; where our small world does not show what the lecture says, the text says so. For example a formula of the lectures: for vectors of length 1 with an angle $\varphi$ between them, $\lVert x-y\rVert^2 = 2(1-\cos\varphi)$. Beside it stand the squared distances from (1, 0) that the fast form measures at three angles:

# %%
import math

from course_lib.embeddings.distances import euclidean, normalize
from course_lib.page.notebook import compare

directions = {30: [3**0.5, 1.0], 90: [0.0, 1.0], 180: [-1.0, 0.0]}
ends = normalize(torch.tensor(list(directions.values())))
squares = euclidean(torch.tensor([[1.0, 0.0]]), ends, squared=True)[0].tolist()
ours = {f"{angle} degrees": square for angle, square in zip(directions, squares, strict=True)}
formula = {f"{angle} degrees": 2 * (1 - math.cos(math.radians(angle))) for angle in directions}
compare(ours, lecture=formula)

# %% [markdown]
# ## How long each notebook takes
#
# Seconds from the first cell to the last, on two CPU cores. (A GPU is used where there is one.) A first run trains the networks that the notebook needs; later runs find them in `data/cache`.

# %%
from IPython.display import Markdown

from course_lib.page.syllabus import lecture_map, time_table

Markdown(time_table())

# %% [markdown]
# Notebooks 08, 09 and 10 share networks: what one of them has trained, the others need not train again. The table gives each first run as if it were the only one. Numbers without a row are notebooks still to come.
#
# ## The lecture map
#
# Click on a triangle to see where each topic of a lecture is treated, or for which notebook it is planned.

# %%
Markdown(lecture_map())

# %% [markdown]
# ## Your progress
#
# What you predict, and the exercises that you solve on later pages, are kept in one file on this machine, `data/progress.jsonl`; your name is not in it. Delete the file to begin anew. Run the next cell again after you have answered. Below it, at most three predictions are asked again: a day after you first answered them, and once more five days later. If none is due, nothing appears.

# %%
from course_lib.page.notebook import table
from course_lib.page.progress import remembered
from course_lib.page.review import old_questions, progress_table

answers = remembered()
if answers:
    table(progress_table(answers))
else:
    print("Nothing answered yet.")

# %%
from IPython.display import display

for question in old_questions(answers):
    display(question)

# %% [markdown]
# ## Your own picture
#
# Put a photograph beside this notebook (drag it into the list of files on the left), write its name below, and run the cell. It becomes a tensor [3, height, width] with values from 0 to 1, as the course's own colour pictures are.

# %%
from pathlib import Path

from course_lib.data.from_packages import photographs
from course_lib.data.photos import Photographs

my_file = Path("my_picture.jpg")
if my_file.exists():
    (picture,) = Photographs("my picture", [my_file])  # [3, H, W] in 0..1
    title = f"{my_file}, {picture.shape[2]} x {picture.shape[1]} pixels"
else:
    picture, title = photographs()["cat"], f"There is no {my_file} yet: a cat instead"
fig, (ax,) = plots.panels(1, height=3.4)
show_image(ax, picture, title)
figure(fig, alt="A photograph: your own if there is one, else a tabby cat.")

# %% [markdown]
# ## When something fails
#
# First choose *Kernel > Restart Kernel and Run All Cells*: the page starts with nothing left over from before. If that does not help, run the next cell. It looks at Python, the packages and the processor, and tries whether a control redraws its picture; where a verdict is not "ok", it says what to do.

# %% tags=["nbval-ignore-output"]
from course_lib.page.notebook import claim, table
from course_lib.page.selftest import self_test

table(self_test())

# %%
claim(
    "this machine passes the self-test", all(verdict == "ok" for _, _, verdict in self_test()[1:])
)

# %% [markdown]
# *Troubleshooting* in `README.md` answers the common questions. If nothing helps, report the table above and the last lines of the error to those from whom you have the course.
#
# ## What you can do now
#
# * **Run, predict, move:** Shift + Enter runs a cell; Tab and the arrow keys move a control.
# * **Believe:** a blue tick was computed in front of you; `show_source` shows the algorithm; ours stands beside the lecture's.
# * **Find your way:** the lecture map says where, the time table how long.
# * **Your own picture:** a tensor [3, height, width] from 0 to 1.
# * **When it fails:** restart the kernel, then the self-test.
#
# **Go on:** (01 is still to come) [02 · Embeddings](02_embeddings.ipynb).
