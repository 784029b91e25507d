# %% [markdown]
# # Start here
#
# *Seeing in Vectors* is a course that you run. The claims of the lectures are computed in front of you, on data that is already here. Some results take too long for a class; `make tables` computed them beforehand. Every algorithm
# is short enough to read, and more than half of the figures have something to move. In a quarter of an hour you will be able to
#
# * run a cell and move a control;
# * tell a measured claim from a printed sentence;
# * find the notebook for a lecture topic, and see how long it takes;
# * bring your own pictures;
# * find out what is wrong when something does not work.
#
# ## Run a cell
#
# A notebook is a page of text and **cells** of code. Click into the cell below and press **Shift + Enter**: it runs, its output appears
# under it, and the next cell is selected. *Run > Run All Cells* runs the whole page; *Kernel > Restart Kernel and Run All Cells* does so from a clean slate, which is
# the first thing to try when a page behaves strangely.

# %%
import torch

from course_lib.data import datasets
from course_lib.page import plots
from course_lib.page.controls import explore
from course_lib.page.notebook import claim, compare, figure, show_source, table
from course_lib.page.pictures import contact_sheet, show_image

digits = datasets.load("digits", "test")
print(
    len(digits),
    "handwritten digits, each [channels, height, width] =",
    list(digits.images[0].shape),
)

# %% [markdown]
# The digits were not downloaded: they come with scikit-learn. The whole course works without a network.
#
# ## Move a control
#
# Run the next cell, then drag a slider - or reach it with **Tab** and use the **arrow keys**. The picture follows. Buttons lead to things worth
# seeing, *Reset* leads back. Without a running kernel (on GitHub, say) you see the picture in its first state. The three dots stand for folded drawing code: click on them to read it.
#
# Many cells ask you first. Commit to an answer: what was predicted is remembered, what was only read is not.

# %%
from course_lib.page.predict import predict

predict(
    "We average twenty handwritten threes, pixel by pixel. What will the average look like?",
    ["a sharp three, as if one hand had written it", "a soft three", "grey noise"],
    answer=1,
    why=[
        "No two hands write a three in the same place: edges are averaged away.",
        "Most threes share most of their ink; where they differ it turns grey.",
        "Noise remains if the images have nothing in common. Threes have.",
    ],
    name="00.average",
)


# %% jupyter={"source_hidden": true}
def draw_average(digit=3, how_many=20):
    same = digits[digits.labels == digit].images[:how_many]
    fig, (left, right) = plots.panels(2, height=2.6, widths=(2.4, 1))
    contact_sheet(left, same, columns=10, title=f"{len(same)} pictures of the digit {digit}")
    show_image(right, same.mean(0), "Their average")
    return fig


# %%
explore(
    draw_average,
    alt="Twenty handwritten threes, and their average: a soft three.",
    presets={"one picture": {"how_many": 1}, "all eights": {"digit": 8, "how_many": 60}},
    digit=(0, 9, 1),
    how_many=(1, 60, 1),
)

# %% [markdown]
# ## The drawn world
#
# The lectures need faces, landmarks, street scenes and captions. The course draws its own, people who do not exist and buildings that nobody built, so that everything in an image - who, where, how far, which way it moves - is known exactly and can be measured. It also needs no download, and nobody's permission to be shown.

# %% jupyter={"source_hidden": true}
fig, axes = plots.panels(2, rows=2, height=2.1)
faces = datasets.load("faces", "test", people=10, photos=1, size=72).images
landmarks = datasets.load("landmarks", "test", buildings=10, photos=1, size=72).images
scenes = datasets.load("scenes", "test", count=10, size=72).images
captions = datasets.load("captions", "test", count=10, size=72)
world = {
    "Faces: ten people who do not exist": faces,
    "Landmarks: ten buildings nobody built": landmarks,
    "Scenes: things with boxes, depth, motion": scenes,
    "Captions: a picture and a sentence": captions["images"],
}
for ax, (title, pictures) in zip(axes, world.items(), strict=True):
    contact_sheet(ax, pictures, columns=5, title=title)
alt = "Four sheets of ten drawn pictures: faces, landmark buildings, scenes with cars, cats and balloons, "
figure(fig, alt + "and pairs of paper cut-outs.")

# %%
print(captions["captions"][0])

# %% [markdown]
# That sentence belongs to the first of the paper cut-outs. `data/README.md` describes every set; the real ones (LFW, Omniglot, Fashion-MNIST, VOC, your own folders) come through the same door, `datasets.load(name, split)`.
#
# ## Read the source, believe the claim
#
# What the course teaches it writes itself, once, and shows you that very code. Here is the distance that half of the lectures rest on:

# %%
from course_lib.embeddings.distances import euclidean

show_source(euclidean)

# %% [markdown]
# A sentence in a lecture can be wrong; a **claim** here has been computed. It shows a blue tick when it holds. When you change something and it no longer holds, it says so in orange, and the page goes on:

# %%
x = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
claim("the distance from (0, 0) to (3, 4) is 5", euclidean(x[:1], x[1:]).item() == 5)

# %% [markdown]
# Where a lecture gives a figure, ours stands beside it; where our small world does not show what the lecture says, the text says so. Here is a formula of the lectures, $\lVert x-y\rVert^2 = 2(1-\cos)$ for vectors of length one, beside what we measure at three angles:

# %%
from course_lib.embeddings.distances import normalize

directions = {"30 degrees": [3**0.5, 1.0], "90 degrees": [0.0, 1.0], "180 degrees": [-1.0, 0.0]}
ends = normalize(torch.tensor(list(directions.values())))
squares = euclidean(torch.tensor([[1.0, 0.0]]), ends, squared=True)[0].tolist()
ours = dict(zip(directions, squares, strict=True))
compare(ours, lecture={"30 degrees": 2 - 3**0.5, "90 degrees": 2.0, "180 degrees": 4.0})

# %% [markdown]
# ## How long each notebook takes
#
# From the first cell to the last on two CPU cores without a GPU. A first run trains what the notebook needs; later runs find it in `data/cache`. 08, 09 and 10 share detectors: what one of them has trained, the others need not train again; their first runs are added up here, from the notebook and the training of each detector. A GPU is used where there is one.

# %%
from IPython.display import Markdown

from course_lib.page.syllabus import lecture_map, time_table

Markdown(time_table())

# %% [markdown]
# ## The lecture map
#
# Five lectures are the syllabus. Open one to see where each of its topics is treated.

# %%
Markdown(lecture_map())

# %% [markdown]
# ## Your progress
#
# What you predict and what you solve is kept in one file on this machine, `data/progress.jsonl`, without a name; delete it to begin anew. Questions come back here after a day, and once more after five days.

# %%
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
# ## Your own pictures
#
# Any picture becomes a tensor [channels, height, width] with values from 0 to 1, and from there on it is like the course's own. Put a file beside this notebook
# (drag it into the file list on the left), write its name below, and run the cell.

# %%
from pathlib import Path

from torchvision.io import ImageReadMode, decode_image

from course_lib.data.from_packages import photographs

my_file = "my_picture.jpg"
if Path(my_file).exists():
    picture = decode_image(my_file, mode=ImageReadMode.RGB).float() / 255  # [3, H, W] in 0..1
else:
    picture = photographs()["cat"]  # until you bring one
fig, (ax,) = plots.panels(1, height=3.4)
show_image(ax, picture, f"{picture.shape[2]} x {picture.shape[1]} pixels")
figure(fig, alt="A photograph: your own if there is one, else a ginger cat.")

# %% [markdown]
# ## When something fails
#
# Run this cell first: it looks at Python, the packages, the processor and the controls, and says what to do about what it does not like.

# %% tags=["nbval-ignore-output"]
from course_lib.page.selftest import self_test

table(self_test())

# %%
claim(
    "this machine passes the self-test", all(verdict == "ok" for _, _, verdict in self_test()[1:])
)

# %% [markdown]
# If a verdict is not "ok", do what it says. If that does not help, open an issue with the table above and the last lines of the error; *Troubleshooting* in `README.md` answers the common ones.
#
# ## What you can do now
#
# * **Run and move:** Shift + Enter runs a cell; Tab and the arrow keys move a control.
# * **Believe:** a blue tick was measured; `show_source` shows what measured it; ours stands beside the lecture's.
# * **Find your way:** the lecture map says where, the time table how long.
# * **Your own data:** a tensor [3, H, W] from 0 to 1, whatever it shows.
# * **When it fails:** the self-test first.
#
# **Go on:** [02 · Embeddings](02_embeddings.ipynb).
