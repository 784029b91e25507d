"""The library of *Seeing in Vectors*: a room for every topic, one idea a module, each short enough to read.

    embeddings, metric_learning, search     vectors: made, learned, found again
    detection, detectors                    boxes and how they are scored; seven networks that predict them
    verification, landmarks                 same person or not; what was crawled, cleaned
    by_definition                           each algorithm in its plain form: shown first, the oracle of the tests

    data, render                            one door to every data set, and the world that is drawn
    training, recipes                       the loop, kept weights; what is trained once and shared
    page                                    what the notebooks draw and show
    arguments, cache, machine               what comes in, what is kept, and where
    provenance, sources                     what a result depends on: what code does, names and reaches

Importing `course_lib` itself costs nothing: torch and the rest are imported by the modules that need them.
"""

__version__ = "0.1.0"
