"""The state of torchvision's GoogLeNet under our names, for the preset ``googlenet-torchvision``.

========================================  ==========================================
ours                                      torchvision's
========================================  ==========================================
``conv1``, ``conv2_reduce``, ``conv2``    ``conv1``, ``conv2``, ``conv3``
``3a_b1x1``                               ``inception3a.branch1``
``3a_b3x3_reduce``, ``3a_b3x3``           ``inception3a.branch2.0``, ``.branch2.1``
``3a_b5x5_reduce``, ``3a_b5x5``           ``inception3a.branch3.0``, ``.branch3.1``
``3a_pool_proj``                          ``inception3a.branch4.1``
``aux1_conv``, ``_hidden``, ``_linear``   ``aux1.conv``, ``aux1.fc1``, ``aux1.fc2``
``linear``                                ``fc``
========================================  ==========================================

Within a convolution ``norm`` is torchvision's ``bn``; a linear layer's ``linear`` is no level there.
"""

from collections.abc import Mapping

from torch import Tensor

from nas.errors import ModelError

_PLACES = {
    "conv1": "conv1",
    "conv2_reduce": "conv2",
    "conv2": "conv3",
    "linear": "fc",
}
_BRANCHES = {
    "b1x1": "branch1",
    "b3x3_reduce": "branch2.0",
    "b3x3": "branch2.1",
    "b5x5_reduce": "branch3.0",
    "b5x5": "branch3.1",
    "pool_proj": "branch4.1",
}
_HEADS = {"conv": "conv", "hidden": "fc1", "linear": "fc2"}


def torchvision_name(name: str) -> str:
    """The key in torchvision's state of one key of ours.

    Raises:
        ModelError: a key that the network ``googlenet-torchvision`` does not have.
    """
    module, _, rest = name.partition(".")
    cell, _, part = module.partition("_")
    if module in _PLACES:
        place = _PLACES[module]
    elif part in _BRANCHES and cell[:1].isdigit():
        place = f"inception{cell}.{_BRANCHES[part]}"
    elif part in _HEADS and cell.startswith("aux"):
        place = f"{cell}.{_HEADS[part]}"
    else:
        raise ModelError(f"torchvision's GoogLeNet has no counterpart of {name!r}.")
    return f"{place}.{rest.removeprefix('linear.').replace('norm.', 'bn.')}"


def from_torchvision(state: Mapping[str, Tensor], names: Mapping[str, object]) -> dict[str, Tensor]:
    """Torchvision's state under our names.

    Args:
        state: ``torchvision.models.GoogLeNet().state_dict()``; may hold auxiliary heads that are not asked for.
        names: our keys, ``network.state_dict()``.

    Raises:
        ModelError: a key that torchvision's state lacks, or has beyond ours outside of auxiliary heads.
    """
    pairs = {name: torchvision_name(name) for name in names}
    for name, theirs in pairs.items():
        if theirs not in state:
            raise ModelError(f"torchvision's state must have {theirs!r} for our {name!r}, but lacks it.")
    beyond = sorted(key for key in set(state) - set(pairs.values()) if not key.startswith("aux"))
    if beyond:
        raise ModelError(f"torchvision's state must fit the network, but has {beyond[0]!r} beyond it.")
    return {name: state[theirs] for name, theirs in pairs.items()}
