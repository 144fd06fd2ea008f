# Writes the arrays of this folder and what they hold, with NumPy 1.24.2:
#
#     python3 make.py
import io
import json

import numpy as np
from numpy.lib import format


def values(a):
    return [float(v) for v in a.astype("f8").flatten()]


arrays = {}
for kind in "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1".split():
    base = np.arange(-12, 12).reshape(2, 3, 4)
    if kind[0] in "ub":
        base = base + 12
    for order in "<>" if kind[1] != "1" else "|":
        a = base.astype(order + kind)
        arrays[f"{kind}_{'big' if order == '>' else 'c'}"] = a
        arrays[f"{kind}_{'big_' if order == '>' else ''}f"] = np.asfortranarray(a)
        arrays[f"{kind}_{'big_' if order == '>' else ''}f2"] = np.asfortranarray(a.reshape(4, 6))
arrays["scalar"] = np.float32(1.5)
arrays["scalar_big"] = np.array(-2.5, dtype=">f8")
arrays["empty"] = np.zeros((0, 3), "f4")
arrays["empty_rows"] = np.zeros((3, 0), "f4")
arrays["transposed"] = np.arange(6, dtype="f4").reshape(2, 3).T
arrays["one_f"] = np.asfortranarray(np.arange(3, dtype="f4").reshape(1, 3))
arrays["five_f"] = np.asfortranarray(np.arange(2 * 3 * 2 * 3 * 4, dtype="i2").reshape(2, 3, 2, 3, 4))
np.savez("all.npz", **arrays)
np.savez_compressed("all_compressed.npz", **arrays)
rows = {k: {"shape": list(a.shape), "values": values(a)} for k, a in arrays.items()}
with open("all.json", "w") as f:
    f.write("{\n" + ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in rows.items()) + "\n}\n")

# What numpy.save itself writes, for the writer.
for name, a in {
    "save_scalar": np.float32(1.5),
    "save_one": np.arange(3, dtype="f4"),
    "save_two": np.arange(6, dtype="f4").reshape(2, 3),
    "save_empty": np.zeros((0, 3), "f4"),
    "save_deep": np.arange(2, dtype="f4").reshape((1,) * 20 + (2,)),
}.items():
    np.save(name + ".npy", a)
for version in (1, 0), (2, 0), (3, 0):
    with open(f"version{version[0]}.npy", "wb") as f:
        format.write_array(f, np.arange(6, dtype="f4").reshape(2, 3), version)
