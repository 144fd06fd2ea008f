# Writes real.json: what NumPy 1.24.2 reads from the real arrays in the folder
# named, as the shape and the SHA-256 of each array's float32 values.
#
#     python3 real.py FOLDER
import glob
import hashlib
import json
import sys

import numpy as np

rows = {}


def row(key, a):
    rows[key] = [list(a.shape), hashlib.sha256(a.astype("<f4", order="C").tobytes(order="C")).hexdigest()[:16]]


for name in sorted(sum((glob.glob(p, root_dir=sys.argv[1]) for p in ("npy/*", "candle/*.np?", "malformed/npy/*int*")), [])):
    a = np.load(sys.argv[1] + "/" + name)
    if isinstance(a, np.ndarray):
        row(name + ":arr_0", a)
    else:
        for k in a.files:
            row(name + ":" + k, a[k])
with open("real.json", "w") as f:
    f.write("{\n" + ",\n".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in rows.items()) + "\n}\n")
