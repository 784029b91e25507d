"""Hashing by random hyperplanes: codes of bits, Hamming distance, buckets, and what theory says of them (L1.14).

A hyperplane through the origin cuts space in two: on which side a vector lies is one bit. Two vectors at an angle
theta are cut apart by a random plane with probability theta / pi, so near vectors agree in most of their bits.
"""

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_lib.arguments import check_count, check_tensor, check_vectors, shape
from course_lib.cache import write
from course_lib.search.exact import METRICS, ExactIndex, read_index

# Bytes of a code whose bits an int16 can count; codes compared at a time, so that all stays in the processor's cache.
LONGEST, CLOSE = 4095, 16_384


class HyperplaneHash:
    """Random hyperplanes, and the codes they give.

    Args:
        bits: how many planes.
        dim: d, of the vectors.
        seed: of the planes.
    Raises:
        ValueError: bits or dim below 1.

    Lecture topic L1.14. Charikar, 2002.

    >>> codes = HyperplaneHash(bits=16, dim=3, seed=0).codes(torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]))
    >>> codes.shape, codes.dtype, torch.equal(codes[0], codes[1])
    (torch.Size([2, 2]), torch.uint8, True)
    """

    def __init__(self, bits: int, dim: int, seed: int = 0):
        check_count("HyperplaneHash", bits=bits, dim=dim)
        check_count("HyperplaneHash", least=0, seed=seed)
        generator = torch.Generator().manual_seed(seed)
        self.bits, self.dim, self.seed = bits, dim, seed
        self.normals = torch.randn(bits, dim, generator=generator)  # of the planes: [bits, d]

    def project(self, x: Tensor) -> Tensor:
        """Scalar product with each plane's normal: its sign is the side.               # [n, d] -> [n, bits] float64"""
        check_vectors("HyperplaneHash", x=x)
        if x.shape[1] != self.dim:
            raise ValueError(f"HyperplaneHash: vectors must have d = {self.dim}, got {shape(x)}")
        return x.detach().cpu().double() @ self.normals.double().T

    def codes(self, x: Tensor) -> Tensor:
        """The bits of every vector, eight to a byte; bits that fill the last byte are 0.

        Args:
            x: vectors as rows.                                   # [n, d]
        Returns:
            1 where the vector lies on the plane's positive side. # [n, ceil(bits / 8)] uint8
        """
        return torch.from_numpy(np.packbits(self.project(x).numpy() > 0, axis=1))


def hamming(a: Tensor, b: Tensor) -> Tensor:
    """Hamming distance of every code in `a` to every code in `b`: in how many bits they differ.

    Args:
        a, b: packed codes.                                       # [n, bytes], [m, bytes] uint8
    Returns:
        Numbers of bits.                                          # [n, m] int16
    Raises:
        TypeError, ValueError: not uint8; not [n, bytes] and [m, bytes]; more than 4095 bytes.

    Eight bytes are compared at a time: XOR leaves a 1 wherever two words differ, and the processor counts the ones.

    >>> hamming(torch.tensor([[0b0011]], dtype=torch.uint8), torch.tensor([[0b0101], [0b0011]], dtype=torch.uint8))
    tensor([[2, 0]], dtype=torch.int16)
    """
    check_tensor("hamming", "[n, bytes]", torch.uint8, a=a, b=b)
    if a.shape[1] != b.shape[1] or a.shape[1] > LONGEST:
        raise ValueError(
            f"hamming: a and b must be codes of one length, {LONGEST} bytes at most, got {shape(a)} and {shape(b)}"
        )
    a_words, b_words = _words(a), _words(b)  # [words, n], [words, m]
    result = np.zeros((len(a), len(b)), dtype=np.int16)
    for start in range(0, len(b), CLOSE):
        near = slice(start, start + CLOSE)
        differ, ones = np.empty_like(b_words[0, near]), np.empty_like(result[0, near], np.uint8)
        for row, code in zip(result[:, near], a_words.T, strict=True):
            for word, column in zip(code, b_words[:, near], strict=True):
                np.bitwise_xor(column, word, out=differ)
                np.bitwise_count(differ, out=ones)
                row += ones
    return torch.from_numpy(result)


def _words(codes: Tensor) -> np.ndarray:
    """Packed codes as 64-bit words, filled up with zeros; word by word, so that each can be swept in one go."""
    packed = np.pad(codes.cpu().contiguous().numpy(), ((0, 0), (0, -codes.shape[1] % 8)))
    return np.ascontiguousarray(packed.view(np.uint64).T)  # [words, n]


def p_same_bit(angle: Tensor) -> Tensor:
    """Chance that a random plane does not cut two vectors apart: 1 - theta / pi.          # radians in 0..pi"""
    return 1 - angle / math.pi


def p_found(angle: Tensor, bits: int, tables: int) -> Tensor:
    """Chance that two vectors share a bucket in at least one table.

        1 - (1 - (1 - theta / pi)^bits)^tables

    Args:
        angle: theta between them, in radians, 0..pi.             # any shape
        bits, tables: planes of each table; how many tables, with planes of their own.
    Returns:
        Probabilities, without multi-probe.                       # as angle
    Raises:
        TypeError, ValueError: angle not a floating-point tensor, or outside 0..pi; bits or tables below 1.

    >>> p_found(torch.tensor([0.0, torch.pi / 2]), bits=2, tables=2)
    tensor([1.0000, 0.4375])
    """
    check_count("p_found", bits=bits, tables=tables)
    if not isinstance(angle, Tensor) or not angle.is_floating_point():
        raise TypeError(f"p_found: angle must be a floating-point tensor, got {angle!r:.60}")
    # pi itself, rounded to half precision, may be a little more
    if not ((angle >= 0) & (angle <= math.pi * 1.01)).all():
        raise ValueError(f"p_found: angle must lie in 0..pi, got {angle.min()} to {angle.max()}")
    same = p_same_bit(angle.double()).clamp(min=0)
    return (1 - (1 - same**bits) ** tables).to(angle.dtype)


class LSHIndex(ExactIndex):
    """A database that looks only into the buckets the query falls into, and compares what it finds there exactly.

    Args:
        tables: how many, each with planes of its own; more of them find more, and cost more.
        bits: planes of a table, 1 to 62; more of them make smaller buckets.
        metric: "cosine" or "euclidean", for the comparison; planes only know angles.
        probes: buckets looked into in each table: the query's own, then those across the nearest planes.
        seed: of the planes.
    Raises:
        ValueError: a number out of its range, another metric.

    The calls are those of `ExactIndex`; `looked_at` holds the share of the database that the last search compared with.
    Where fewer than k are found, the places left have distance infinity and number -1.
    Lecture topic L1.14. Lv and others (multi-probe), 2007.

    >>> index = LSHIndex(tables=8, bits=4)
    >>> index.add(torch.eye(5))
    >>> index.search(torch.eye(5)[3:4] + 0.01, k=1)[1]
    tensor([[3]])
    """

    def __init__(
        self,
        tables: int = 8,
        bits: int = 12,
        metric: str = "cosine",
        probes: int = 8,
        seed: int = 0,
    ):
        super().__init__(metric)
        check_count("LSHIndex", tables=tables, bits=bits, probes=probes)
        check_count("LSHIndex", 0, seed=seed)
        most = 1 + bits + bits * (bits - 1) // 2  # buckets across at most two planes
        if bits > 62 or probes > most:
            raise ValueError(
                f"LSHIndex: bits must be at most 62 and probes at most {most}, got bits={bits}, probes={probes}"
            )
        self.tables, self.bits, self.probes, self.seed = tables, bits, probes, seed
        self.looked_at = 0.0
        self._buckets: list[tuple[Tensor, Tensor]] | None = None

    def add(self, x: Tensor) -> None:
        """Append vectors, as `ExactIndex.add` does; they are put into buckets at the next search."""
        super().add(x)
        self._buckets = None

    @property
    def buckets(self) -> list[tuple[Tensor, Tensor]]:
        """Of each table: the buckets' numbers, rising, and the vectors that lie in them.    # [N], [N]"""
        if self._buckets is None:
            keys = self.keys(self.project(self.vectors))  # [N, tables]
            self._buckets = [column.sort(stable=True) for column in keys.T]
        return self._buckets

    def project(self, x: Tensor) -> Tensor:
        """Scalar products with all normals of all tables.      # [n, d] -> [n, tables, bits]"""
        planes = HyperplaneHash(self.tables * self.bits, x.shape[1], self.seed)
        return planes.project(x).unflatten(1, (self.tables, self.bits))

    def keys(self, projected: Tensor) -> Tensor:
        """A bucket's number: the bits of its side of each plane, as one integer.      # [..., bits] -> [...]"""
        return ((projected > 0).long() << torch.arange(self.bits)).sum(-1)

    def probe_keys(self, queries: Tensor) -> Tensor:
        """The buckets to look into: the query's, then those across the planes the query is nearest to.

        Crossing one plane, or two, costs the sum of the squared distances to them; the cheapest crossings come first.
        """
        projected = self.project(queries)  # [q, tables, bits]
        i, j = torch.triu_indices(self.bits, self.bits)  # crossings: each plane (i = j), each two
        # Only the order counts; scaled down, no square overflows.
        near = (projected / projected.abs().amax((1, 2), keepdim=True).clamp(min=1e-300)).square()
        cost = near[..., i] + near[..., j] * (i != j)  # [q, tables, crossings]
        flips = (1 << i) | (1 << j)  # the bits that change
        cheapest = cost.topk(self.probes - 1, largest=False).indices
        home = self.keys(projected)[..., None]  # [q, tables, 1]
        return torch.cat([home, home ^ flips[cheapest]], dim=-1)  # [q, tables, probes]

    def _candidates(self, queries: Tensor) -> tuple[Tensor, Tensor]:
        """Each query with every vector in the buckets that it looks into, once, in order.   # [p], [p]"""
        keys = self.probe_keys(queries)  # [q, tables, probes]
        pairs = []
        for table, (buckets, order) in enumerate(self.buckets):
            probed = keys[:, table].contiguous()
            # A bucket is a run of the sorted vectors.
            begin = torch.searchsorted(buckets, probed).flatten()
            size = torch.searchsorted(buckets, probed, right=True).flatten() - begin
            run = torch.arange(len(size)).repeat_interleave(size)  # [p]
            place = torch.arange(len(run)) - (size.cumsum(0) - size)[run] + begin[run]
            pairs.append(run // self.probes * len(self) + order[place])
        pairs = torch.cat(pairs).unique()
        return pairs // len(self), pairs % len(self)

    @torch.no_grad()
    def search(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """The k nearest of what lies in the query's buckets, nearest first; arguments as in `ExactIndex.search`."""
        k = self._check_search(queries, k)
        i, j = self._candidates(queries)
        self.looked_at = len(i) / (len(queries) * len(self))
        return self._compare(queries, i.to(queries.device), j.to(queries.device), k)

    def save(self, path: str | Path) -> None:
        """Write the index to a file (safetensors); it is there whole or not at all."""
        if self.vectors is None:
            raise ValueError("LSHIndex.save: the index is empty, add vectors first")
        settings = [self.tables, self.bits, METRICS.index(self.metric), self.probes, self.seed]
        write(Path(path), {"vectors": self.vectors.cpu(), "settings": torch.tensor(settings)})

    @classmethod
    def load(cls, path: str | Path) -> "LSHIndex":
        """Read an index that `save` wrote; raises as `ExactIndex.load`."""
        tensors = read_index(path, cls.__name__, {"vectors", "settings"})
        tables, bits, metric, probes, seed = tensors["settings"].tolist()
        index = cls(tables, bits, METRICS[metric], probes, seed)
        index.add(tensors["vectors"])
        return index
