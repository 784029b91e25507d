"""The library of *Seeing in Vectors*: one idea a module, each short enough to read.

    distances, search                       vectors: how far, and which is nearest
    datasets, pictures                      one door to every data set
    shipped, drawn, real_data, render       what lies behind it: from packages, drawn here, benchmark sets
    descriptors, augment                    vectors made by hand; how to vary pictures
    encoders, training, cache               picture -> CNN -> embedding, and how it is learned
    plots, notebook, syllabus, selftest     what the notebooks draw and show

Importing `course_lib` itself costs nothing: torch and the rest are imported by the modules that need them.
"""

__version__ = "0.1.0"
