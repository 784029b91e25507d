"""The drawn world: pictures made of signed distances, each a pure function of (set, seed, index).

canvas       random numbers that belong to an index, shapes, paint
faces, landmarks, scenes, captions      one drawn set a module
"""
