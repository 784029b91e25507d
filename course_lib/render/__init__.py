"""The drawn world: images made of signed distances, each a pure function of (set, seed, index).

canvas       random numbers that belong to an index, shapes, paint
captions     simple shapes and sentences about them
faces, landmarks, scenes      a room for each drawn set; `draw` is its door
"""
