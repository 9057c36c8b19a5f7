"""A user's own space, as the README shows one."""

from nas.architecture import Architecture, Cell, Reduction, Stem
from nas.space import Choice, Space


def decode(point):
    cell = Cell(b1x1=point["width"], b3x3_reduce=8, b3x3=point["width"], b5x5_reduce=0, b5x5=0, pool_proj=8)
    return Architecture(
        stem=Stem(kind="conv3x3", width=16), stages=((cell,) * point["cells"], (cell,)), reductions=(Reduction(),)
    )


choices = (Choice(name="width", values=(8, 16, 32), width=True), Choice(name="cells", values=(1, 2, 3)))
SPACE = Space(name="mine", choices=choices, decode=decode, reference=decode({"width": 16, "cells": 2}))
