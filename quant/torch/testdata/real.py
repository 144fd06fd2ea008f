# Writes real.json: what PyTorch 1.13.1 reads from the real checkpoints in the
# folder named, as the shape and the SHA-256 of each tensor's float32 values.
# It only loads files that hold nothing but tensors and plain values.
#
#     python3 real.py FOLDER
import glob
import hashlib
import json
import sys
import zipfile

import numpy
import torch

rows = {}


def walk(path, v):
    if isinstance(v, torch.Tensor):
        data = v.detach().float().contiguous().numpy().astype("<f4").tobytes()
        rows[path.removesuffix(":") + (":tensor" if path.endswith(":") else "")] = [list(v.shape), hashlib.sha256(data).hexdigest()[:16]]
    elif isinstance(v, dict):
        for k, x in v.items():
            walk(path + ("" if path.endswith(":") else ".") + str(k), x)


for name in sorted(glob.glob("pt/**/*.pt", root_dir=sys.argv[1], recursive=True) + glob.glob("candle/*.pt*", root_dir=sys.argv[1])):
    path = sys.argv[1] + "/" + name
    if zipfile.is_zipfile(path):
        walk(name + ":", torch.load(path))
with open("real.json", "w") as f:
    f.write("{\n" + ",\n".join(f"{json.dumps(k)}:{json.dumps(v)}" for k, v in rows.items()) + "\n}\n")
