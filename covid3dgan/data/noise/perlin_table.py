"""The tables of the C function ``noise.pnoise2``, as they lie in memory.

The C code looks a lattice corner up at ``index + base``. With the published bases (0..999) that runs past the
permutation's 512 entries into what the compiler put behind them: the package's gradient tables and then its text
constants. The published fields depend on those bytes, so they belong to the table here. The order is that of the
usual x86-64 builds; reading there is undefined in C, and another compiler may order them differently.
"""

__all__ = ["GRADIENTS", "MAX_BASE", "PERMUTATION"]

import base64
import itertools
import zlib

import numpy as np

MAX_BASE = 999

# Ken Perlin's reference permutation of 0..255 (2002).
_PERMUTATION = bytes.fromhex(
    "97a0895b5a0f830dc95f6035c2e907e18c24671e458e086325f0150a17be0694f778ea4b001ac53e5efcdbcb75230b20"
    "39b12158ed953857ae147d88aba844af4aa547868b301ba64d929ee7536fe57a3cd385e6dc695c29372ef528f4668f36"
    "41193fa101d85049d14c84bbd05912a9c8c4878274bc9f56a4646dc6adba034034d9e2fa7c7b05ca2693767eff5255d4"
    "cfce3be32f103a11b6bd1c2adfb7aad577f898022c9aa346dd99659ba72bac09811627fd13626c6e4f71e0e8b2b97068"
    "daf661e4fb22f2c1eed2900cbfb3a2f1513391ebf90eef6b31c0d61fb5c76a9db854ccb07379322d7f0496fe8aeccd5d"
    "de72431d1848f38d80c34e42d73d9cb4")

# The 12 edge directions of a cube, four of them twice; 2D noise uses the first two components.
GRADIENTS = np.array(
    [(1, 1, 0), (-1, 1, 0), (1, -1, 0), (-1, -1, 0), (1, 0, 1), (-1, 0, 1), (1, 0, -1), (-1, 0, -1),
     (0, 1, 1), (0, -1, 1), (0, 1, -1), (0, -1, -1), (1, 0, -1), (-1, 0, -1), (0, -1, 1), (0, 1, 1)], "<f4")

# The 32 directions of 4D noise: one zero component, three signs. Only their bytes matter here.
_GRADIENTS_4D = np.array([signs[:axis] + (0,) + signs[axis:] for axis in range(4)
                          for signs in itertools.product((1, -1), repeat=3)], "<f4")

# What the x86-64 build holds behind its gradient tables, read from memory, compressed; bases above ~700 reach it.
_BEHIND_THE_TABLES = zlib.decompress(base64.b85decode(
    "c-o!LF%E+;3<XeTPT>)xs7lgy%wf`CBuikUI3T!vo6@aQJNoPE`>~Ls>vjW@O59L`Gq7M*(t?~Y*vs9(6w}HvQ#pdaSOXasj3qeh"
    "Zw4MwYt8m;>tLW6SxGofb!H+4nwKma4#4#nj4P+|DnO@*XLf~AGR%?@h)3z0rg`VSx{iNn`^R=($G6n~Bz*!Rm|>3"))

PERMUTATION = np.frombuffer(_PERMUTATION * 2 + _GRADIENTS_4D.tobytes() + GRADIENTS.tobytes() + _BEHIND_THE_TABLES,
                            np.uint8)
