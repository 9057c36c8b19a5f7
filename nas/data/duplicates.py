"""Groups of near-duplicate images, which a split must not tear apart.

Two images are near-duplicates if their correlation is at least `THRESHOLD` = 0.995, taken over all pixels and channels
after averaging blocks of pixels so that at most 16 a side are left. In words: after the best change of brightness and
contrast they differ by at most a tenth of their contrast (root mean square). Groups are the connected components of
that relation. Copies with another brightness or contrast, with slight noise or compressed again are found; copies that
are mirrored, or shifted by more than a fraction of a block, are not. Images of one flat colour are one group.

The search is exact, not a hash: orthogonal projection on the leading principal components shortens distances, so that
pairs which are far apart there are discarded with certainty; the first component sorts the images, which limits the
pairs that are looked at, and the rest are compared by matrix products. Pairs that survive are compared in full.
"""

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from nas.data.cache import load_cached, save_cached

THRESHOLD = 0.995
"""Least correlation of two near-duplicates."""

_SIDE = 16  # pixels a side after averaging
_COMPONENTS = 32  # principal components that the first comparison uses
_BLOCK_ROWS = 256
_VERSION = 1  # part of the cache key: raise it when the groups' definition changes
GROUPING = f"{_VERSION} {THRESHOLD} {_SIDE}"
"""Of cache keys: what makes a group."""


def group_near_duplicates(images: NDArray[np.uint8], *, cached: bool = True) -> NDArray[np.int64]:
    """Give every image the index of the first image of its group.

    Args:
        images: [N, C, H, W].
        cached: look in the cache first, and leave the answer there; it takes seconds for 60,000 images.

    Returns:
        Group of each image, [N]; images that have no near-duplicate stand alone under their own index.
    """
    if not cached:
        return _components(len(images), near_pairs(images))
    digest = hashlib.sha256(f"{GROUPING} {images.shape}".encode())
    digest.update(np.ascontiguousarray(images).data)
    name = f"groups-{digest.hexdigest()[:32]}"
    groups = load_cached(name, len(images))
    if groups is None:
        groups = _components(len(images), near_pairs(images))
        save_cached(name, groups)
    return groups


def near_pairs(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """All pairs of near-duplicates among images [N, C, H, W], as indices [P, 2]; flat images are chained."""
    features = _features(images)
    flat = np.flatnonzero(~features.any(axis=1))
    chain = np.stack([flat[:-1], flat[1:]], axis=1)
    rest = np.flatnonzero(features.any(axis=1))
    if len(rest) < 2:
        return chain
    features = features[rest]
    candidates = _candidates(features)
    kept = [np.zeros((0, 2), dtype=np.int64)]
    for start in range(0, len(candidates), 1 << 16):
        first, second = candidates[start : start + (1 << 16)].T
        # In double precision, so that the verdict does not depend on the machine's matrix products.
        correlation = np.einsum("nd,nd->n", features[first], features[second], dtype=np.float64)
        kept.append(np.stack([first, second], axis=1)[correlation >= THRESHOLD])
    return np.concatenate([chain, rest[np.concatenate(kept)]])


def _features(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Block averages with mean 0 and length 1, [N, D]; zero where the image is flat."""
    count, channels, height, width = images.shape
    down, across = -(-height // _SIDE), -(-width // _SIDE)
    rows, columns = height // down, width // across
    whole = images[:, :, : rows * down, : columns * across]
    blocks = whole.reshape(count, channels, rows, down, columns, across).sum(axis=(3, 5), dtype=np.int32)
    features = blocks.reshape(count, -1).astype(np.float32)
    features -= features.mean(axis=1, dtype=np.float64, keepdims=True).astype(np.float32)
    flat = blocks.reshape(count, -1).max(axis=1) == blocks.reshape(count, -1).min(axis=1)
    length = np.sqrt(np.einsum("nd,nd->n", features, features, dtype=np.float64))
    features /= np.where(flat, 1.0, length)[:, None].astype(np.float32)
    features[flat] = 0.0
    return features


def _candidates(features: NDArray[np.float32]) -> NDArray[np.int64]:
    """Pairs [P, 2] of unit vectors that may correlate by `THRESHOLD` or more; none that does is missing."""
    vectors = torch.from_numpy(features)
    centred = vectors - vectors.mean(dim=0)
    axes = torch.linalg.eigh((centred.T @ centred).double()).eigenvectors.flip(1)[:, :_COMPONENTS]
    points = centred @ axes.float()
    order = torch.argsort(points[:, 0], stable=True)
    points = points[order].contiguous()
    # |x - y|^2 = 2 - 2 correlation for unit vectors; the margin covers float32 rounding.
    reach_squared = 2.0 - 2.0 * THRESHOLD + 1e-4
    ends = torch.searchsorted(points[:, 0].contiguous(), points[:, 0] + reach_squared**0.5, right=True).tolist()
    half_norms = points.square().sum(dim=1) / 2
    found = []
    for start in range(0, len(points), _BLOCK_ROWS):
        stop = min(start + _BLOCK_ROWS, len(points))
        end = ends[stop - 1]
        # |x - y|^2 <= reach^2 is x.y - |y|^2/2 >= (|x|^2 - reach^2)/2: one product and one comparison.
        products = torch.addmm(-half_norms[start:end].unsqueeze(0), points[start:stop], points[start:end].T)
        near = products >= (half_norms[start:stop] - reach_squared / 2).unsqueeze(1)
        pairs = near.nonzero()
        found.append(pairs[pairs[:, 1] > pairs[:, 0]] + start)
    return order[torch.cat(found)].numpy()


def _components(size: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Connected components, each named by its smallest member, [size]."""
    edges = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    _, labels = connected_components(edges, directed=False)
    _, first = np.unique(labels, return_index=True)
    return np.asarray(first[labels], dtype=np.int64)
